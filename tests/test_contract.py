"""What every method keeps to, wherever its run lives: a new line in the catalog is tested without a new test."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fixtures import finished, make_project, quick_spec, run_inline

from napari_medssl.errors import SpecError
from napari_medssl.inference.model import MODEL, load_deployed, load_model
from napari_medssl.methods.catalog import CATALOG, method_info
from napari_medssl.project import Project
from napari_medssl.runs.drivers import ProcessDriver
from napari_medssl.runs.events import (
    CheckpointSaved,
    PhaseStarted,
    Proposed,
    RunEvent,
    RunFinished,
    RunStarted,
    Stepped,
    event_from_json,
    event_to_json,
)
from napari_medssl.runs.journal import JOURNAL_NAME, replay
from napari_medssl.runs.spec import read_spec, spec_from_json, spec_to_json
from napari_medssl.runs.status import fold

STEPS = 40
HOMES = [
    *((method, "inline", kind) for method in CATALOG for kind in ("3d", "raster", "thick")),
    *((method, "process", "3d") for method in CATALOG),
]


class Ran:
    """A run that came to its end."""

    def __init__(self, project: Project, run: str, events: list[RunEvent]) -> None:
        self.project, self.run, self.events = project, run, events
        self.folder = project.run_folder(run)


@pytest.fixture(scope="module", params=HOMES, ids="-".join)
def ran(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Ran:
    method, driver, kind = request.param
    project = make_project(tmp_path_factory.mktemp("contract"), kind)
    run = quick_spec(project, method, kind, steps=STEPS, propose=None).run
    if driver == "inline":
        return Ran(project, run, run_inline(project, run))
    handle = ProcessDriver().start(project.root, run)
    assert handle.wait(200).is_over
    return Ran(project, run, replay(project.run_folder(run) / JOURNAL_NAME))


def of(events: Iterable[RunEvent], kind: type[RunEvent]) -> list:
    return [e for e in events if isinstance(e, kind)]


def test_there_is_one_beginning_and_one_end(ran: Ran) -> None:
    assert isinstance(ran.events[0], RunStarted)
    assert len(of(ran.events, RunStarted)) == 1
    assert finished(ran.events).reason == "completed", finished(ran.events).message
    assert len(of(ran.events, RunFinished)) == 1
    times = [e.at for e in ran.events]
    assert times == sorted(times)


def test_phases_are_those_that_were_announced(ran: Ran) -> None:
    phases = of(ran.events, PhaseStarted)
    assert [p.title for p in phases] == list(ran.events[0].phases)
    assert [p.index for p in phases] == list(range(len(phases)))
    assert not any(p.begins_with for p in phases)  # with nothing; tests/test_composition.py has those that do not


def test_progress_goes_forward_to_its_end(ran: Ran) -> None:
    stepped = of(ran.events, Stepped)
    steps, progress = [s.step for s in stepped], [s.progress for s in stepped]
    assert ran.events[0].total_steps == STEPS
    assert steps == sorted(set(steps))
    assert steps[-1] == STEPS
    assert progress == sorted(progress)
    assert all(0 < p <= 1 for p in progress)
    assert progress[-1] == pytest.approx(1.0)
    assert stepped[-1].eta_seconds == 0
    assert all(s.learning_rate > 0 and s.step_seconds > 0 and 0 <= s.wait_share <= 1 for s in stepped)


def test_the_loss_falls_in_every_phase(ran: Ran) -> None:
    for phase in {s.phase for s in of(ran.events, Stepped)}:
        losses = [s.losses["total"] for s in of(ran.events, Stepped) if s.phase == phase]
        quarter = max(1, len(losses) // 4)
        assert np.mean(losses[-quarter:]) < 0.9 * np.mean(losses[:quarter]), phase


def test_the_journal_tells_the_same_story(ran: Ran) -> None:
    assert fold(replay(ran.folder / JOURNAL_NAME)) == fold(ran.events)
    assert [event_from_json(event_to_json(e)) for e in ran.events] == ran.events


def test_somebody_who_comes_later_sees_the_same(ran: Ran) -> None:
    handle = ProcessDriver().attach(ran.project.root, ran.run)
    assert not handle.is_alive()
    assert handle.status() == fold(ran.events)
    assert handle.status().state == "completed"


def test_the_spec_is_resolved_and_survives_json(ran: Ran) -> None:
    spec = read_spec(ran.folder)
    assert spec.plan is not None
    assert spec.options is not None
    assert spec_from_json(spec_to_json(spec)) == spec


def test_a_model_is_deployed_that_can_be_loaded(ran: Ran) -> None:
    deployed = [e for e in of(ran.events, CheckpointSaved) if e.deployed]
    assert [e.path for e in deployed] == [MODEL]
    assert finished(ran.events).model == MODEL
    if not method_info(read_spec(ran.folder).method).segments:
        (encoder,), _ = load_model(ran.folder)
        assert encoder
        assert all(name.startswith("encoder.") for name in encoder)
        with pytest.raises(SpecError, match="not to segment"):
            load_deployed(ran.folder, "cpu", 1, "float32")
        return
    model = load_deployed(ran.folder, "cpu", 1, "float32")
    assert len(model.members) >= 1
    assert model.values == (0, 1, 2)
    assert model.class_names == ("bright", "dark")


def test_every_unlabelled_case_gets_a_proposal_on_its_grid(ran: Ran) -> None:
    proposed = of(ran.events, Proposed)
    if not method_info(read_spec(ran.folder).method).segments:
        assert not proposed
        return
    assert [p.case for p in proposed] == ["case-2", "case-3"]
    assert [(p.index, p.total) for p in proposed] == [(0, 2), (1, 2)]
    for event in proposed:
        case = ran.project.case(event.case)
        proposal = case.latest_proposal()
        assert proposal is not None
        assert proposal.run == ran.run
        assert proposal.score == pytest.approx(event.score)
        assert proposal.read_labels().grid.shape == case.grid.shape
        learnt = {"flips"} if not case.grid.oriented else set()  # mirrored scans
        assert set(proposal.maps) == {"entropy", "disagreement"} | learnt


def test_nothing_is_left_lying_about(ran: Ran) -> None:
    # a lock stays behind its file: removing it would let two writers in
    assert not [path.name for path in ran.folder.glob(".*") if path.suffix != ".lock"]
    assert not (ran.folder / "process.json").exists()
    assert not (ran.folder / "stop.json").exists()


@pytest.mark.parametrize("method", CATALOG)
def test_a_failing_learner_ends_in_one_event(method: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("a learner that cannot count")

    kind = type(method_info(method).load())
    make_learner = kind.learner

    def learner(*arguments: Any) -> Any:
        made = make_learner(*arguments)
        made.after_step = broken
        return made

    monkeypatch.setattr(kind, "learner", learner)
    project = make_project(tmp_path, "raster")
    events = run_inline(project, quick_spec(project, method, "raster").run)
    assert len(of(events, RunFinished)) == 1
    assert finished(events).reason == "failed"
    assert "fault of the program: ZeroDivisionError" in finished(events).message
    assert isinstance(events[0], RunStarted)
