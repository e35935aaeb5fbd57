"""How fast a run went, by the clock of its journal. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from .events import Proposed, RunEvent, RunStarted, Stepped


@dataclass(frozen=True)
class Pace:
    """How fast a run went, by the clock of its journal.

    Attributes
    ----------
    began : float
        When it was last started or resumed; infinite where it never was.
    step_seconds : float or None
        From step to step, with everything that happens in between; None where it made none.
    case_seconds : float or None
        Per proposal; None where it made none.
    """

    began: float = float("inf")
    step_seconds: float | None = None
    case_seconds: float | None = None


class Stopwatch:
    """Takes the time of a run, event by event. The gaps between its lives, when it was paused, do not count."""

    def __init__(self) -> None:
        self._began = float("inf")
        self._seconds = self._steps = 0.0
        self._longest_step = 0.0
        self._case_seconds, self._cases = 0.0, 0
        self._last: Stepped | None = None

    def add(self, event: RunEvent) -> None:
        """One more event."""
        match event:
            case RunStarted():
                self._began, self._last = event.at, None
            case Stepped():
                self._longest_step = max(self._longest_step, event.step_seconds)
                if self._last is not None and event.step > self._last.step:
                    self._seconds += event.at - self._last.at
                    self._steps += event.step - self._last.step
                self._last = event
            case Proposed() if event.seconds > 0:
                self._case_seconds += event.seconds
                self._cases += 1

    @property
    def pace(self) -> Pace:
        """What it says so far."""
        step_seconds = self._seconds / self._steps if self._steps else self._longest_step
        return Pace(self._began, step_seconds or None, self._case_seconds / self._cases if self._cases else None)


def measure(events: Iterable[RunEvent]) -> Pace:
    """How fast a run went."""
    watch = Stopwatch()
    for event in events:
        watch.add(event)
    return watch.pace
