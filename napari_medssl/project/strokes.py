"""Strokes on their way to a draft: a log for each case and window, so that not even a crash loses one.

A draft is a whole file and takes a moment; a stroke is noted within milliseconds. A record holds what stands in some
boxes of the labels after a stroke. Records are replayed in order onto the newest revision; to write what is there
already changes nothing, so that a log may be replayed whose strokes a draft has in part.
"""

from __future__ import annotations

import json
import os
import secrets
import struct
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..disk import make_folder, names_in, sync_folder
from .refusals import one_clear_line
from .revisions import Revision

ENDING = ".strokes"
_FORMAT = "napari-medssl strokes 1"
_RECORD = struct.Struct("<4sII")  # mark, bytes that follow, their CRC-32
_MARK = b"STRK"


@dataclass(frozen=True, eq=False)
class Piece:
    """What stands in a box of the labels: `values` uint8, `start` the box's first voxel, on the case's own grid."""

    start: tuple[int, ...]
    values: NDArray[np.uint8]


Stroke = Sequence[Piece]


class StrokeLog:
    """A log that is written to. Nothing is on disk before the first stroke.

    Parameters
    ----------
    folder : Path
        Where the logs of the case are.
    shape : tuple of int
        Of the case's grid.
    base : str or None
        The revision that the strokes are drawn on; None where nobody has drawn anything.
    author, window : str
        Who draws, and the name of that window's lease.
    """

    def __init__(self, folder: Path, shape: Sequence[int], base: str | None, author: str, window: str = "") -> None:
        stamp = datetime.now(UTC)
        self.path = folder / f"{stamp:%Y%m%dT%H%M%S%fZ}-{secrets.token_hex(3)}{ENDING}"
        self._header = {
            "format": _FORMAT,
            "shape": list(shape),
            "base": base,
            "author": author,
            "window": window,
            "time": stamp.isoformat(),
        }
        self._begun = False

    @property
    def is_empty(self) -> bool:
        """Whether nothing was noted yet."""
        return not self._begun

    def append(self, stroke: Stroke) -> None:
        """Note a stroke; it is on the disk when this returns.

        Raises
        ------
        ProjectError
            If it cannot be written down.
        """
        with one_clear_line("The stroke was not noted", self.path):
            if not self._begun:
                make_folder(self.path.parent)
            with self.path.open("ab" if self._begun else "xb") as file:
                if not self._begun:
                    file.write(json.dumps(self._header).encode() + b"\n")
                file.write(_pack(stroke))
                file.flush()
                os.fsync(file.fileno())
            if not self._begun:
                self._begun = True
                sync_folder(self.path.parent)

    def discard(self) -> None:
        """A revision holds these strokes now: the log has done its duty."""
        with suppress(OSError):
            self.path.unlink(missing_ok=True)
        self._begun = False


@dataclass(frozen=True, eq=False)
class Leftover:
    """A log that a window left behind; parameters as of `StrokeLog`, and its strokes, oldest first."""

    path: Path
    shape: tuple[int, ...]
    base: str | None
    author: str
    window: str
    time: str
    strokes: tuple[Stroke, ...]

    def continues(self, latest: Revision | None) -> bool:
        """Whether its strokes were drawn on the newest revision, or on the one before by the same person."""
        if latest is None or self.base == latest.id:
            return self.base == (None if latest is None else latest.id)
        return self.base == latest.parent and self.author == latest.author

    def put_back(self, labels: NDArray[np.uint8]) -> None:
        """Draw the strokes again, in place, on labels of the case's grid."""
        for stroke in self.strokes:
            for piece in stroke:
                box = tuple(slice(a, a + n) for a, n in zip(piece.start, piece.values.shape, strict=True))
                labels[box] = piece.values

    def discard(self) -> None:
        """A revision holds these strokes now."""
        with suppress(OSError):
            self.path.unlink(missing_ok=True)


def read_leftovers(folder: Path, shape: Sequence[int]) -> list[Leftover]:
    """Logs with strokes on labels of this shape, oldest first; what a crash left half written at an end is not read."""
    found = (_read(folder / name) for name in sorted(names_in(folder, ENDING)))
    return [one for one in found if one is not None and one.strokes and one.shape == tuple(shape)]


def _read(path: Path) -> Leftover | None:
    try:
        data = path.read_bytes()
        first, _, rest = data.partition(b"\n")
        header = json.loads(first)
        if header["format"] != _FORMAT:
            return None
        base = header["base"]
        return Leftover(
            path,
            tuple(int(n) for n in header["shape"]),
            None if base is None else str(base),
            str(header["author"]),
            str(header["window"]),
            str(header["time"]),
            tuple(_unpack(rest, len(header["shape"]))),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None  # no log of ours, or another window has just discarded it


def _pack(stroke: Stroke) -> bytes:
    payload = b"".join(
        np.asarray((*piece.start, *piece.values.shape), "<i4").tobytes() + piece.values.tobytes() for piece in stroke
    )
    packed = zlib.compress(payload, 1)
    return _RECORD.pack(_MARK, len(packed), zlib.crc32(packed)) + packed


def _unpack(data: bytes, ndim: int) -> Iterator[Stroke]:
    """Records up to the first that is not whole."""
    at = 0
    while at + _RECORD.size <= len(data):
        mark, length, check = _RECORD.unpack_from(data, at)
        packed = data[at + _RECORD.size : at + _RECORD.size + length]
        if mark != _MARK or len(packed) != length or zlib.crc32(packed) != check:
            return
        yield tuple(_pieces(zlib.decompress(packed), ndim))
        at += _RECORD.size + length


def _pieces(payload: bytes, ndim: int) -> Iterable[Piece]:
    at = 0
    while at < len(payload):
        numbers = np.frombuffer(payload, "<i4", 2 * ndim, at).tolist()
        start, shape = tuple(numbers[:ndim]), tuple(numbers[ndim:])
        at += 8 * ndim
        count = int(np.prod(shape))
        yield Piece(start, np.frombuffer(payload, np.uint8, count, at).reshape(shape))
        at += count
