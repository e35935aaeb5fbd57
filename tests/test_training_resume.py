"""A run that was interrupted ends exactly as one that was not: every weight, every average, every moment."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from fixtures import finished, make_project, quick_spec, run_inline

from napari_medssl.inference.model import MODEL
from napari_medssl.inference.tensor_file import load_tensors
from napari_medssl.project import Project
from napari_medssl.runs.drivers import InlineDriver
from napari_medssl.runs.events import CheckpointSaved, RunEvent, Stepped, Validated
from napari_medssl.runs.journal import JOURNAL_NAME, replay
from napari_medssl.runs.spec import read_spec
from napari_medssl.runs.status import fold
from napari_medssl.runs.stop import request_stop
from napari_medssl.training.checkpoint import CHECKPOINT, read_progress
from napari_medssl.training.execute import execute

STEPS = 20  # of which BCP spends 6 in its first phase


def run_with_pauses(project: Project, run: str, pauses: list[int]) -> list[list[RunEvent]]:
    """The events of each life of a run that is paused after these steps."""
    lives = []
    for at in pauses:
        life = []
        for event in InlineDriver().run(project.root, run):
            life.append(event)
            if isinstance(event, Stepped) and event.step == at:
                request_stop(project.run_folder(run), "pause")
        assert finished(life).reason == "paused"
        lives.append(life)
    return [*lives, run_inline(project, run)]


def assert_same_tensors(one: Path, other: Path) -> None:
    a, b = load_tensors(one)[0], load_tensors(other)[0]
    assert a.keys() == b.keys()
    different = [name for name in a if not torch.equal(a[name], b[name])]
    assert not different, different[:5]


MTNET = {
    "architecture": "mtnet",
    "widths": [4, 16, 32, 64, 128],
    "strides": [*([2, 2],) * 4, [1, 1]],
    "dropout": 0.5,
    "augmentation": "tiles",
    "normalisation": "range",
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return make_project(tmp_path_factory.mktemp("resume"), "raster", labelled=2, unlabelled=2)


@pytest.mark.parametrize(
    ("method", "pauses", "settings"),
    [
        ("supervised", [10], {"augmentation": "strong"}),
        ("supervised", [1, 2, 19], {"optimiser": "adamw", "learning_rate": 1e-3}),
        ("supervised", [7], {"dropout": 0.3, "schedule": "cosine"}),
        ("bcp", [3], {"augmentation": "strong"}),
        ("bcp", [6], {"keep_momentum": True}),  # between the phases
        ("bcp", [6, 13], {}),
        ("bcp", [13], {"teacher_mode": "train", "dropout": 0.2, "ramp_up": 0.5}),
        ("cdma", [5], {"augmentation": "strong"}),
        ("cdma", [8], {"feature_noise": 0.3}),  # between the phases
        ("cdma", [2, 13], {"deploy": "student", "schedule": "drops", **MTNET}),
        ("desd", [1, 9], {"augmentation": "strong", "local_views": 1}),
        ("desd", [4], {"optimiser": "sgd", "weight_decay_growth": 10.0, "freeze_directions": 0.3}),
    ],
)
def test_paused_and_resumed_is_the_same_as_straight_through(
    project: Project, method: str, pauses: list[int], settings: dict[str, Any]
) -> None:
    straight = quick_spec(project, method, "raster", steps=STEPS, settings=settings).run
    broken = quick_spec(project, method, "raster", steps=STEPS, settings=settings).run
    assert finished(run_inline(project, straight)).reason == "completed"
    lives = run_with_pauses(project, broken, pauses)
    assert finished(lives[-1]).reason == "completed"
    assert [life[0].resumed_step for life in lives] == [0, *pauses]
    one, other = project.run_folder(straight), project.run_folder(broken)
    assert_same_tensors(one / CHECKPOINT, other / CHECKPOINT)
    assert_same_tensors(one / MODEL, other / MODEL)
    assert read_progress(other).step == STEPS


def test_the_checkpoint_holds_all_that_matters(project: Project) -> None:
    run = quick_spec(project, "bcp", "raster", steps=STEPS).run
    run_inline(project, run)
    names = load_tensors(project.run_folder(run) / CHECKPOINT)[0].keys()
    assert any(name.startswith("learner/student.") for name in names)
    assert any(name.startswith("learner/average.") and name.endswith("running_var") for name in names)
    assert any(name.endswith("momentum_buffer") for name in names)
    assert "learner/_extra_state" in names  # how often the average was updated


def test_another_seed_learns_something_else(project: Project) -> None:
    folders = []
    for seed in (0, 1):
        run = quick_spec(project, "supervised", "raster", steps=2, seed=seed).run
        run_inline(project, run)
        folders.append(project.run_folder(run))
    with pytest.raises(AssertionError):
        assert_same_tensors(folders[0] / MODEL, folders[1] / MODEL)


def test_a_model_chosen_on_held_out_cases_is_the_same_too(tmp_path: Path) -> None:
    """When to measure depends on steps alone, or the model that is chosen would depend on the clock."""
    project = make_project(tmp_path, "raster", labelled=10, unlabelled=0)
    told = []
    for pauses in ([], [5], [12, 13]):
        run = quick_spec(project, "supervised", "raster", steps=STEPS).run
        lives = run_with_pauses(project, run, pauses)
        told.append([(e.step, e.mean, e.best) for life in lives for e in life if isinstance(e, Validated)])
        folder = project.run_folder(run)
        assert read_spec(folder).held_out
        assert_same_tensors(project.run_folder("supervised-001") / MODEL, folder / MODEL)
    assert told[0] == told[1] == told[2]
    assert len(told[0]) >= 5
    assert told[0][-1][0] == STEPS


def test_a_finished_run_that_is_started_again_only_proposes_again(project: Project) -> None:
    run = quick_spec(project, "supervised", "raster", steps=3).run
    run_inline(project, run)
    before = load_tensors(project.run_folder(run) / MODEL)[0]
    again = run_inline(project, run)
    assert finished(again).reason == "completed"
    assert not [e for e in again if isinstance(e, Stepped)]
    after = load_tensors(project.run_folder(run) / MODEL)[0]
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_the_plan_of_a_resumed_run_stays(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another precision or thread count, because the machine happens to be busy, would end elsewhere."""
    from napari_medssl.training import machine

    run = quick_spec(project, "supervised", "raster", steps=4).run
    stop = iter([None, None, "pause"])
    events = list(execute(project.root, run, lambda: next(stop)))
    assert finished(events).reason == "paused"
    plan = read_spec(project.run_folder(run)).plan
    monkeypatch.setattr(machine, "_fastest", lambda cores: (2, True))
    again = run_inline(project, run)
    assert (again[0].resumed_step, again[0].threads) == (2, 1)
    assert read_spec(project.run_folder(run)).plan == plan


