"""The log of strokes: what was drawn comes back after a crash, in order, whatever is damaged around it."""

from __future__ import annotations

import errno
import json
import os
import struct
import time
import zlib
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fixtures import make_project
from hypothesis import given
from hypothesis import strategies as st

from napari_medssl.errors import ProjectError
from napari_medssl.project import strokes
from napari_medssl.project.strokes import Piece, StrokeLog, read_leftovers
from napari_medssl.ui.recovering import lineage

SHAPE = (6, 7, 5)


def piece(start: tuple[int, ...], shape: tuple[int, ...], value: int) -> Piece:
    return Piece(start, np.full(shape, value, np.uint8))


def test_strokes_come_back_in_order(tmp_path: Path) -> None:
    log = StrokeLog(tmp_path, SHAPE, None, "anna", "window-1.json")
    log.append([piece((1, 1, 1), (2, 2, 2), 1)])
    log.append([piece((2, 1, 1), (1, 3, 2), 2), piece((0, 0, 0), (1, 1, 1), 255)])
    (left,) = read_leftovers(tmp_path, SHAPE)
    assert (left.base, left.author, left.window, len(left.records)) == (None, "anna", "window-1.json", 2)
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
        ends.append(log.paths[0].stat().st_size)
    data = log.paths[0].read_bytes()
    kept = data[: min(cut, len(data))]
    log.paths[0].write_bytes(kept)
    whole = sum(end <= len(kept) for end in ends)
    found = read_leftovers(folder, SHAPE)
    assert sum(len(left.records) for left in found) == whole
    labels = np.zeros(SHAPE, np.uint8)
    for left in found:
        left.put_back(labels)
    assert [int(labels[n].max()) for n in range(1, 6)] == [n if n <= whole else 0 for n in range(1, 6)]


def log_of(folder: Path, count: int, base: str | None = None) -> tuple[Path, list[int]]:
    """A log of strokes, each a plane of its own value; and where each ends."""
    log = StrokeLog(folder, SHAPE, base, "anna", "", "one")
    ends = []
    for value in range(1, count + 1):
        log.append([piece((value, 0, 0), (1, 7, 5), value)])
        ends.append(log.paths[0].stat().st_size)
    return log.paths[0], ends


