"""The tour as it goes on: watched, left, taken up again, remembered. No Qt."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from ..disk import make_folder, read_json_or_none, write_json
from ..errors import MedSSLError
from .board import Board
from .helpwork import LANE
from .jobs import Jobs
from .recents import data_folder
from .tour import STEPS, Place, Seen, begin, follow, on

FILE_NAME = "tour.json"  # beside the sample project: {"step": where to go on, "" from the beginning}


def read_step(folder: Path) -> str | None:
    """Where to go on; None when the tour was never offered. A damaged file counts as offered."""
    path = folder / FILE_NAME
    if not path.exists():
        return None
    values: dict[str, object] = {}
    with suppress(OSError):
        values = read_json_or_none(path) or {}
    return str(values.get("step", ""))


def write_step(folder: Path, step: str) -> None:
    """Remember it; where that cannot be written, it is only not remembered."""
    with suppress(OSError, MedSSLError):
        make_folder(folder)
        write_json(folder / FILE_NAME, {"step": step})


class TourDesk:
    """Looks at the dock's state now and then, and goes on when a step is done."""

    def __init__(self, board: Board, jobs: Jobs) -> None:
        self._board, self._jobs = board, jobs
        self._opened: frozenset[str] = frozenset()
        self._step = ""  # where to go on
        self._last: Seen | None = None

    def look(self) -> None:
        """Find out whether the tour is still to be offered."""

        def done(step: str | None) -> None:
            self._step = step or ""
            self._board.set(offer_tour=step is None)

        self._jobs.submit(LANE, lambda: read_step(data_folder()), done, self._board.failed)

    def start(self) -> None:
        """Begin, or go on where it was left."""
        self._opened = frozenset()
        self._take(begin(self._step, Seen(self._board.state)))

    def leave(self) -> None:
        """Stop for now; `start` goes on there."""
        self._board.set(tour=None)

    def decline(self) -> None:
        """Not offered any more; the menu has it."""
        self._remember("")

    def skip(self) -> None:
        """Go on to the next step, or end with the last."""
        place = self._board.facts.tour
        if place is not None:
            self._go(on(place, Seen(self._board.state)))

    def opened(self, what: str) -> None:
        """Something was opened that the state does not tell of."""
        self._opened |= {what}

    def tick(self) -> None:
        """Called often on the screen's thread."""
        place, state = self._board.facts.tour, self._board.state
        if place is None or (self._last is not None and (self._last.state, self._last.opened) == (state, self._opened)):
            return
        seen = self._last = Seen(state, self._opened)
        then = follow(place, seen)
        if then is not place:
            self._go(then)

    def _go(self, place: Place | None) -> None:
        self._opened = frozenset()
        if place is not None:
            self._take(place)
            return
        self._remember("")
        self._board.set(tour=None)
        self._board.say(
            "info", "That was the tour. Next: your own scans, with Open. The tour begins anew under the ? at the top."
        )

    def _take(self, place: Place) -> None:
        self._last = None
        self._board.set(tour=place)
        self._remember(STEPS[place.number].key)

    def _remember(self, step: str) -> None:
        self._step = step
        self._board.set(offer_tour=False)
        self._jobs.submit(LANE, lambda: write_step(data_folder(), step), lambda _: None, self._board.failed)
