"""How steps and minutes are shared among the phases of a run, and what becomes of what a phase leaves over."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fixtures import finished, make_project, quick, quick_spec, run_inline
from hypothesis import given
from hypothesis import strategies as st

from napari_medssl.methods.base import Optimiser, Phase
from napari_medssl.methods.catalog import method_info
from napari_medssl.runs.events import PhaseStarted, RunEvent, Stepped
from napari_medssl.runs.request import make_spec, sketch_spec
from napari_medssl.runs.spec import Budget
from napari_medssl.training.budget import PhaseBudget, part_of_run, split, total_steps, with_left_over
from napari_medssl.training.checkpoint import Progress
from napari_medssl.training.rehearse import rehearse
from napari_medssl.training.resolve import options_of, resolve

SHARES = st.lists(st.floats(0.05, 1.0), min_size=1, max_size=4)


def phases_of(shares: list[float], most: list[int | None] | None = None) -> list[Phase]:
    limits = most or [None] * len(shares)
    return [
        Phase(str(i), str(i), share, Optimiser(), 1, steps=5, most_steps=limit)
        for i, (share, limit) in enumerate(zip(shares, limits, strict=True))
    ]


@given(st.integers(1, 10**6), SHARES, st.data())
def test_phases_share_all_the_steps(steps: int, shares: list[float], data: st.DataObject) -> None:
    some = st.none() | st.integers(1, 10**6)
    most = [*data.draw(st.lists(some, min_size=len(shares) - 1, max_size=len(shares) - 1)), None]
    phases = phases_of(shares, most)
    budgets = split(Budget(steps=steps), phases)
    assert total_steps(budgets) == steps
    assert all(b.steps >= 0 for b in budgets)
    assert all(limit is None or b.steps <= limit for b, limit in zip(budgets, most, strict=True))
    timed = split(Budget(minutes=2.0), phases)
    assert sum(b.seconds for b in timed) == pytest.approx(120.0)
    assert total_steps(timed) is None
    assert total_steps(split(Budget(), phases)) == 5 * len(phases)


def test_what_a_phase_leaves_over_goes_to_the_next() -> None:
    phases = phases_of([0.5, 0.25, 0.25], [10, None, None])
    assert [b.steps for b in split(Budget(steps=100), phases)] == [10, 65, 25]
    timed = split(Budget(minutes=1.0), phases)
    assert timed[0] == PhaseBudget(steps=10, seconds=30.0)
    assert with_left_over(timed, 0, 0.0) == timed[0]
    assert with_left_over(timed, 1, 4.0) == PhaseBudget(seconds=41.0)
    assert with_left_over(timed, 2, 45.0) == PhaseBudget(seconds=15.0)
    assert with_left_over(timed, 2, 47.0) == PhaseBudget(seconds=15.0)  # the one before took longer: nobody pays


@given(st.integers(0, 50), st.floats(0, 1e4))
def test_progress_of_a_phase(done: int, seconds: float) -> None:
    counted, timed, empty = PhaseBudget(steps=20), PhaseBudget(seconds=100.0), PhaseBudget(steps=0)
    assert counted.progress(done, seconds) == min(1.0, done / 20)
    assert timed.progress(done, seconds) == min(1.0, seconds / 100)
    assert PhaseBudget(steps=20, seconds=100.0).progress(done, seconds) == min(1.0, max(done / 20, seconds / 100))
    assert empty.progress(done, seconds) == 1.0
    assert timed.seconds_left(done, seconds) >= 0
    assert counted.seconds_left(20, seconds) == pytest.approx(0.0, abs=1e-6)


@given(SHARES, st.floats(0.5, 30.0), st.integers(1, 40), st.booleans())
def test_progress_of_a_run_never_falls_and_ends_at_1(shares: list[float], step: float, most: int, timed: bool) -> None:
    phases = phases_of(shares, [most if i < len(shares) - 1 else None for i in range(len(shares))])
    budgets = split(Budget(minutes=1.0) if timed else Budget(steps=90), phases)
    told, now = [], Progress(step=0, phase=0, phase_step=0, seconds=0.0, phase_seconds=0.0)
    for index in range(len(phases)):
        now = Progress(now.step, index, 0, now.seconds, 0.0)
        here = with_left_over(budgets, index, now.seconds)
        while here.progress(now.phase_step, now.phase_seconds) < 1.0:
            told.append(part_of_run(budgets, now))
            now = Progress(now.step + 1, index, now.phase_step + 1, now.seconds + step, now.phase_seconds + step)
    assert [*told, 1.0] == pytest.approx(sorted([*told, part_of_run(budgets, now)]))


def began(events: list[RunEvent]) -> dict[str, int]:
    """The step at which each phase began."""
    return {event.phase: event.step for event in events if isinstance(event, PhaseStarted)}


@pytest.mark.parametrize("length", [{"steps": 20}, {"steps": None, "minutes": 0.1}])
def test_bcp_goes_on_to_unlabelled_scans_when_it_was_through_the_labels_often_enough(
    tmp_path: Path, length: dict[str, Any]
) -> None:
    project = make_project(tmp_path, "raster", labelled=2, unlabelled=3)
    settings = {"warmup_share": 0.75, "warmup_passes": 1.0}
    spec = quick_spec(project, "bcp", "raster", **length, settings=settings)
    events = run_inline(project, spec.run)
    plan = resolve(spec, project).plan
    assert plan is not None
    through = -(-plan.labelled_voxels // (plan.batch * 16 * 16))
    assert finished(events).reason == "completed"
    assert 1 < through < 12
    assert began(events)["self-training"] == through
    last = [event for event in events if isinstance(event, Stepped)][-1]
    assert last.phase == "self-training"
    if "minutes" in length:  # of which the first phase had a few steps, not three quarters
        begin = next(e.at for e in events if isinstance(e, PhaseStarted) and e.phase == "self-training")
        assert last.at - begin > 0.5 * 60 * length["minutes"]
    else:
        assert (last.step, last.progress) == (20, 1.0)


def test_a_rehearsal_hands_on_what_the_labels_leave_over(tmp_path: Path) -> None:
    project = make_project(tmp_path, "raster", labelled=2, unlabelled=3)
    settings = quick("raster") | {"warmup_share": 0.75, "warmup_passes": 1.0}
    sketch = sketch_spec(project, "bcp", minutes=5.0, device="cpu", settings=settings)
    first, then = rehearse(project.root, sketch).trials
    assert first.steps == first.expected_steps
    assert first.expected_seconds < 0.75 * 300
    assert first.expected_seconds + then.expected_seconds == pytest.approx(300)


def test_labelled_voxels_are_those_of_the_plan_and_are_counted_again_when_a_run_goes_on(tmp_path: Path) -> None:
    project = make_project(tmp_path, "raster", labelled=2, unlabelled=3)
    spec = quick_spec(project, "bcp", "raster", steps=2, settings={"spacing": (2.0, 2.0)})
    size = sum(
        int(project.case(entry.case).grid.shape[0] * project.case(entry.case).grid.shape[1]) for entry in spec.labelled
    )
    plan = resolve(spec, project).plan
    assert plan is not None
    assert plan.labelled_voxels == round(size / 4)
    run_inline(project, spec.run)
    labels = project.case("case-0").read_labels()
    assert labels is not None
    project.case("case-2").save_labels(labels.array, author="test", origin="drawn")
    then = quick_spec(project, "bcp", "raster", steps=2, start_from=spec.run)
    assert len(then.labelled) == 3
    plan = resolve(then, project).plan
    assert plan is not None
    assert plan.labelled_voxels == round(size / 4 * 3 / 2)


def test_the_published_recipe_and_runs_without_such_a_limit_keep_their_share(tmp_path: Path) -> None:
    project = make_project(tmp_path, "raster", labelled=2, unlabelled=3)
    for settings, preset in (({}, "paper"), ({"warmup_passes": 0.0}, "auto")):
        spec = resolve(make_spec(project, "bcp", steps=4, device="cpu", preset=preset, settings=settings), project)
        assert spec.plan is not None
        phases = method_info("bcp").load().phases(options_of(spec), spec.plan)
        assert [phase.most_steps for phase in phases] == [None, None]
