"""Labelling tools on the case on the screen: one at a time, in the background, each one undoable step. No Qt."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from ..errors import MedSSLError
from ..methods.options import resolve_options
from ..tools.catalog import BY_NAME, Tool
from ..tools.options import ToolOptions
from ..tools.scene import Change, Scene, ToolError
from .athand import AtHand, Box, grey
from .board import Board
from .jobs import Jobs
from .loading import ShownCase, ShownProposal
from .toolview import Where

if TYPE_CHECKING:
    from .casework import CaseDesk

NO_SLICE = "There is no single slice on the screen. Turn to slices (2-D) first, or choose another place."
NO_REGION = "Go to a region of the proposal first (Alt+N), or choose another place."
SLANT = 0.999  # of `upright`; below, axes are so far from right angles (2.5°) that millimetres are not exact
NOT_UPRIGHT = "The axes of this scan are not at right angles: its millimetres are those along the axes."
TRIES = 2  # times that a tool begins anew because somebody drew meanwhile


class ToolScreen(Protocol):
    """What is asked of the viewer."""

    def at_hand(self) -> AtHand | None:
        """The case as it is on the screen right now; None without one."""


@dataclass(eq=False)
class _Work:
    """A tool at work; `stopped` and `share` are all that two threads share."""

    tool: Tool
    options: ToolOptions
    hand: AtHand
    box: Box | None
    tries: int = TRIES
    stopped: bool = False
    share: float = 0.0
    writes: int = 0


class ToolDesk:
    """At most one tool at a time, for the case on the screen.

    Parameters
    ----------
    region : callable
        The box of the region of the proposal that one has gone to; None where there is none.
    """

    def __init__(
        self, board: Board, view: ToolScreen, jobs: Jobs, cases: CaseDesk, region: Callable[[], Box | None]
    ) -> None:
        self._board, self._view, self._jobs, self._cases, self._region = board, view, jobs, cases, region
        self._shown: ShownCase | None = None
        self._work: _Work | None = None

    def show(self, shown: ShownCase) -> None:
        """Another case, or another proposal of it, has come on the screen."""
        if self._shown is None or shown.display is not self._shown.display:
            self._give_up()
        self._shown = shown

    def tick(self) -> None:
        """Tell how far the tool has come; nobody waits for it when its case has left the screen."""
        work, case = self._work, self._board.facts.case
        if work is None:
            return
        if case is None or case.name != work.hand.case.name:
            self._give_up()
        elif work.share - case.tools.share >= 0.01:
            self._set(share=work.share)

    # --- tools

    def apply(self, name: str, settings: Mapping[str, Any], where: Where = "scan", depth: int = 0) -> None:
        """Use a tool.

        Parameters
        ----------
        settings : mapping
            Its options, as far as a person changed them.
        where : {"scan", "view", "region"}
            Where it may work, if it is one that asks.
        depth : int
            With "view": slices either way.
        """
        hand, tool = self._view.at_hand(), BY_NAME[name]
        if hand is None:
            return
        if self._work is not None:
            self._board.say("info", f"{self._work.tool.title} is still at work. Stop it, or wait for it.")
            return
        try:
            options = resolve_options(tool.options, settings)
            box = self._box(hand, where, depth) if "box" in tool.needs | tool.uses else None
        except MedSSLError as error:  # a value that cannot be, a place that is not there
            self._failed(error)
            return
        self._begin(_Work(tool, options, hand, box))

    def stop(self) -> None:
        """Give up the tool that is at work; nothing was changed."""
        if self._work is not None:
            title = self._work.tool.title
            self._give_up()
            self._board.say("info", f"{title}: stopped, nothing was changed.")

    def leave(self) -> None:
        """Give up the tool that is at work without a word: the window closes."""
        self._give_up()

    def _begin(self, work: _Work) -> None:
        self._work = work
        work.share, work.writes = 0.0, self._cases.writes
        self._set(running=work.tool.title, share=0.0)
        proposal = None if self._shown is None else self._shown.proposal

        def run() -> Change:
            return work.tool.run(_scene(work, proposal), work.options)

        def done(change: Change) -> None:
            if self._work is work:
                self._done(work, change)

        def failed(error: Exception) -> None:
            if self._work is work:
                self._give_up()
                self._failed(error)

        self._jobs.submit("tools", run, done, failed)

    def _done(self, work: _Work, change: Change) -> None:
        if self._cases.writes != work.writes and change.places.size:
            if work.tries > 0:
                self._begin(replace(work, tries=work.tries - 1))
                return
            self._give_up()
            self._board.say(
                "warning", f"{work.tool.title}: you drew while it worked, so it changed nothing. Apply it again."
            )
            return
        self._give_up()
        if change.places.size:
            self._cases.change(change.places, np.broadcast_to(change.values, change.places.shape))
        in_mm = any(field.metadata["unit"] == "mm" for field in fields(work.options))
        slanting = in_mm and upright(work.hand.case.display.grid.directions) < SLANT
        self._board.say("info", f"{change.words} {NOT_UPRIGHT}" if slanting else change.words)

    def _failed(self, error: Exception) -> None:
        if isinstance(error, ToolError):
            self._board.say("info", str(error))  # it asks for something first; nothing went wrong
        else:
            self._board.failed(error)

    def _give_up(self) -> None:
        if self._work is not None:
            self._work.stopped = True
            self._work = None
            self._set(running="", share=0.0)

    def _box(self, hand: AtHand, where: Where, depth: int) -> Box | None:
        if where == "scan":
            return None
        box = self._region() if where == "region" else hand.view
        if box is None:
            raise ToolError(NO_REGION if where == "region" else NO_SLICE)
        if where == "region" or hand.plane is None:
            return box
        axis, number = hand.plane
        first, end = max(0, number - depth), min(hand.labels.shape[axis], number + depth + 1)
        return (*box[:axis], slice(first, end), *box[axis + 1 :])

    def _set(self, **changes: Any) -> None:
        case = self._board.facts.case
        if case is not None:
            self._board.set_case(tools=replace(case.tools, **changes))


def _scene(work: _Work, proposal: ShownProposal | None) -> Scene:
    """What the tool is given: a copy of the labels, and the scan and the model's opinion where it asks for them.

    Scan and opinion are made within the box only, where there is one: in a large scan all of it takes seconds.
    """
    hand, wanted = work.hand, work.tool.needs | work.tool.uses
    box = (...,) if work.box is None else work.box

    def progress(share: float) -> None:
        work.share = share

    def spread(part: np.ndarray | None) -> np.ndarray | None:
        if part is None or part.shape == hand.labels.shape:
            return part
        whole = np.zeros(hand.labels.shape, np.float32)  # takes no memory where nothing is written
        whole[box] = part
        return whole

    image = grey(hand.channels, box).astype(np.float32, copy=False) if "image" in wanted else None
    asked = proposal if "probability" in wanted else None
    return Scene(
        labels=hand.labels.copy(),
        spacing=hand.case.display.scale,
        value=hand.value,
        image=spread(image),
        plane=hand.plane,
        box=work.box,
        locked=hand.locked,
        probability=None if asked is None else spread(_probability(asked, hand.value, box)),
        stop=lambda: work.stopped,
        progress=progress,
        upright=upright(hand.case.display.grid.directions),
    )


def upright(directions: np.ndarray) -> float:
    """Volume of a voxel as a part of that of a box of its sides: 1 where axes are at right angles."""
    return float(abs(np.linalg.det(directions)))


def _probability(proposal: ShownProposal, value: int, box: tuple[Any, ...]) -> np.ndarray | None:
    """What the model thinks of a class in a box, from what is kept of its proposal: sure where it has no doubt, else
    near one half.
    """
    doubt = proposal.maps.get("entropy")
    if doubt is None or not (proposal.labels == value).any():
        return None
    half = np.asarray(doubt[box], np.float32) / 2
    return np.where(proposal.labels[box] == value, 1 - half, half)
