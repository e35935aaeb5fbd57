"""A process that paints one stroke after the other, to be killed at any moment: `strokes.py` starts it.

It drives the case's desk with real threads as napari does, without a window. Stroke n paints its own voxel n for good,
and touches the one after next, so that strokes overlap. The number of each stroke that is on the disk goes to stdout.

    python painter.py PROJECT FIRST HZ FSYNC_MS DRAFT_SECONDS FULL_EVERY
"""

from __future__ import annotations

import errno
import os
import struct
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from napari_medssl.project import Project
from napari_medssl.project.stroke_records import MARK
from napari_medssl.project.strokes import Piece, Stroke, StrokeLog
from napari_medssl.ui import autosave
from napari_medssl.ui.board import Board
from napari_medssl.ui.casework import CaseDesk
from napari_medssl.ui.jobs import ThreadJobs
from napari_medssl.ui.loading import ShownCase
from napari_medssl.ui.mailbox import Mailbox

CASE = "scan"


def place_of(number: int, shape: tuple[int, ...]) -> tuple[np.ndarray, ...]:
    """The stroke's own voxel, and the one after next in its row where there is one."""
    own = np.array(np.unravel_index(number % int(np.prod(shape)), shape))
    other = own.copy()
    other[-1] = min(own[-1] + 2, shape[-1] - 1)
    return tuple(np.stack([own, other], axis=1))


def value_of(number: int) -> int:
    """What it leaves in its own voxel."""
    return 1 + number % 2


class Screen:
    """As much of a viewer as the desk asks for."""

    array: np.ndarray | None = None

    def show_case(self, case: ShownCase) -> None:
        self.array = case.labels.copy()
        tell_of_notes(case)

    def labels(self) -> np.ndarray | None:
        return self.array

    def __getattr__(self, name: str) -> Any:
        return lambda *_, **__: None


def slow_disk(seconds: float, full_every: float) -> None:
    """Each fsync takes so long; every so many seconds the disk is full for as long, and a record ends half way."""
    sync = os.fsync

    def slow(handle: int) -> None:
        time.sleep(seconds)
        if full_every and int(time.monotonic() / full_every) % 2:
            size = os.fstat(handle).st_size
            with suppress(OSError):  # a folder
                os.ftruncate(handle, (max(os.pread(handle, size, 0).rfind(MARK), 0) + size) // 2)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        sync(handle)

    os.fsync = slow


def number_of(piece: Piece, shown: ShownCase) -> int:
    """Which stroke a piece on the case's own grid is of."""
    numbers = shown.display.back(np.arange(shown.labels.size).reshape(shown.labels.shape))
    box = tuple(slice(a, a + n) for a, n in zip(piece.start, piece.values.shape, strict=True))
    return int(numbers[box].min())


def tell_of_notes(shown: ShownCase) -> None:
    """The number of each stroke that is noted goes to stdout."""
    append = StrokeLog.append

    def telling(log: StrokeLog, stroke: Stroke) -> None:
        append(log, stroke)
        numbers = [number_of(piece, shown) for piece in stroke]
        os.write(1, struct.pack(f"<{len(numbers)}i", *numbers))

    StrokeLog.append = telling  # type: ignore[method-assign]


def paint(root: Path, first: int, hertz: float, draft_seconds: float) -> None:
    """Paint until killed, from stroke `first` on; the next draft is saved after so many seconds."""
    autosave.QUIET = autosave.LONGEST = autosave.RETRY = draft_seconds
    mailbox, screen, board = Mailbox(), Screen(), Board()
    project = Project.open(root)
    desk = CaseDesk(board, screen, ThreadJobs(mailbox), time.monotonic, "reader", lambda now: None)
    desk.take(project)
    desk.open(CASE)
    while board.facts.case is None:
        mailbox.drain()
    array = screen.array
    assert array is not None
    for number in range(first, array.size):
        place = place_of(number, array.shape)
        array[place] = [3, 3]
        array[tuple(axis[0] for axis in place)] = value_of(number)
        desk.wrote(place)
        desk.edited()
        mailbox.drain()
        desk.tick()
        time.sleep(1 / hertz)


if __name__ == "__main__":
    slow_disk(float(sys.argv[4]) / 1000, float(sys.argv[6]))
    paint(Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), float(sys.argv[5]))
