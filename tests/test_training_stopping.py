"""Stop and keep, pause, discard: each leaves what it promises, whenever it is asked for."""

from __future__ import annotations

from pathlib import Path

import pytest
from fixtures import finished, make_project, quick_spec, run_inline

from napari_medssl.inference.model import MODEL, load_deployed
from napari_medssl.project import Project
from napari_medssl.runs.drivers import InlineDriver
from napari_medssl.runs.events import CheckpointSaved, Proposed, RunEvent, Stepped
from napari_medssl.runs.stop import How, request_stop
from napari_medssl.training.checkpoint import CHECKPOINT


def stop_at(project: Project, run: str, how: How, kind: type[RunEvent], at: int) -> list[RunEvent]:
    """The events of a run that is asked to stop at the `at`-th event of a kind."""
    events: list[RunEvent] = []
    for event in InlineDriver().run(project.root, run):
        events.append(event)
        if isinstance(event, kind) and sum(isinstance(e, kind) for e in events) == at:
            request_stop(project.run_folder(run), how)
    return events


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return make_project(tmp_path, "raster", labelled=2, unlabelled=3)


@pytest.mark.parametrize("method", ["supervised", "bcp"])
def test_keep_leaves_a_model_and_proposals(project: Project, method: str) -> None:
    run = quick_spec(project, method, "raster", steps=200, propose=None).run
    events = stop_at(project, run, "keep", Stepped, 4)
    last = finished(events)
    assert (last.reason, last.step, last.model) == ("stopped", 4, MODEL)
    assert [e.case for e in events if isinstance(e, Proposed)] == ["case-2", "case-3", "case-4"]
    assert load_deployed(project.run_folder(run), "cpu", 1, "float32").info["step"] == 4
    assert project.case("case-2").latest_proposal() is not None


def test_pause_leaves_a_checkpoint_and_no_model(project: Project) -> None:
    run = quick_spec(project, "supervised", "raster", steps=200, propose=None).run
    events = stop_at(project, run, "pause", Stepped, 4)
    folder = project.run_folder(run)
    assert finished(events).reason == "paused"
    assert "Resume" in finished(events).message
    assert (folder / CHECKPOINT).exists()
    assert not (folder / MODEL).exists()
    assert not [e for e in events if isinstance(e, Proposed)]


def test_discard_leaves_no_model(project: Project) -> None:
    run = quick_spec(project, "supervised", "raster", steps=200, propose=None).run
    events = stop_at(project, run, "discard", Stepped, 4)
    folder = project.run_folder(run)
    assert finished(events).reason == "discarded"
    assert finished(events).model is None
    assert not [e for e in events if isinstance(e, CheckpointSaved | Proposed)]
    assert not list(folder.glob("*.safetensors"))


def test_a_discarded_run_that_goes_on_begins_anew(project: Project) -> None:
    run = quick_spec(project, "supervised", "raster", steps=6).run
    stop_at(project, run, "discard", Stepped, 4)
    again = run_inline(project, run)
    assert again[0].resumed_step == 0
    assert finished(again).reason == "completed"


@pytest.mark.parametrize(
    ("how", "reason", "model"), [("keep", "stopped", True), ("pause", "paused", True), ("discard", "discarded", False)]
)
def test_asked_while_proposing(project: Project, how: How, reason: str, model: bool) -> None:
    run = quick_spec(project, "supervised", "raster", steps=3, propose=None).run
    events = stop_at(project, run, how, Proposed, 1)
    assert finished(events).reason == reason
    assert [e.case for e in events if isinstance(e, Proposed)] == ["case-2"]
    assert (project.run_folder(run) / MODEL).exists() is model
    assert (finished(events).model is not None) is model


def test_a_run_paused_while_proposing_makes_all_proposals_later(project: Project) -> None:
    run = quick_spec(project, "supervised", "raster", steps=3, propose=None).run
    stop_at(project, run, "pause", Proposed, 1)
    again = run_inline(project, run)
    assert [e.case for e in again if isinstance(e, Proposed)] == ["case-2", "case-3", "case-4"]
    assert not [e for e in again if isinstance(e, Stepped)]


def test_keeping_twice_ends_the_proposing_too(project: Project) -> None:
    run = quick_spec(project, "supervised", "raster", steps=200, propose=None).run
    folder, events = project.run_folder(run), []
    for event in InlineDriver().run(project.root, run):
        events.append(event)
        if isinstance(event, Stepped | Proposed):
            request_stop(folder, "keep")
    assert len([e for e in events if isinstance(e, Proposed)]) == 1
    assert finished(events).reason == "stopped"


def test_a_request_left_from_an_earlier_life_is_not_heard(project: Project) -> None:
    run = quick_spec(project, "supervised", "raster", steps=3).run
    request_stop(project.run_folder(run), "discard")
    assert finished(run_inline(project, run)).reason == "completed"


def test_a_time_budget_ends_the_run(project: Project) -> None:
    run = quick_spec(project, "bcp", "raster", steps=None, minutes=0.02).run
    events = run_inline(project, run)
    stepped = [e for e in events if isinstance(e, Stepped)]
    assert finished(events).reason == "completed"
    assert events[0].total_steps is None
    assert {e.phase for e in stepped} == {"labels-first", "self-training"}
    assert [e.progress for e in stepped] == sorted(e.progress for e in stepped)
    assert stepped[-1].progress <= 1.0
