"""Drawing only where the scan is as bright as a range says; why nothing came of a stroke. No Qt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

import numpy as np

from .athand import usual_range
from .board import Board

if TYPE_CHECKING:
    from .casework import CaseDesk

PATIENCE = 0.5  # seconds in which nothing may come of a stroke until one is told why


class WithinScreen(Protocol):
    """What is asked of the viewer."""

    def draw_within(self, limits: tuple[float, float] | None) -> None:
        """Let drawing tools write only where the scan is between two values; None: anywhere."""

    def brightness_drawn(self) -> np.ndarray:
        """How bright the scan is under the last stroke; empty where there was none."""


class WithinDesk:
    """The range that drawing keeps to in the case on the screen; it ends with the case."""

    def __init__(self, board: Board, view: WithinScreen, cases: CaseDesk, clock: Callable[[], float]) -> None:
        self._board, self._view, self._cases, self._clock = board, view, cases, clock
        self._refused: tuple[float, int] | None = None  # when, and how much had been written by then

    def keep_to(self, limits: tuple[float, float] | None) -> None:
        """Drawing tools write only where the scan is between two values; None: anywhere."""
        case = self._board.facts.case
        if case is not None:
            limits = None if limits is None else _in_order(limits, case.tools.within)
            self._view.draw_within(limits)
            self._board.set_case(tools=replace(case.tools, within=limits))

    def take(self) -> None:
        """Take the range from the last stroke."""
        found = usual_range(self._view.brightness_drawn())
        if found is None:
            self._board.say("info", "The range is taken from what you drew last: draw a stroke first.")
        else:
            self.keep_to(found)

    def refused(self) -> None:
        """Nothing came of the beginning of a stroke; perhaps of the rest."""
        if self._refused is None:
            self._refused = (self._clock(), self._cases.writes)

    def tick(self) -> None:
        """Tell why nothing was drawn, once it is sure that nothing was."""
        if self._refused is None or self._clock() - self._refused[0] < PATIENCE:
            return
        nothing = self._cases.writes == self._refused[1]
        self._refused = None
        if nothing:
            self._tell()

    def _tell(self) -> None:
        project, case = self._board.facts.project, self._board.facts.case
        if project is None or case is None:
            return
        why = []
        if case.tools.within is not None:
            low, high = case.tools.within
            why.append(f"the scan is not between {low:.5g} and {high:.5g} there")
        if locked := ", ".join(info.name for info in project.classes if info.locked):
            why.append(f"it is locked (locked: {locked})")
        if why:
            self._board.say("info", f"Nothing was drawn: {', or '.join(why)}. The Label page changes that.")


def _in_order(limits: tuple[float, float], before: tuple[float, float] | None) -> tuple[float, float]:
    """Not from high to low. Of a range that was there, the end that was changed stays as it was typed and takes the
    other along, which is perhaps typed next; exchanged, the number typed next would be of the wrong end.
    """
    low, high = limits
    if low <= high:
        return limits
    if before is None or (low != before[0] and high != before[1]):
        return high, low
    return (low, low) if low != before[0] else (high, high)