def test_checkpoints_come_with_time(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    from napari_medssl.training import engine

    monkeypatch.setattr(engine, "CHECKPOINT_SECONDS", 0.0)
    run = quick_spec(project, "supervised", "raster", steps=5).run
    saved = [e.step for e in run_inline(project, run) if isinstance(e, CheckpointSaved) and not e.deployed]
    assert saved == [1, 2, 3, 4, 5, 5]


def test_a_run_that_was_killed_goes_on_from_its_last_checkpoint(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    from napari_medssl.training import engine

    straight = quick_spec(project, "bcp", "raster", steps=STEPS).run
    run_inline(project, straight)
    run = quick_spec(project, "bcp", "raster", steps=STEPS).run
    monkeypatch.setattr(engine, "CHECKPOINT_SECONDS", 0.0)
    life = InlineDriver().run(project.root, run)
    for event in life:
        if isinstance(event, CheckpointSaved) and event.step == 9:
            monkeypatch.setattr(engine, "CHECKPOINT_SECONDS", 1e9)
        if isinstance(event, Stepped) and event.step == 12:
            break
    life.close()  # no last word, no last checkpoint: as if killed here
    rest = run_inline(project, run)
    assert rest[0].resumed_step == 9
    assert_same_tensors(project.run_folder(straight) / CHECKPOINT, project.run_folder(run) / CHECKPOINT)
    status = fold(replay(project.run_folder(run) / JOURNAL_NAME))
    assert [point.step for point in status.loss] == list(range(1, STEPS + 1))  # 10 to 12 are drawn once
