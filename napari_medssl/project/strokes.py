"""Strokes on their way to a draft: logs for each case and window, so that not even a crash loses one.

A draft is a whole file and takes a moment; a stroke is noted within milliseconds. A record holds what stands in some
boxes of the labels after a stroke. Records are replayed in order onto the newest revision; to write what is there
already changes nothing, so that a log may be replayed whose strokes a draft has.

Logs are replayed in the order of their names, and a name is made to sort behind all that are there: a clock that was
put back does not put strokes in another order.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..disk import make_folder, names_in, seal, set_aside, sync_folder, unseal
from ..errors import MedSSLError
from .refusals import one_clear_line
from .revisions import Revision
from .stroke_records import MARK, Piece, Stroke, find_records, pack, pieces

__all__ = ["ENDING", "Leftover", "Piece", "Stroke", "StrokeLog", "read_leftovers"]

ENDING = ".strokes"
_FORMAT = "napari-medssl strokes 2"  # the header stands there twice, sealed
_OLDER = "napari-medssl strokes 1"  # once, not sealed


class StrokeLog:
    """A log that is written to. Nothing is on disk before the first stroke.

    After a write that failed the file is cut back to its last whole record, and the next stroke begins another file: a
    disk that was full for a while, or a drive that was away, silences nothing.

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
    session : str
        Of the window on this case: revisions that it saves bear it, too.

    Attributes
    ----------
    base : str or None
        As above; it may be changed until the first stroke is noted.
    """

    def __init__(
        self, folder: Path, shape: Sequence[int], base: str | None, author: str, window: str = "", session: str = ""
    ) -> None:
        self.base = base
        self._folder = folder
        self._facts = {"shape": list(shape), "author": author, "window": window, "session": session}
        self._paths: list[Path] = []
        self._end = 0  # of what is whole in the newest file; 0 where the next stroke begins another

    @property
    def paths(self) -> tuple[Path, ...]:
        """Its files; one, unless a write failed."""
        return tuple(self._paths)

    @property
    def is_empty(self) -> bool:
        """Whether nothing was noted yet."""
        return not self._paths

    def append(self, stroke: Stroke) -> None:
        """Note a stroke; it is on the disk when this returns.

        Raises
        ------
        ProjectError
            If it cannot be written down. What was noted before can still be read then, and more can be noted.
        """
        with one_clear_line("The stroke was not noted", self._folder):
            if self._end:
                self._write(self._paths[-1], "r+b", pack(stroke))
                return
            make_folder(self._folder)
            path = self._folder / _new_name(self._folder)
            self._write(path, "xb", self._header() + pack(stroke))
            self._paths.append(path)
            sync_folder(self._folder)

    def discard(self) -> None:
        """A revision holds these strokes now: the log has done its duty."""
        for path in self._paths:
            with suppress(OSError):
                path.unlink(missing_ok=True)
        self._paths, self._end = [], 0

    def _write(self, path: Path, mode: str, data: bytes) -> None:
        file = path.open(mode)  # where this fails nothing was changed
        end, self._end = self._end, 0
        try:
            with file:
                file.seek(end)
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        except BaseException:
            with suppress(OSError):
                os.truncate(path, end) if end else path.unlink()
            raise
        self._end = end + len(data)

    def _header(self) -> bytes:
        now = datetime.now(UTC).isoformat()
        line = seal(json.dumps({"format": _FORMAT, "base": self.base, "time": now, **self._facts})).encode() + b"\n"
        return line + line


@dataclass(frozen=True, eq=False)
class Leftover:
    """A log that a window left behind; what can be read of it.

    Parameters
    ----------
    path : Path
        The file.
    shape : tuple of int
        Of the grid that its strokes are on.
    records : tuple of bytes
        Its strokes, oldest first, deflated.
    unread : int
        Bytes that cannot be read: damaged, or cut short when the program ended.
    base, author, window, session
        As of `StrokeLog`; None and "" where the header cannot be read.
    time : str
        When it was begun (ISO 8601); "" where the header cannot be read.
    """

    path: Path
    shape: tuple[int, ...]
    records: tuple[bytes, ...]
    unread: int
    base: str | None = None
    author: str = ""
    window: str = ""
    session: str = ""
    time: str = ""

    @property
    def is_whole(self) -> bool:
        """Whether all of it was read."""
        return not self.unread and bool(self.time)

    def continues(self, line: Iterable[Revision]) -> bool:
        """Whether its strokes were drawn on the newest revision, or on one which only its own window went on from.

        Parameters
        ----------
        line : iterable of Revision
            The newest revision, the one it was made from, and so on; empty where nobody has drawn anything.
        """
        if not self.time:
            return False  # nobody knows what it was drawn on
        for number, revision in enumerate(line):
            if revision.id == self.base:
                return True
            # older logs have no session: then one more revision by the same person may be there
            own = revision.session == self.session if self.session else not number and revision.author == self.author
            if not own:
                return False
        return self.base is None

    def put_back(self, labels: NDArray[np.uint8]) -> None:
        """Draw the strokes again, in place, on labels of the case's grid."""
        for packed in self.records:
            for piece in pieces(packed, self.shape):
                box = tuple(slice(a, a + n) for a, n in zip(piece.start, piece.values.shape, strict=True))
                labels[box] = piece.values

    def discard(self) -> None:
        """A revision holds these strokes now: the log goes, or is kept under another name where not all was read."""
        with suppress(OSError, MedSSLError):
            if self.is_whole:
                self.path.unlink(missing_ok=True)
            else:
                set_aside(self.path)


