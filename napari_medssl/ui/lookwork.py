"""The *reviewed* marker: what was looked at is said, counted, and can be taken back. No Qt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from ..imaging import UNSEEN
from .athand import AtHand, Box
from .board import Board
from .editing import Place
from .jobs import Jobs
from .loading import ShownCase
from .toolview import Looked, Where, count_looked, looked_text

if TYPE_CHECKING:
    from .casework import CaseDesk

REST = 0.4  # seconds after the last stroke until it is counted
PACE = 0.2  # seconds between two changes of the words, while slices go by
WORDS = {"slice": "this slice", "view": "what is in view", "region": "the region's box"}
NO_PLACE = {
    "slice": "There is no single slice on the screen. Turn to slices (2-D) first.",
    "view": "There is no single slice on the screen. Turn to slices (2-D) first.",
    "region": "Go to a region of the proposal first: Alt+N.",
}


class LookScreen(Protocol):
    """What is asked of the viewer."""

    def labels(self) -> np.ndarray | None:
        """The live array of the labels on screen, as shown; not a copy."""

    def at_hand(self) -> AtHand | None:
        """The case as it is on the screen right now; None without one."""

    def slice_shown(self) -> tuple[int, int] | None:
        """Axis and number of the slice on the screen; None where none is."""


class LookDesk:
    """What was looked at of the case on the screen.

    Parameters
    ----------
    region : callable
        The box of the region of the proposal that one has gone to; None where there is none.
    """

    def __init__(
        self, board: Board, view: LookScreen, jobs: Jobs, cases: CaseDesk, clock: Callable[[], float],
        region: Callable[[], Box | None],
    ) -> None:  # fmt: skip
        self._board, self._view, self._jobs, self._cases = board, view, jobs, cases
        self._clock, self._region = clock, region
        self._shown: ShownCase | None = None
        self._marked: NDArray[np.bool_] | None = None  # background only because the marker said so
        self._looked: Looked | None = None
        self._edits = 0
        self._moved: float | None = None
        self._said = -PACE

    def show(self, shown: ShownCase) -> None:
        """Another case, or another proposal of it, has come on the screen."""
        if self._shown is None or shown.display is not self._shown.display:
            self._marked = self._looked = None
            self._shown = shown
            self._count()

    def mark(self, where: Where) -> None:
        """What nobody looked at there is background from now on, as one undoable step."""
        found = self._found(where)
        if found is None:
            return
        hand, box = found
        places = _flat(box, hand.labels[box] == UNSEEN, hand.labels.shape)
        if not places.size:
            self._board.say("info", f"Nothing to mark: {WORDS[where]} was looked at before.")
            return
        self._cases.change(places, np.zeros(places.size, np.uint8))
        if self._marked is None:
            self._marked = np.zeros(hand.labels.shape, np.bool_)
        self._marked.reshape(-1)[places] = True
        self._board.say("info", f"You looked at {WORDS[where]}: what is not drawn there is background now.")

    def unmark(self, where: Where) -> None:
        """What is background there only because of `mark` is *not looked at* again, as one undoable step."""
        found = self._found(where)
        if found is None:
            return
        hand, box = found
        marked = None if self._marked is None else self._marked[box] & (hand.labels[box] == 0)
        if marked is None or not marked.any():
            self._board.say(
                "info",
                f"Nothing to take back: {WORDS[where]} was not marked as looked at since this case was opened. "
                "Draw with 'Not looked at' to take back anything else.",
            )
            return
        places = _flat(box, marked, hand.labels.shape)
        self._cases.change(places, np.full(places.size, UNSEEN, np.uint8))
        self._board.say("info", f"Not looked at any more: {WORDS[where]}, but for what you drew there.")

    def wrote(self, place: Place) -> None:
        """What somebody drew there is no longer background by the marker."""
        live = self._view.labels()
        if self._marked is not None and live is not None:
            self._marked[place] &= live[place] == 0

    def tick(self) -> None:
        """Count when strokes have come to rest; say how much of the slice on the screen was looked at."""
        now = self._clock()
        if self._cases.edits != self._edits:
            self._edits, self._moved = self._cases.edits, now
        elif self._moved is not None and now - self._moved > REST:
            self._count()
        if now - self._said >= PACE:
            self._said = now
            self._say()

    # --- within

    def _found(self, where: Where) -> tuple[AtHand, Box] | None:
        hand = self._view.at_hand()
        if hand is None:
            return None
        box = self._region() if where == "region" else hand.slice_box() if where == "slice" else hand.view
        if box is None:
            self._board.say("info", NO_PLACE[where])
            return None
        return hand, box

    def _count(self) -> None:
        self._moved, shown, labels = None, self._shown, self._view.labels()
        if labels is None:
            return

        def done(looked: Looked) -> None:
            if self._shown is shown:
                self._looked = looked
                self._say()

        self._jobs.submit("looked", lambda: count_looked(labels), done, self._board.failed)

    def _say(self) -> None:
        case = self._board.facts.case
        if case is None or self._looked is None:
            return
        looked = self._looked
        tools = replace(
            case.tools,
            looked=looked_text(looked, self._view.slice_shown(), case.complete),
            whole=looked.seen == looked.size,
            background=looked.background,
        )
        if tools != case.tools:
            self._board.set_case(tools=tools)


def _flat(box: Box, chosen: NDArray[np.bool_], shape: tuple[int, ...]) -> NDArray[np.intp]:
    """Flat places in an array of those that are chosen in a box of it."""
    at = np.nonzero(chosen)
    whole = tuple(axis + part.start for axis, part in zip(at, box, strict=True))
    return np.asarray(np.ravel_multi_index(whole, shape), np.intp)