@given(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_a_flipped_bit_anywhere_costs_one_stroke_at_most(
    tmp_path_factory: pytest.TempPathFactory, place: float, bit: int
) -> None:
    folder = tmp_path_factory.mktemp("strokes")
    path, ends = log_of(folder, 5)
    data = bytearray(path.read_bytes())
    at = int(place * len(data))
    data[at] ^= 1 << bit
    path.write_bytes(bytes(data))
    (left,) = read_leftovers(folder, SHAPE)
    begin = ends[0] - (ends[1] - ends[0])
    hit = next(number for number, end in enumerate(ends, 1) if at < end) if at >= begin else None
    labels = np.zeros(SHAPE, np.uint8)
    left.put_back(labels)
    assert [int(labels[n].max()) for n in range(1, 6)] == [0 if n == hit else n for n in range(1, 6)]
    assert left.is_whole == (hit is None)
    assert (left.base, left.author, left.session) == (None, "anna", "one"), "the header stands there twice"
    left.discard()
    kept = [one.name for one in folder.iterdir()]
    assert not kept if hit is None else kept[0].startswith(f"{path.name}.damaged-"), "what was not read is not deleted"


def test_strokes_whose_header_is_gone_are_still_read(tmp_path: Path) -> None:
    path, _ = log_of(tmp_path, 3)
    data = path.read_bytes()
    path.write_bytes(b"\0" * 60 + data[60:300] + b"\0" * 60 + data[360:])
    (left,) = read_leftovers(tmp_path, SHAPE)
    assert len(left.records) == 3
    assert not left.is_whole
    assert not left.continues([]), "nobody knows what they were drawn on"
    path.write_bytes(b"\0" * 700)
    (left,) = read_leftovers(tmp_path, SHAPE)
    assert (left.records, left.is_whole) == ((), False), "told, too"


def test_files_of_others_are_no_logs(tmp_path: Path) -> None:
    (tmp_path / "notes.strokes").write_text("shopping list")
    assert read_leftovers(tmp_path, SHAPE) == []
    log_of(tmp_path, 1)
    (left,) = read_leftovers(tmp_path, (1, 1, 1))
    assert (left.shape, left.records, left.is_whole) == (SHAPE, (), False), "strokes of another grid are not drawn"


def test_logs_of_before_are_read(tmp_path: Path) -> None:
    path, _ = log_of(tmp_path, 3)
    line, _, rest = path.read_bytes().partition(b"\n")
    header = json.loads(line)
    older = {name: header[name] for name in ("shape", "base", "author", "window", "time")}
    older["format"] = "napari-medssl strokes 1"
    path.write_bytes(json.dumps(older).encode() + b"\n" + rest.partition(b"\n")[2])
    (left,) = read_leftovers(tmp_path, SHAPE)
    assert (len(left.records), left.is_whole, left.session) == (3, True, "")


BOMB = zlib.compress(bytes(200 << 20), 9)


@pytest.mark.parametrize(
    "packed",
    [
        zlib.compress(np.asarray((0, 0, 0, 9, 9, 9), "<i4").tobytes() + bytes(729)),
        zlib.compress(np.asarray((-1, 0, 0, 1, 1, 1), "<i4").tobytes() + bytes(1)),
        zlib.compress(np.asarray((0, 0, 0, 0, 1, 1), "<i4").tobytes()),
        zlib.compress(np.asarray((0, 0, 0, 1, 1, 1), "<i4").tobytes()),
        zlib.compress(np.asarray((0, 0, 0, 1 << 30, 1 << 30, 1 << 30), "<i4").tobytes() + bytes(8)),
        zlib.compress(bytes(7)),
        b"no deflate at all",
        b"",
        BOMB,
    ],
)
def test_crafted_strokes_are_passed_over(tmp_path: Path, packed: bytes) -> None:
    path, _ = log_of(tmp_path, 1)
    record = struct.pack("<4sII", b"STRK", len(packed), zlib.crc32(packed)) + packed
    whole = path.read_bytes()
    log = StrokeLog(tmp_path / "other", SHAPE, None, "anna")
    log.append([piece((2, 0, 0), (1, 7, 5), 2)])
    behind = log.paths[0].read_bytes()
    path.write_bytes(whole + record + behind[behind.index(b"STRK") :])
    (left,) = read_leftovers(tmp_path, SHAPE)
    assert (len(left.records), left.is_whole) == (2, False)
    labels = np.zeros(SHAPE, np.uint8)
    left.put_back(labels)
    assert labels.max() == 2


def test_a_thousand_forged_marks_take_no_time(tmp_path: Path) -> None:
    path, _ = log_of(tmp_path, 1)
    forged = struct.pack("<4sII", b"STRK", 1 << 18, 0)
    path.write_bytes(path.read_bytes() + forged * (1 << 16) + bytes(1 << 18))
    begun = time.process_time()
    (left,) = read_leftovers(tmp_path, SHAPE)
    assert time.process_time() - begun < 5
    assert len(left.records) == 1


@pytest.mark.parametrize("whole", [0, 1, 3])
@pytest.mark.parametrize("written", [0, 7, 100_000])
def test_a_disk_that_is_full_for_a_while_silences_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, whole: int, written: int
) -> None:
    log = StrokeLog(tmp_path, SHAPE, None, "anna")
    for value in range(1, whole + 1):
        log.append([piece((value, 0, 0), (1, 7, 5), value)])
    full = Full(monkeypatch, written)
    for _ in range(3):
        with pytest.raises(ProjectError, match="stroke was not noted"):
            log.append([piece((0, 0, 0), (1, 7, 5), 9)])
    full.end()
    for value in range(whole + 1, 6):
        log.append([piece((value, 0, 0), (1, 7, 5), value)])
    labels = np.zeros(SHAPE, np.uint8)
    found = read_leftovers(tmp_path, SHAPE)
    for left in found:
        left.put_back(labels)
    assert all(left.is_whole for left in found), "the file was cut back to what was noted"
    assert [int(labels[n].max()) for n in range(6)] == [0, 1, 2, 3, 4, 5]
    assert {left.path for left in found} == set(log.paths)
    log.discard()
    assert not any(tmp_path.iterdir())


