"""Layers of somebody else become labels of the case on the screen, or cases of the project. No Qt."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from ..imaging import Placement, value_counts
from . import projects
from .athand import AtHand
from .board import Board
from .casework import CaseDesk
from .handover import LEAVE, Offered, changes, count_outside, count_values, wanted
from .importview import value_name
from .jobs import Jobs
from .loading import ShownCase
from .questions import Question, ask_overwrite, voxels_words
from .scanlayer import Scan

if TYPE_CHECKING:
    from ..project import Project

GONE = (
    "The layer “{0}” was for {1}, which is not on the screen any more: nothing was changed. Open {1} and use it again."
)
BACK = "One Ctrl+Z takes it back."


class HandScreen(Protocol):
    """What is asked of the viewer."""

    def at_hand(self) -> AtHand | None:
        """The case as it is on the screen right now; None without one."""


@dataclass(frozen=True, eq=False)
class Ready:
    """A layer that can be taken: what it makes of the case as shown (`handover.wanted`), and how much lies outside."""

    name: str
    case: ShownCase
    wanted: NDArray[np.uint8]
    outside: int = 0


class HandDesk:
    """Takes over what was made in other layers.

    Parameters
    ----------
    refresh : callable
        Called when the project is to be looked at again.
    """

    def __init__(
        self, board: Board, view: HandScreen, jobs: Jobs, cases: CaseDesk, refresh: Callable[[], None]
    ) -> None:
        self._board, self._view, self._jobs, self._cases = board, view, jobs, cases
        self._refresh = refresh
        self._project: Project | None = None

    def take(self, project: Project) -> None:
        """Work on this project from now on."""
        self._project = project

    def count(self, layer: Offered, then: Callable[[dict[int, int]], None]) -> None:
        """Count the voxels of each value of a layer; `then` is told, unless it has none."""

        def done(counts: dict[int, int]) -> None:
            if counts:
                then(counts)
            else:
                self._board.say("warning", f"The layer “{layer.name}” is empty: there is nothing to use.")

        self._jobs.submit("tools", lambda: count_values(layer.array), done, self._board.failed)

    def prepare(
        self, layer: Offered, meaning: Mapping[int, int], where: Placement | None, case: ShownCase,
        then: Callable[[Ready], None],
    ) -> None:  # fmt: skip
        """Make of a layer what its values mean; `then` is told, unless another case than `case` came meanwhile."""
        if not self.is_for(case, layer.name):
            return

        def done(ready: Ready) -> None:
            if self.is_for(case, layer.name):
                then(ready)

        def work() -> Ready:
            made = wanted(layer, meaning, where)
            return Ready(layer.name, case, made, 0 if where is None else count_outside(layer, meaning, made))

        self._jobs.submit("tools", work, done, self._board.failed)

    def is_for(self, case: ShownCase, name: str) -> bool:
        """Whether the case to which the layer of that name was handed over is on the screen still; if not, say so."""
        hand = self._view.at_hand()
        here = hand is not None and hand.case.display is case.display
        if not here:
            self._board.say("warning", GONE.format(name, case.name))
        return here

    def question(self, ready: Ready) -> Question | None:
        """What to ask before it is taken: what is drawn would become something else; None where nothing would."""
        hand = self._view.at_hand()
        if hand is None or hand.case.display is not ready.case.display:
            return None
        _, drawn = changes(hand.labels, ready.wanted, hand.locked)
        facts = self._board.facts
        classes = () if facts.project is None else facts.project.classes
        return ask_overwrite(hand.case.name, ready.name, hand.labels[drawn], classes)

    def use(self, ready: Ready, *, over: bool) -> bool:
        """Make it labels of the case on the screen, as one step of undo; whether anything changed.

        Parameters
        ----------
        over : bool
            Also where something is drawn.
        """
        hand = self._view.at_hand()
        if hand is None or not self.is_for(ready.case, ready.name):
            return False
        may, drawn = changes(hand.labels, ready.wanted, hand.locked)
        where = may if over else may & ~drawn
        if not where.any():
            self._board.say("warning" if ready.outside else "info", self._nothing_new(ready, hand.case.name, over))
            return False
        counts = value_counts(ready.wanted[where])
        self._cases.replace(np.where(where, ready.wanted, hand.labels))
        facts = self._board.facts
        names = {} if facts.project is None else {one.value: one.name for one in facts.project.classes}
        new = np.flatnonzero(counts)
        told = ", ".join(f"{value_name(int(value), names)} ({voxels_words(int(counts[value]))})" for value in new)
        self._board.say(
            "warning" if ready.outside else "info",
            f"{hand.case.name} has labels of the layer “{ready.name}” now: {told}. What the layer leaves empty is as "
            f"it was. {_outside(ready)}{BACK}",
        )
        return True

    def _nothing_new(self, ready: Ready, case: str, over: bool) -> str:
        if ready.outside and (ready.wanted == LEAVE).all():
            return f"Nothing was changed: all of the layer “{ready.name}” lies outside the scan of {case}."
        why = "they are so already, or locked" if over else "you drew everywhere there already, or it is locked"
        return f"Nothing of the layer “{ready.name}” was new for {case}: {why}. {_outside(ready)}".strip()

    def add_file(self, path: Path, then: Callable[[], None]) -> None:
        """Add the file of a layer as a case, and open it; `then` is told when it is one."""
        project = self._project
        if project is not None:
            self._add(path.name, lambda: projects.add_one(project, path), then)

    def add_scan(self, name: str, scan: Scan, then: Callable[[], None]) -> None:
        """Write the scan of a layer into the project, add it as a case, and open it; `then` is told when it is one."""
        project = self._project
        if project is not None:
            self._add(name, lambda: projects.add_scan(project, name, scan.array, scan.grid), then)

    def _add(self, name: str, work: Callable[[], tuple[str, str]], then: Callable[[], None]) -> None:
        self._board.set(busy=f"Adding {name} …", message=None)

        def done(added: tuple[str, str]) -> None:
            case, words = added
            self._board.set(busy="")
            self._refresh()
            if case:
                then()
                self._cases.open(case)
            self._board.say("info" if case else "warning", words)

        self._jobs.submit("disk", work, done, self._board.failed)


def _outside(ready: Ready) -> str:
    """What of a layer could not be taken, as a sentence before a space; empty where all could be."""
    return f"{voxels_words(ready.outside)} of it lie outside the scan and were left out. " if ready.outside else ""
