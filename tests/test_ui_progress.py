"""The pictures of progress: reading them off the loop, drawing, saving."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fixtures import make_project
from test_ui_session import DirectJobs

from napari_medssl.progress import Confusion, Effort, Progress, Round
from napari_medssl.project import Project
from napari_medssl.ui.board import Board
from napari_medssl.ui.panels.progress import ProgressPanel
from napari_medssl.ui.progresswork import ProgressDesk

NAMES = ("background", "liver", "left adrenal gland")
FULL = Progress(
    "p",
    (Round("bcp-001", ("a", "b"), (0.7, 0.8), 0), Round("bcp-002", ("c",), (0.9,), 1)),
    (Effort("a", "1", "drawn", None, 500, 9, 8.0), Effort("b", "2", "corrected", "bcp-001", 50, None, 2.0)),
    Confusion(NAMES, np.array([[90, 10, 0], [1, 99, 0], [0, 0, 0]]), 2),
)
EMPTY = Progress("p", (), (), Confusion(("background",), np.zeros((1, 1), np.int64), 0))


class LateJobs(DirectJobs):
    """Works when it is told to."""

    def __init__(self) -> None:
        self.waiting: list[Callable[[], None]] = []

    def submit(self, lane: str, work: Any, done: Any, failed: Any) -> None:
        assert lane == "progress"
        self.waiting.append(lambda: DirectJobs.submit(self, lane, work, done, failed))

    def work(self) -> None:
        self.waiting.pop(0)()


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return make_project(tmp_path)


def test_what_changes_during_a_look_is_looked_at_afterwards(project: Project) -> None:
    jobs, seen = LateJobs(), []
    desk = ProgressDesk(Board(), jobs)
    desk.look(seen.append)
    assert not jobs.waiting, "no project yet"
    desk.take(project.root)
    for _ in range(3):
        desk.look(seen.append)
    assert len(jobs.waiting) == 1
    jobs.work()
    assert len(seen) == 1
    assert len(jobs.waiting) == 1, "once more, and once only"
    jobs.work()
    assert len(seen) == 2
    assert not jobs.waiting


def test_another_project_does_not_see_the_one_before(project: Project, tmp_path: Path) -> None:
    other = make_project(tmp_path / "other", labelled=1)
    jobs: LateJobs = LateJobs()
    seen: list[Progress] = []
    desk = ProgressDesk(Board(), jobs)
    desk.take(project.root)
    desk.look(seen.append)
    desk.take(other.root)
    jobs.work()
    assert seen == []
    jobs.work()
    assert len(seen[0].effort) == 1


def test_a_desk_that_is_closed_opens_no_more_masks(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bool] = []
    jobs = LateJobs()
    desk = ProgressDesk(Board(), jobs)
    monkeypatch.setattr(
        "napari_medssl.ui.progresswork.read_progress", lambda project, stop: asked.append(stop()) or EMPTY
    )
    seen: list[Progress] = []
    desk.take(project.root)
    desk.look(seen.append)
    jobs.work()
    desk.look(seen.append)
    desk.close()
    jobs.work()
    assert asked == [False, True]
    assert len(seen) == 1
    assert not jobs.waiting


def test_numbers_are_saved_and_it_is_said(project: Project, tmp_path: Path) -> None:
    board = Board()
    desk = ProgressDesk(board, DirectJobs())
    desk.write(tmp_path / "out")
    assert not (tmp_path / "out").exists()
    desk.take(project.root)
    desk.look(lambda found: None)
    desk.write(tmp_path / "out")
    assert (tmp_path / "out" / "effort.csv").is_file()
    assert board.facts.message is not None
    assert "effort.csv" in board.facts.message[1]


@pytest.fixture
def panel(qtbot: Any) -> ProgressPanel:
    panel = ProgressPanel()
    qtbot.addWidget(panel)
    panel.resize(900, 300)
    panel.set_colours("#262930", "#f0f1f2", "#56B4E9")
    panel.show()
    return panel


def test_the_panel_draws_and_says_what_there_is(panel: ProgressPanel) -> None:
    panel.draw(EMPTY)
    assert all(words.text().startswith("Nothing to show yet") for words in panel.words.values())
    blank = pixels(panel)
    panel.draw(FULL)
    assert "bcp-002: Dice 0.90" in panel.words["learning"].text()
    assert "liver" in panel.words["confusion"].text()
    assert (pixels(panel) != blank).mean() > 0.005
    assert "2 cases so far, 5 minutes" in panel.words["effort"].text()
    panel.measure.setCurrentIndex(panel.measure.findData("strokes"))
    panel.measure.activated.emit(panel.measure.currentIndex())
    assert "1 case so far, 9 strokes" in panel.words["effort"].text()


def test_the_picture_has_the_colours_of_the_theme(panel: ProgressPanel) -> None:
    panel.draw(FULL)
    dark = pixels(panel)
    panel.set_colours("#ffffff", "#000000", "#0072B2")
    light = pixels(panel)
    assert np.median(dark) < 80
    assert np.median(light) > 200


def pixels(panel: ProgressPanel) -> np.ndarray:
    """The saved picture as grey values, 0 to 255."""
    image = panel.picture()
    image = image.convertToFormat(image.Format.Format_Grayscale8)
    stored = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    return stored[:, : image.width()].copy()
