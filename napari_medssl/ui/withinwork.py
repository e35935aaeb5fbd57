"""Drawing only where the scan is as bright as a range says. No Qt."""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

import numpy as np

from .athand import usual_range
from .board import Board


class WithinScreen(Protocol):
    """What is asked of the viewer."""

    def draw_within(self, limits: tuple[float, float] | None) -> None:
        """Let drawing tools write only where the scan is between two values; None: anywhere."""

    def brightness_drawn(self) -> np.ndarray:
        """How bright the scan is under the last stroke; empty where there was none."""


class WithinDesk:
    """The range that drawing keeps to in the case on the screen; it ends with the case."""

    def __init__(self, board: Board, view: WithinScreen) -> None:
        self._board, self._view = board, view

    def keep_to(self, limits: tuple[float, float] | None) -> None:
        """Drawing tools write only where the scan is between two values; None: anywhere."""
        case = self._board.facts.case
        if case is not None:
            limits = None if limits is None else (min(limits), max(limits))
            self._view.draw_within(limits)
            self._board.set_case(tools=replace(case.tools, within=limits))

    def take(self) -> None:
        """Take the range from the last stroke."""
        found = usual_range(self._view.brightness_drawn())
        if found is None:
            self._board.say("info", "The range is taken from what you drew last: draw a stroke first.")
        else:
            self.keep_to(found)
