"""A stroke is on the disk at once, and back after the program died before the next draft. Real processes."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fixtures import make_project
from hypothesis import given
from hypothesis import strategies as st
from test_ui_prefetch import DirectJobs, Lanes
from test_ui_widget import Bench

from napari_medssl.project import Project
from napari_medssl.project.strokes import Piece, StrokeLog, read_leftovers
from napari_medssl.ui.loading import load_case
from napari_medssl.ui.recovering import say_recovered
from napari_medssl.ui.strokework import LARGEST, StrokeKeeper, boxes

FIRST_LIFE = """
import os, signal, sys, time
from pathlib import Path
from qtpy.QtWidgets import QApplication
app = QApplication([])
from napari.components import ViewerModel
from napari_medssl.project import Project
from napari_medssl.project.strokes import read_leftovers
from napari_medssl.ui import autosave
from napari_medssl.ui.plugin import MedSSLWidget

autosave.QUIET = autosave.LONGEST = 1e9  # no draft in time
viewer = ViewerModel()
widget = MedSSLWidget(viewer)
session = widget.session
case = Project.open(sys.argv[1]).case("case-2")

def until(condition):
    end = time.monotonic() + 100
    while not condition():
        app.processEvents()
        assert time.monotonic() < end, session.state.message

def noted():
    return sum(len(left.records) for left in read_leftovers(case.strokes_folder, case.grid.shape))

