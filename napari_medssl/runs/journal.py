"""`events.jsonl`: one JSON line per event, appended by the run's process, read by anybody.

A reader may meet half a line at the end (the writer is still writing, or died): it is left for the next read, and cut
off by the next writer. Each line carries its checksum (see `sealing`); those of older versions have none. A damaged
line is left out and counted; the rest counts.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from ..disk import is_sealed, may_read, seal, unseal, unseal_or_put_right
from .events import RunEvent, UnknownKindError, event_from_values, event_to_json
from .skim import skim

JOURNAL_NAME = "events.jsonl"
_TAIL = 1 << 16  # bytes that are read at once from its end


class JournalWriter:
    """Appends events to a journal, line by line; the last events of a run are also fsync'd."""

    def __init__(self, path: Path) -> None:
        self._file = open(path, "ab", buffering=0)  # noqa: SIM115 - closed in close()
        whole = whole_length(path)
        if whole < path.stat().st_size:  # torn by a crash: half a line says nothing
            self._file.truncate(whole)
        elif whole and not _ends_with_newline(path):  # a bit of it has turned
            self._file.truncate(whole - 1)
            self._file.write(b"\n")

    def write(self, event: RunEvent, durable: bool = False) -> None:
        """Append one event, or nothing of it.

        Raises
        ------
        OSError
            If it cannot be written.
        """
        rest = f"{seal(event_to_json(event))}\n".encode()
        before = os.fstat(self._file.fileno()).st_size
        try:
            while rest:
                rest = rest[self._file.write(rest) :]
            if durable:
                os.fsync(self._file.fileno())
        except OSError:
            with suppress(OSError):
                self._file.truncate(before)
            raise

    def close(self) -> None:
        """Close the file; writing afterwards is an error."""
        self._file.close()


class JournalReader:
    """Follows a journal; each `read` returns only what is new.

    Attributes
    ----------
    damaged : int
        Lines so far that were looked at and could not be read: torn by a crash, or changed since they were written.

    Parameters
    ----------
    path : Path
    offset : int
        Where to begin: 0, or what `offset` of another reader was.
    everything : bool
        Also of a long journal; otherwise steps in a row are passed over (`skim`).
    """

    def __init__(self, path: Path, offset: int = 0, *, everything: bool = False) -> None:
        self.path = path
        self.damaged = 0
        self._offset = offset
        self._everything = everything

    @property
    def offset(self) -> int:
        """How many bytes of the journal were read."""
        return self._offset

    def read(self) -> list[RunEvent]:
        """The events appended since the last call, whole lines only; damaged ones are counted.

        Of a journal that may not be read there are none: `say_unread` tells.
        """
        try:
            with open(self.path, "rb") as file:
                file.seek(self._offset)
                data = file.read()
        except (FileNotFoundError, PermissionError):
            return []
        end = data.rfind(b"\n") + 1
        if _is_whole(data[end:-1]):  # a bit of the last line's end has turned
            data = data[:-1] + b"\n"
            end = len(data)
        self._offset += end
        lines = data[:end].split(b"\n")[:-1]
        events, damaged = _parse(lines if self._everything else skim(lines))
        self.damaged += damaged
        return events


def say_damaged(path: Path, lines: int) -> str:
    """That so many lines of a journal are damaged, in a sentence; empty for none."""
    if not lines:
        return ""
    return (
        f"{path}: {'1 line' if lines == 1 else f'{lines} lines'} cannot be read; what the run said there is not known."
    )


def say_unread(path: Path) -> str:
    """That a journal may not be read, in a sentence; empty where it may, or there is none."""
    return "" if may_read(path) else f"{path}: it cannot be read (Permission denied); what the run said is not known."


def say_short(path: Path, wrote: int) -> str:
    """That a journal is shorter than the run wrote it, in a sentence; empty where it is not."""
    try:
        there = path.stat().st_size
    except FileNotFoundError:
        there = 0
    if there >= wrote:
        return ""
    what = f"only {there:,} of {wrote:,} bytes are there" if there else "it is gone"
    return f"{path}: {what}; what the run said at its end is not known."


def replay(path: Path) -> list[RunEvent]:
    """All events of a journal; none where there is no such file."""
    return JournalReader(path, everything=True).read()


def _parse(lines: Sequence[bytes]) -> tuple[list[RunEvent], int]:
    """The events of some lines, and how many lines are damaged: torn by a crash, or changed since."""
    events: list[RunEvent] = []
    damaged = 0
    for line in lines:
        if not line:
            continue
        try:
            events.append(_event(line))
        except UnknownKindError:
            continue  # of a newer version
        except ValueError:
            damaged += 1
    return events, damaged


def _is_whole(line: bytes) -> bool:
    if not is_sealed(line):
        return False
    try:
        unseal(line)
    except ValueError:
        return False
    return True


def _event(line: bytes) -> RunEvent:
    event = event_from_values(unseal_or_put_right(line))
    if not math.isfinite(event.at):
        raise ValueError("no run event: it happened at no time")
    return event


def whole_length(path: Path) -> int:
    """Bytes of the whole lines of a journal, the last one's end as `JournalReader` sees it; 0 where there is none."""
    try:
        with open(path, "rb") as file:
            begin = size = file.seek(0, os.SEEK_END)
            tail = b""
            while begin > 0 and b"\n" not in tail:
                begin = max(0, begin - _TAIL)
                file.seek(begin)
                tail = file.read(size - begin)
    except FileNotFoundError:
        return 0
    end = tail.rfind(b"\n") + 1
    return size if _is_whole(tail[end:-1]) else size - len(tail) + end


def _ends_with_newline(path: Path) -> bool:
    with open(path, "rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"
