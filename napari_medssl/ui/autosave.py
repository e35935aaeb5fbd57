"""When to save a draft, and how much work went into it. Pure bookkeeping; times are seconds, monotonic."""

from __future__ import annotations

from dataclasses import dataclass, field

QUIET = 1.5  # seconds after the last stroke
LONGEST = 15.0  # seconds after the first unsaved stroke, when strokes never cease
RETRY = 10.0  # seconds after a save that failed
IDLE = 30.0  # a longer pause between strokes is no work


@dataclass
class Autosave:
    """Of one case on the screen.

    Attributes
    ----------
    dirty, drawn : bool
        Something may have changed (has certainly changed) since the last save began.
    saving : int
        Saves that are under way.
    held : bool
        Somebody else saved newer labels: nothing is saved until a person has chosen.
    """

    dirty: bool = False
    drawn: bool = False
    saving: int = 0
    held: bool = False
    _strokes: int = 0
    _first: float = 0.0
    _last: float = 0.0
    _wait_until: float = field(default=-1e9)
    _worked: float = 0.0

    def edited(self, now: float, sure: bool = True) -> None:
        """Something has changed, or (not `sure`) may have."""
        self.drawn = self.drawn or sure
        if not self.dirty:
            self._first = now
        elif now - self._last < IDLE:
            self._worked += now - self._last
        self.dirty = True
        self._last = now

    def due(self, now: float) -> bool:
        """Whether to save a draft now."""
        quiet = now - self._last >= QUIET or now - self._first >= LONGEST
        return self.dirty and not self.saving and not self.held and quiet and now >= self._wait_until

    def taken(self) -> None:
        """A save has begun: what is drawn from here on is for the next one."""
        self.dirty = self.drawn = False
        self.saving += 1

    def done(self) -> None:
        """A save is done."""
        self.saving -= 1

    def failed(self, now: float, minutes: float = 0.0, strokes: int = 0) -> None:
        """A save failed: again in a while, with the work that it would have told of."""
        self.saving -= 1
        self.dirty = self.drawn = True
        self._wait_until = now + RETRY
        self._worked += minutes * 60
        self._strokes += strokes

    def stroked(self) -> None:
        """A stroke, a fill or a polygon was finished."""
        self._strokes += 1

    def strokes(self) -> int:
        """Strokes since the last call."""
        strokes, self._strokes = self._strokes, 0
        return strokes

    def minutes(self) -> float:
        """Minutes of work since the last call."""
        worked, self._worked = self._worked, 0.0
        return worked / 60
