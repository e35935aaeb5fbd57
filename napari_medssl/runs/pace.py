"""How fast a run went, by the clock of its journal. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import isfinite

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
    turn : int
        `RunStarted.turn`; 0 where it never was, or an older version did.
    """

    began: float = float("inf")
    step_seconds: float | None = None
    case_seconds: float | None = None
    turn: int = 0

    @property
    def order(self) -> tuple[int, int, float]:
        """Sorts runs by when they last began, those that never did last; by clocks only where older versions wrote."""
        if self.turn:
            return (1, self.turn, 0.0)
        return (0 if isfinite(self.began) else 2, 0, self.began)


LONGEST_GAP = 3600.0  # seconds: between two words of a living run


def gap(before: float, after: float) -> float:
    """Seconds from one word of a run to the next; none where the clock went back, or ahead by more than can be.

    In newer journals it does neither (see `RunEvent.at`).
    """
    return after - before if 0.0 <= after - before <= LONGEST_GAP else 0.0


class Stopwatch:
    """Takes the time of a run, event by event. The gaps between its lives, when it was paused, do not count."""

    def __init__(self) -> None:
        self._began, self._turn = float("inf"), 0
        self._seconds = self._steps = 0.0
        self._longest_step = 0.0
        self._case_seconds, self._cases = 0.0, 0
        self._last: Stepped | None = None

    def add(self, event: RunEvent) -> None:
        """One more event."""
        match event:
            case RunStarted():
                self._began, self._last = event.at, None
                self._turn = event.turn or self._turn
            case Stepped():
                self._longest_step = max(self._longest_step, event.step_seconds)
                if self._last is not None and event.step > self._last.step:
                    steps = event.step - self._last.step
                    self._seconds += gap(self._last.at, event.at) or steps * event.step_seconds
                    self._steps += steps
                self._last = event
            case Proposed() if event.seconds > 0:
                self._case_seconds += event.seconds
                self._cases += 1

    @property
    def pace(self) -> Pace:
        """What it says so far."""
        step_seconds = self._seconds / self._steps if self._steps else self._longest_step
        case_seconds = self._case_seconds / self._cases if self._cases else None
        return Pace(self._began, step_seconds or None, case_seconds, self._turn)


def measure(events: Iterable[RunEvent]) -> Pace:
    """How fast a run went."""
    watch = Stopwatch()
    for event in events:
        watch.add(event)
    return watch.pace