session.open_project(sys.argv[1])
until(lambda: session.state.has_project)
session.cases.open("case-2")
until(lambda: session.state.actions.can_label)
labels = viewer.layers["case-2 · labels"]
labels.paint((5, 5, 5), 1)
labels.paint((2, 3, 4), 1)
labels.undo()
until(lambda: noted() >= 1 and not session.cases.saver.keeper._pending)
app.processEvents()
until(lambda: widget.session._jobs._lanes["strokes"]._work_queue.empty())
widget.session._jobs._lanes["strokes"].submit(lambda: None).result()
import numpy
numpy.save(sys.argv[2], session.cases._shown.display.back(labels.data))
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.timeout(200)
def test_what_was_drawn_is_back_after_the_program_was_killed(qtbot: Any, tmp_path: Path) -> None:
    make_project(tmp_path)
    root, kept = tmp_path / "project", tmp_path / "kept.npy"
    first = subprocess.run(
        [sys.executable, "-c", FIRST_LIFE, str(root), str(kept)],
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    assert first.returncode == -signal.SIGKILL, first.stderr
    case = Project.open(root).case("case-2")
    assert case.latest() is None, "no draft was in time"
    drawn = np.load(kept)
    assert (drawn == 1).any()
    bench = Bench(qtbot, None)
    bench.widget.session.open_project(root)
    bench.until(lambda: bench.state.has_project)
    bench.widget.session.cases.open("case-2")
    bench.until(lambda: bench.state.actions.can_label)
    shown = bench.widget.session.cases._shown
    assert shown is not None
    np.testing.assert_array_equal(shown.display.back(bench.widget.layers.labels()), drawn)
    assert "is back" in bench.state.message[1]
    bench.until(lambda: bench.state.actions.save_text == "Draft saved")
    np.testing.assert_array_equal(case.read_labels().array, drawn)
    bench.until(lambda: not any(case.strokes_folder.iterdir()))


def test_a_draft_makes_an_end_of_the_log(qtbot: Any, tmp_path: Path) -> None:
    case = make_project(tmp_path).case("case-2")
    bench = Bench(qtbot, tmp_path / "project")
    bench.open("case-2")
    labels = bench.viewer.layers["case-2 · labels"]
    labels.paint((5, 5, 5), 1)
    bench.until(lambda: bool(read_leftovers(case.strokes_folder, case.grid.shape)))
    bench.until(lambda: bench.state.actions.save_text == "Draft saved")
    bench.until(lambda: not read_leftovers(case.strokes_folder, case.grid.shape))
    first = case.latest()
    labels.paint((1, 1, 1), 1)
    bench.until(lambda: bool(read_leftovers(case.strokes_folder, case.grid.shape)))
    (left,) = read_leftovers(case.strokes_folder, case.grid.shape)
    assert left.base == first.id, "drawn on the draft before"


def test_strokes_that_newer_labels_passed_by_are_kept_and_told(qtbot: Any, tmp_path: Path) -> None:
    case = make_project(tmp_path).case("case-2")
    shape = case.grid.shape
    log = StrokeLog(case.strokes_folder, shape, None, "bert", "")
    log.append([Piece((0, 0, 0), np.ones((2, 2, 2), np.uint8))])
    case.save_labels(np.zeros(shape, np.uint8), author="anna", origin="drawn")
    bench = Bench(qtbot, tmp_path / "project")
    bench.open("case-2")
    assert not (bench.widget.layers.labels() == 1).any()
    bench.until(lambda: bench.state.message is not None)
    level, words = bench.state.message
    assert level == "warning"
    assert "bert drew" in words
    assert "kept beside" in words
    kept = case.revisions()[-1]
    assert (kept.author, kept.complete, kept.beside) == ("bert", False, case.latest().id)
    drawn = case.read_labels(kept).array
    assert (drawn[:2, :2, :2] == 1).all()
    assert (drawn == 255).sum() == drawn.size - 8
    bench.until(lambda: not log.paths[0].exists())


def test_strokes_on_labels_that_are_gone_are_kept_and_told(qtbot: Any, tmp_path: Path) -> None:
    case = make_project(tmp_path).case("case-2")
    log = StrokeLog(case.strokes_folder, case.grid.shape, "20200101T000000000000Z-abcdef", "bert", "")
    log.append([Piece((0, 0, 0), np.ones((2, 2, 2), np.uint8))])
    case.save_labels(np.zeros(case.grid.shape, np.uint8), author="anna", origin="drawn")
    bench = Bench(qtbot, tmp_path / "project")
    bench.open("case-2")
    level, words = bench.state.message
    assert level == "warning"
    assert "bert" in words
    assert str(log.paths[0]) in words
    assert log.paths[0].exists()


def test_a_stroke_belongs_to_the_log_that_was_open_when_it_was_drawn(tmp_path: Path) -> None:
    project = make_project(tmp_path)
    case, lanes = project.case("case-2"), Lanes()
    shown = load_case(project, "case-2")
    keeper = StrokeKeeper(lanes, project, shown, "anna", "", lambda error: None)
    labels = shown.labels

    def draw(at: int) -> None:
        labels[at, at, at] = 1
        keeper.wrote(labels, (np.array([at]),) * 3)

    draw(1)
    draw(2)
    saved = labels.copy()
    logs = keeper.taken()
    draw(3)  # while the strokes before still wait for the disk
    revision = case.save_labels(shown.display.back(saved), author="anna", origin="drawn", session=keeper.session)
    keeper.saved(logs, revision.id)
    draw(4)
    lanes.go("strokes")
    reopened = load_case(project, "case-2")
    np.testing.assert_array_equal(reopened.labels, labels)
    assert len(reopened.recovered.again) == 1, "the log that the revision holds is gone"


def test_a_stroke_that_the_disk_refused_is_noted_with_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = make_project(tmp_path)
    shown, told = load_case(project, "case-2"), []
    keeper = StrokeKeeper(DirectJobs(), project, shown, "anna", "", told.append)

    def draw(at: int) -> None:
        shown.labels[at, at, at] = 1
        keeper.wrote(shown.labels, (np.array([at]),) * 3)

    def refuse(handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    draw(1)
    for _ in range(2):
        with monkeypatch.context() as full:
            full.setattr(os, "fsync", refuse)
            draw(2)
            draw(3)
        draw(4)
    assert len(told) == 2, "once for each time that the disk was full"
    np.testing.assert_array_equal(load_case(project, "case-2").labels, shown.labels)


def test_a_record_that_cannot_be_read_is_told_and_kept(qtbot: Any, tmp_path: Path) -> None:
    case = make_project(tmp_path).case("case-2")
    log = StrokeLog(case.strokes_folder, case.grid.shape, None, "anna")
    for at in range(4):
        log.append([Piece((at, 0, 0), np.ones((1, 2, 2), np.uint8))])
    data = bytearray(log.paths[0].read_bytes())
    data[data.rindex(b"STRK") - 9] ^= 16
    log.paths[0].write_bytes(bytes(data))
    bench = Bench(qtbot, tmp_path / "project")
    bench.open("case-2")
    level, words = bench.state.message
    assert level == "warning"
    assert "look whether a stroke is missing" in words
    bench.until(lambda: case.latest() is not None and not read_leftovers(case.strokes_folder, case.grid.shape))
    labels = case.read_labels().array
    assert [int((labels[at] == 1).sum()) for at in range(4)] == [4, 4, 0, 4], "the one behind the damage is back"
    assert [path.read_bytes() for path in case.strokes_folder.iterdir()] == [bytes(data)]


@pytest.mark.parametrize(
    ("values", "words"), [((9, (1, 1, 1)), "does not have any more"), ((1, (2, 2, 2)), "on another grid")]
)
def test_strokes_that_do_not_fit_the_project_stay_in_their_file(
    tmp_path: Path, values: tuple[int, tuple[int, ...]], words: str
) -> None:
    project = make_project(tmp_path)
    case = project.case("case-2")
    value, factor = values
    shape = tuple(f * n for f, n in zip(factor, case.grid.shape, strict=True))
    log = StrokeLog(case.strokes_folder, shape, None, "anna")
    log.append([Piece((0, 0, 0), np.full((1, 1, 1), value, np.uint8))])
    shown = load_case(project, "case-2")
    assert (shown.labels == 255).all()
    assert words in say_recovered("case-2", shown.recovered)
    assert log.paths[0].exists()


@given(seed=st.integers(0, 2000), planes=st.integers(1, 4))
def test_boxes_hold_every_place_that_was_written(seed: int, planes: int) -> None:
    rng = np.random.default_rng(seed)
    before = rng.integers(0, 3, (planes, 9, 8), dtype=np.uint8)
    after = before.copy()
    count = int(rng.integers(1, 20))
    place = tuple(rng.integers(0, n, count) for n in after.shape)
    after[place] = 7
    for start, values in boxes(after, place):
        box = tuple(slice(a, a + n) for a, n in zip(start, values.shape, strict=True))
        before[box] = values
    np.testing.assert_array_equal(before, after)


def test_a_large_place_is_noted_by_planes() -> None:
    side = int(LARGEST**0.5) + 1
    labels = np.zeros((3, side, side), np.uint8)
    corners = (np.array([0, 2]), np.array([0, side - 1]), np.array([0, side - 1]))
    assert [start for start, _ in boxes(labels, corners)] == [(0, 0, 0), (2, 0, 0)]
    assert [start for start, _ in boxes(labels, (slice(0, 2), slice(0, side), slice(0, side)))] == [
        (0, 0, 0),
        (1, 0, 0),
    ]
    assert [values.shape for _, values in boxes(labels, (1, slice(2, 4), slice(3, 7)))] == [(1, 2, 4)]
    assert list(boxes(labels, (np.array([], int),) * 3)) == []
