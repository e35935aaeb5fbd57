"""`events.jsonl`: one JSON line per event, appended by the run's process, read by anybody.

A reader may meet half a line at the end (the writer is still writing, or died): it is left for the next read. Each
line carries its checksum (see `sealing`); those of older versions have none. A damaged line is left out and counted;
the rest counts.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from pathlib import Path

from ..disk import is_sealed, seal, unseal, unseal_or_put_right
from .events import RunEvent, UnknownKindError, event_from_values, event_to_json
from .skim import skim

JOURNAL_NAME = "events.jsonl"


class JournalWriter:
    """Appends events to a journal; each line is flushed, the last events of a run also fsync'd."""

    def __init__(self, path: Path) -> None:
        self._file = open(path, "a", encoding="utf-8")  # noqa: SIM115 - closed in close()
        if not _ends_with_newline(path):  # torn by a crash: what comes next must not be torn with it
            self._file.write("\n")

    def write(self, event: RunEvent, durable: bool = False) -> None:
        """Append one event."""
        self._file.write(seal(event_to_json(event)) + "\n")
        self._file.flush()
        if durable:
            os.fsync(self._file.fileno())

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
        """The events appended since the last call, whole lines only; damaged ones are counted."""
        try:
            with open(self.path, "rb") as file:
                file.seek(self._offset)
                data = file.read()
        except FileNotFoundError:
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


def _ends_with_newline(path: Path) -> bool:
    """Whether the last line is whole; an empty file counts."""
    with open(path, "rb") as file:
        file.seek(0, os.SEEK_END)
        if file.tell() == 0:
            return True
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"
