"""The log of strokes: what was drawn comes back after a crash, in order, up to the last whole record."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from fixtures import make_project
from hypothesis import given
from hypothesis import strategies as st

from napari_medssl.errors import ProjectError
from napari_medssl.project.strokes import Piece, StrokeLog, read_leftovers

SHAPE = (6, 7, 5)


def piece(start: tuple[int, ...], shape: tuple[int, ...], value: int) -> Piece:
    return Piece(start, np.full(shape, value, np.uint8))


def test_strokes_come_back_in_order(tmp_path: Path) -> None:
    log = StrokeLog(tmp_path, SHAPE, None, "anna", "window-1.json")
    log.append([piece((1, 1, 1), (2, 2, 2), 1)])
    log.append([piece((2, 1, 1), (1, 3, 2), 2), piece((0, 0, 0), (1, 1, 1), 255)])
    (left,) = read_leftovers(tmp_path, SHAPE)
    assert (left.base, left.author, left.window, len(left.strokes)) == (None, "anna", "window-1.json", 2)
    labels, wanted = np.zeros(SHAPE, np.uint8), np.zeros(SHAPE, np.uint8)
    left.put_back(labels)
    wanted[1:3, 1:3, 1:3] = 1
    wanted[2:3, 1:4, 1:3] = 2
    wanted[0, 0, 0] = 255
    np.testing.assert_array_equal(labels, wanted)
    left.put_back(labels)
    np.testing.assert_array_equal(labels, wanted)


def test_nothing_is_written_before_the_first_stroke(tmp_path: Path) -> None:
    log = StrokeLog(tmp_path / "strokes", SHAPE, None, "anna")
    log.discard()
    assert not (tmp_path / "strokes").exists()
    log.append([piece((0, 0, 0), (1, 1, 1), 1)])
    log.discard()
    assert read_leftovers(tmp_path / "strokes", SHAPE) == []


@given(cut=st.integers(0, 400))
def test_a_log_cut_anywhere_gives_its_whole_strokes(tmp_path_factory: pytest.TempPathFactory, cut: int) -> None:
    folder = tmp_path_factory.mktemp("strokes")
    log = StrokeLog(folder, SHAPE, None, "anna")
    ends = []
    for value in range(1, 6):
        log.append([piece((value, 0, 0), (1, 7, 5), value)])
        ends.append(log.path.stat().st_size)
    data = log.path.read_bytes()
    kept = data[: min(cut, len(data))]
    log.path.write_bytes(kept)
    whole = sum(end <= len(kept) for end in ends)
    found = read_leftovers(folder, SHAPE)
    assert sum(len(left.strokes) for left in found) == whole
    labels = np.zeros(SHAPE, np.uint8)
    for left in found:
        left.put_back(labels)
    assert [int(labels[n].max()) for n in range(1, 6)] == [n if n <= whole else 0 for n in range(1, 6)]


def test_a_damaged_stroke_ends_what_is_read(tmp_path: Path) -> None:
    log = StrokeLog(tmp_path, SHAPE, None, "anna")
    log.append([piece((0, 0, 0), (1, 1, 1), 1)])
    end = log.path.stat().st_size
    log.append([piece((1, 0, 0), (1, 1, 1), 2)])
    data = bytearray(log.path.read_bytes())
    data[end + 14] ^= 0xFF
    log.path.write_bytes(bytes(data))
    (left,) = read_leftovers(tmp_path, SHAPE)
    assert len(left.strokes) == 1
    (tmp_path / "notes.strokes").write_text("shopping list")
    assert len(read_leftovers(tmp_path, SHAPE)) == 1
    assert read_leftovers(tmp_path, (1, 1, 1)) == []


def test_strokes_belong_to_the_revision_they_were_drawn_on(tmp_path: Path) -> None:
    case = make_project(tmp_path).case("case-2")
    folder = tmp_path / "strokes"
    shape = case.grid.shape
    StrokeLog(folder, shape, None, "anna").append([piece((0, 0, 0), (1, 1, 1), 1)])
    (left,) = read_leftovers(folder, shape)
    assert left.continues(None)
    first = case.save_labels(np.zeros(shape, np.uint8), author="anna", origin="drawn")
    assert left.continues(first), "its own draft came after it: to draw it again changes nothing"
    other = case.save_labels(np.zeros(shape, np.uint8), author="bert", origin="drawn", parent=first)
    assert not left.continues(other)
    StrokeLog(folder, shape, other.id, "anna").append([piece((0, 0, 0), (1, 1, 1), 1)])
    assert [one.continues(other) for one in read_leftovers(folder, shape)] == [False, True]
    assert not read_leftovers(folder, shape)[1].continues(None)


def test_a_log_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "strokes").write_text("a file where the folder should be")
    with pytest.raises(ProjectError, match="stroke was not noted"):
        StrokeLog(tmp_path / "strokes", SHAPE, None, "anna").append([piece((0, 0, 0), (1, 1, 1), 1)])