def read_leftovers(folder: Path, shape: Sequence[int]) -> list[Leftover]:
    """Logs of strokes, oldest first, with all that can be read of them.

    Parameters
    ----------
    shape : tuple of int
        Of the case's grid: strokes of a log whose header is damaged are taken to be on it.
    """
    found = (_read(folder / name, tuple(shape)) for name in sorted(names_in(folder, ENDING)))
    return [one for one in found if one is not None]


def _read(path: Path, shape: tuple[int, ...]) -> Leftover | None:
    try:
        data = path.read_bytes()
    except OSError:
        return None  # another window has just discarded it
    if not data:
        return None  # another window has just begun it
    for line in _header_lines(data):
        try:
            header = unseal(line)
            begins = {_FORMAT: 2, _OLDER: 1}[header["format"]] * (len(line) + 1)
            on, base = tuple(int(n) for n in header["shape"]), header["base"]
            facts = {name: str(header.get(name, "")) for name in ("author", "window", "session", "time")}
            datetime.fromisoformat(facts["time"])
        except (ValueError, KeyError, TypeError, OverflowError):
            continue
        # strokes on another grid are not looked into: what a header claims of its grid bounds nothing
        records, unread = find_records(data, shape, begins) if on == shape else ([], len(data) - begins)
        return Leftover(path, on, tuple(records), unread, None if base is None else str(base), **facts)
    begins = max(data.find(MARK), 0)
    records, unread = find_records(data, shape, begins)
    return Leftover(path, shape, tuple(records), unread) if records or _is_ours(path.name) else None


def _header_lines(data: bytes) -> Iterable[bytes]:
    """What may be a copy of the header, without its end of line, whichever bit of it or of the first mark is turned."""
    yield from data.split(b"\n", 2)[:2]
    head = data[: max(data.find(MARK), 0)]
    yield head[: len(head) // 2 - 1]
    yield head[len(head) // 2 : -1]


def _is_ours(name: str) -> bool:
    return name[:8].isdigit() and name[8:9] == "T"


def _new_name(folder: Path) -> str:
    """A name that sorts behind all there are."""
    begin = f"{datetime.now(UTC):%Y%m%dT%H%M%S%fZ}"
    last = max(filter(_is_ours, names_in(folder, ENDING)), default="").partition("-")[0]
    if begin <= last:  # two in one moment, or a clock that was put back
        begin = f"{last}Z"
    return f"{begin}-{secrets.token_hex(3)}{ENDING}"