def test_order_does_not_depend_on_the_clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    labels = np.zeros(SHAPE, np.uint8)
    for value, hour in enumerate((12, 9, 11, 9), 1):
        monkeypatch.setattr(strokes, "datetime", clock_at(hour))
        StrokeLog(tmp_path, SHAPE, None, "anna").append([piece((0, 0, 0), (6, 7, 5), value)])
    monkeypatch.undo()
    for left in read_leftovers(tmp_path, SHAPE):
        left.put_back(labels)
    assert labels.max() == labels.min() == 4


class Full:
    """A disk that takes so many bytes more, and then none."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, room: int) -> None:
        self._is_full = True
        sync = os.fsync

        def refusing(handle: int) -> None:
            if self._is_full:
                size = os.fstat(handle).st_size
                os.ftruncate(handle, min(size, room) if size < 200 else size - min(20, room))
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            sync(handle)

        monkeypatch.setattr(os, "fsync", refusing)

    def end(self) -> None:
        self._is_full = False


def clock_at(hour: int) -> type[datetime]:
    class Stopped(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:
            return datetime(2026, 3, 1, hour, tzinfo=tz)

    return Stopped


def test_strokes_belong_to_the_revision_they_were_drawn_on(tmp_path: Path) -> None:
    case = make_project(tmp_path).case("case-2")
    folder = tmp_path / "strokes"
    shape = case.grid.shape
    StrokeLog(folder, shape, None, "anna").append([piece((0, 0, 0), (1, 1, 1), 1)])
    (left,) = read_leftovers(folder, shape)
    assert left.continues(lineage(case))
    first = case.save_labels(np.zeros(shape, np.uint8), author="anna", origin="drawn")
    assert left.continues(lineage(case)), "its own draft came after it: to draw it again changes nothing"
    other = case.save_labels(np.zeros(shape, np.uint8), author="bert", origin="drawn", parent=first)
    assert not left.continues(lineage(case))
    StrokeLog(folder, shape, other.id, "anna").append([piece((0, 0, 0), (1, 1, 1), 1)])
    assert [one.continues(lineage(case)) for one in read_leftovers(folder, shape)] == [False, True]
    assert not read_leftovers(folder, shape)[1].continues([])


def test_a_window_goes_on_from_its_own_revisions_only(tmp_path: Path) -> None:
    case = make_project(tmp_path).case("case-2")
    folder, shape = case.strokes_folder, case.grid.shape
    first = case.save_labels(np.zeros(shape, np.uint8), author="anna", origin="drawn", session="one")
    StrokeLog(folder, shape, first.id, "anna", "", "one").append([piece((0, 0, 0), (1, 1, 1), 1)])
    (left,) = read_leftovers(folder, shape)
    empty, newest = np.zeros(shape, np.uint8), first
    for _ in range(3):
        newest = case.save_labels(empty, author="anna", origin="drawn", parent=newest, session="one")
    assert left.continues(lineage(case))
    other = case.save_labels(empty, author="anna", origin="drawn", parent=newest, session="two")
    assert not left.continues(lineage(case)), "the same person in another window"
    case.save_labels(empty, author="anna", origin="drawn", parent=other, session="one")
    assert not left.continues(lineage(case)), "the other window's is between them"


def test_a_log_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "strokes").write_text("a file where the folder should be")
    with pytest.raises(ProjectError, match="stroke was not noted"):
        StrokeLog(tmp_path / "strokes", SHAPE, None, "anna").append([piece((0, 0, 0), (1, 1, 1), 1)])
