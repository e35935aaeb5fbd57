"""Looks at how the proposal of a case grows: they come, cost little, and change nothing of what is learnt."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fixtures import finished, make_project, quick_spec, run_inline
from test_training_resume import assert_same_tensors, run_with_pauses
from torch import nn

from napari_medssl.imaging import read_labels
from napari_medssl.inference.model import MODEL
from napari_medssl.project import Project
from napari_medssl.project.audit import freeze_audit
from napari_medssl.runs.drivers import InlineDriver
from napari_medssl.runs.events import Previewed, RunEvent, Stepped, Warned
from napari_medssl.runs.look import LOOK_NAME, PREVIEWS, ask_look, looked_at
from napari_medssl.runs.spec import read_spec
from napari_medssl.runs.status import fold
from napari_medssl.runs.stop import request_stop
from napari_medssl.training import preview
from napari_medssl.training.cache import Cache
from napari_medssl.training.checkpoint import CHECKPOINT, Progress
from napari_medssl.training.preview import Previewer

STEPS = 20


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """A look after every step."""
    for name, value in (("FIRST", 0.0), ("PAUSE", 0.0), ("SHARE", 1e9), ("FIRST_SHARE", 1e9)):
        monkeypatch.setattr(preview, name, value)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = make_project(tmp_path_factory.mktemp("preview"), "3d", labelled=3, unlabelled=2)
    freeze_audit(project, ["case-2"])
    return project


def looks(events: list[RunEvent]) -> list[Previewed]:
    return [event for event in events if isinstance(event, Previewed)]


@pytest.mark.usefixtures("eager")
class TestWeights:
    @pytest.mark.parametrize(
        ("method", "settings"),
        [
            ("supervised", {"dropout": 0.3, "augmentation": "strong"}),
            ("bcp", {"teacher_mode": "train", "dropout": 0.2}),
            ("cdma", {"feature_noise": 0.3}),
        ],
    )
    def test_are_the_same_with_looks_as_without(self, project: Project, method: str, settings: dict[str, Any]) -> None:
        without, watched = (quick_spec(project, method, steps=STEPS, settings=settings).run for _ in range(2))
        ask_look(project.run_folder(watched), "case-4")
        assert not looks(run_inline(project, without))
        events = run_inline(project, watched)
        assert len(looks(events)) == STEPS
        assert [event.step for event in looks(events)] == list(range(1, STEPS + 1))
        for name in (CHECKPOINT, MODEL):
            assert_same_tensors(project.run_folder(without) / name, project.run_folder(watched) / name)

    def test_are_the_same_after_a_pause(self, project: Project) -> None:
        without, watched = (quick_spec(project, "bcp", steps=STEPS).run for _ in range(2))
        ask_look(project.run_folder(watched), "case-4")
        run_inline(project, without)
        lives = run_with_pauses(project, watched, [3, 13])
        assert all(looks(life) for life in lives)
        assert_same_tensors(project.run_folder(without) / CHECKPOINT, project.run_folder(watched) / CHECKPOINT)


@pytest.mark.usefixtures("eager")
class TestLooks:
    def watch(self, project: Project, run: str, case: str) -> tuple[list[RunEvent], dict[int, np.ndarray]]:
        """All events of a run, and the labels of each look while they lie there."""
        folder, events, seen = project.run_folder(run), [], {}
        ask_look(folder, case)
        for event in InlineDriver().run(project.root, run):
            events.append(event)
            if isinstance(event, Previewed):
                labels = read_labels(folder / event.path)
                assert labels.grid.shape == project.case(case).grid.shape
                assert np.allclose(labels.grid.affine, project.case(case).grid.affine)
                seen[event.step] = labels.array
        return events, seen

    @pytest.mark.parametrize("kind", ["3d", "raster", "thick"])
    def test_the_proposal_grows(self, tmp_path: Path, kind: str) -> None:
        project = make_project(tmp_path, kind, labelled=2, unlabelled=1)
        run = quick_spec(project, "supervised", kind, steps=60, propose=["case-2"]).run
        events, seen = self.watch(project, run, "case-2")
        proposal = project.case("case-2").latest_proposal()
        assert proposal is not None
        final = proposal.read_labels().array
        right = {step: float((labels == final).mean()) for step, labels in seen.items()}
        assert right[60] > 0.95
        assert right[60] > right[1]
        assert set(np.unique(seen[60])) == {0, 1, 2}
        assert not (project.run_folder(run) / PREVIEWS).exists(), "there is a proposal now"
        last = fold(events).preview
        assert last is not None
        assert (last.case, last.step) == ("case-2", 60)

    def test_of_cases_of_the_audit_set_too(self, project: Project) -> None:
        _, seen = self.watch(project, quick_spec(project, steps=2).run, "case-2")
        assert seen

    def test_a_case_that_cannot_be_shown_is_told_once_and_training_goes_on(self, project: Project) -> None:
        events, seen = self.watch(project, quick_spec(project, steps=5).run, "nobody")
        assert not seen
        (said,) = [event for event in events if isinstance(event, Warned) and event.case == "nobody"]
        assert "cannot be shown" in said.message
        assert finished(events).reason == "completed"

    def test_only_the_last_request_counts_and_it_can_be_taken_back(self, project: Project) -> None:
        run = quick_spec(project, steps=6).run
        folder, seen = project.run_folder(run), []
        ask_look(folder, "case-3")
        for event in InlineDriver().run(project.root, run):
            if isinstance(event, Previewed):
                seen.append(event.case)
            if isinstance(event, Stepped) and event.step == 2:
                ask_look(folder, "case-4")
            if isinstance(event, Stepped) and event.step == 4:
                ask_look(folder, None)
        assert seen == ["case-3", "case-4", "case-4"]
        assert looked_at(folder) is None

    def test_none_of_a_method_that_makes_no_proposals(self, project: Project) -> None:
        events, _ = self.watch(project, quick_spec(project, "desd", steps=3).run, "case-4")
        assert not looks(events)
        assert finished(events).reason == "completed"

    def test_a_wish_to_stop_is_not_kept_waiting_by_a_look(self, project: Project) -> None:
        run = quick_spec(project, steps=4).run
        folder = project.run_folder(run)
        ask_look(folder, "case-4")
        for event in InlineDriver().run(project.root, run):
            if isinstance(event, Stepped):
                request_stop(folder, "discard")
            assert not isinstance(event, Previewed)
        assert not (folder / MODEL).exists()


class TestCost:
    @pytest.fixture
    def previewer(self, project: Project) -> tuple[Previewer, Any, Path]:
        spec = quick_spec(project, steps=1)
        run_inline(project, spec.run)
        plan = read_spec(project.run_folder(spec.run)).plan
        assert plan is not None
        folder = project.run_folder(spec.run)
        ask_look(folder, "case-4")
        return Previewer(project, Cache(project, plan), folder), plan, folder

    def test_the_first_comes_soon_and_each_pays_for_itself(
        self, previewer: tuple[Previewer, Any, Path], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        made, plan, _ = previewer
        monkeypatch.setattr(made, "_predict", lambda *_: np.zeros(made._project.case("case-4").grid.shape, np.uint8))
        clock = iter([0.0, 2.0])
        monkeypatch.setattr(preview.time, "monotonic", lambda: next(clock))
        made.begin(100.0)
        assert made.is_due(plan, 104.0, 50.0) is None
        assert made.is_due(plan, 105.1, 50.0) == "case-4"
        found = made.preview(nn.Identity(), plan, "case-4", Progress(9, 0, 9, 105.1, 105.1), lambda: None)
        assert isinstance(found, Previewed)
        assert found.seconds == 2.0
        next_one = 105.1 + 2.0 + 2.0 / 0.03
        assert made.is_due(plan, next_one - 4.0, 50.0) is None
        assert made.is_due(plan, next_one + 0.1, 50.0) == "case-4"

    def test_where_a_prediction_takes_long_even_the_first_waits(self, previewer: tuple[Previewer, Any, Path]) -> None:
        made, plan, _ = previewer
        made.begin(0.0)
        assert made.is_due(plan, 6.0, 1e-3) is None
        assert made.is_due(plan, 1e6, 1e-3) == "case-4"

    def test_a_larger_scan_waits_longer_and_a_smaller_one_less(
        self, previewer: tuple[Previewer, Any, Path], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        made, plan, folder = previewer
        monkeypatch.setattr(made, "_voxels", lambda plan, case: {"case-4": 1, "case-3": 10}[case])
        made._pace = 1.0
        assert made.is_due(plan, 34.0, 50.0) == "case-4"
        ask_look(folder, "case-3")
        assert made.is_due(plan, 300.0, 50.0) is None
        assert made.is_due(plan, 334.0, 50.0) == "case-3"

    def test_nobody_looks(self, previewer: tuple[Previewer, Any, Path]) -> None:
        made, plan, folder = previewer
        (folder / LOOK_NAME).write_text("{torn")
        assert made.is_due(plan, 1e6, 50.0) is None
        ask_look(folder, None)
        ask_look(folder, None)
        assert made.is_due(plan, 2e6, 50.0) is None
