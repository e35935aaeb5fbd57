"""What the journals of runs tell, kept up to date in this process: a journal only grows, so nothing is read twice."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path

from .journal import JournalReader
from .outcome import Outcome, add
from .pace import Pace, Stopwatch
from .status import RunStatus, step

MOST = 256  # journals that are remembered


@dataclass(frozen=True)
class Digest:
    """What a journal tells so far.

    Attributes
    ----------
    status : RunStatus
    pace : Pace
    outcome : Outcome
    offset : int
        Bytes of the journal that this is the sum of.
    damaged : int
        Lines of it that cannot be read.
    """

    status: RunStatus = field(default_factory=RunStatus)
    pace: Pace = field(default_factory=Pace)
    outcome: Outcome = field(default_factory=Outcome)
    offset: int = 0
    damaged: int = 0


class _Reading:
    """A journal and what was read of it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._begin(None)

    def _begin(self, file: tuple[int, int] | None) -> None:
        self._file = file
        self._reader, self._watch = JournalReader(self._path), Stopwatch()
        self._known = Digest()

    def look(self) -> Digest:
        """Read what is new. A file in the place of the one that was read is read from its beginning."""
        with self._lock:
            try:
                now = self._path.stat()
            except OSError:
                self._begin(None)
                return self._known
            file = (now.st_dev, now.st_ino)
            if file != self._file or now.st_size < self._known.offset:
                self._begin(file)
            if now.st_size > self._known.offset:
                self._take()
            return self._known

    def _take(self) -> None:
        status, outcome = self._known.status, self._known.outcome
        for event in self._reader.read():
            status, outcome = step(status, event), add(outcome, event)
            self._watch.add(event)
        self._known = Digest(status, self._watch.pace, outcome, self._reader.offset, self._reader.damaged)


_readings: OrderedDict[Path, _Reading] = OrderedDict()
_lock = threading.Lock()


def read_digest(journal: Path) -> Digest:
    """What a journal tells; nothing where there is none. From any thread.

    The first time it is read as a whole, then only what was added since.
    """
    with _lock:
        reading = _readings.pop(journal, None) or _Reading(journal)
        _readings[journal] = reading
        while len(_readings) > MOST:
            _readings.popitem(last=False)
    return reading.look()
