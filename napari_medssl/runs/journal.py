"""`events.jsonl`: one JSON line per event, appended by the run's process, read by anybody.

A reader may meet half a line at the end (the writer is still writing, or died): it is left for the next read.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from .events import RunEvent, event_from_json, event_to_json

JOURNAL_NAME = "events.jsonl"


class JournalWriter:
    """Appends events to a journal; each line is flushed, the last events of a run also fsync'd."""

    def __init__(self, path: Path) -> None:
        self._file = open(path, "a", encoding="utf-8")  # noqa: SIM115 - closed in close()
        if not _ends_with_newline(path):  # torn by a crash: what comes next must not be torn with it
            self._file.write("\n")

    def write(self, event: RunEvent, durable: bool = False) -> None:
        """Append one event."""
        self._file.write(event_to_json(event) + "\n")
        self._file.flush()
        if durable:
            os.fsync(self._file.fileno())

    def close(self) -> None:
        """Close the file; writing afterwards is an error."""
        self._file.close()


class JournalReader:
    """Follows a journal from its beginning; each `read` returns only what is new."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._offset = 0

    def read(self) -> list[RunEvent]:
        """The events appended since the last call; whole lines only, unreadable lines are passed over."""
        try:
            with open(self.path, "rb") as file:
                file.seek(self._offset)
                data = file.read()
        except FileNotFoundError:
            return []
        end = data.rfind(b"\n") + 1
        self._offset += end
        return list(_parse(data[:end]))


def replay(path: Path) -> list[RunEvent]:
    """All events of a journal; none where there is no such file."""
    return JournalReader(path).read()


def _parse(data: bytes) -> Iterator[RunEvent]:
    for line in data.splitlines():
        try:
            yield event_from_json(line.decode("utf-8"))
        except (ValueError, TypeError):
            continue  # a line torn by a crash, or of a newer version: the rest still counts


def _ends_with_newline(path: Path) -> bool:
    """Whether the last line is whole; an empty file counts."""
    with open(path, "rb") as file:
        file.seek(0, os.SEEK_END)
        if file.tell() == 0:
            return True
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"
