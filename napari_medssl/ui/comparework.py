"""The difference view: the proposal on the screen against the labels, or against the proposal before it. No Qt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

import numpy as np

from .board import Board
from .differing import counts_of, difference
from .jobs import Jobs
from .loading import ShownCase
from .reviewview import Difference, Kind, previous_run

if TYPE_CHECKING:
    from ..project import Project
    from .casework import CaseDesk

REST = 0.4  # seconds after the last stroke until the comparison with the labels follows


class CompareScreen(Protocol):
    """What is asked of the viewer."""

    def labels(self) -> np.ndarray | None:
        """The live array of the labels on screen, as shown; not a copy."""

    def show_difference(self, codes: np.ndarray, kind: str) -> None:
        """Show where masks differ, in codes of `differing`; instead of what was there."""

    def hide_difference(self) -> None: ...


class CompareDesk:
    """At most one difference is on; the one with the labels follows what is drawn."""

    def __init__(
        self, board: Board, view: CompareScreen, jobs: Jobs, cases: CaseDesk, clock: Callable[[], float]
    ) -> None:
        self._board, self._view, self._jobs, self._cases, self._clock = board, view, jobs, cases, clock
        self._project: Project | None = None
        self._shown: ShownCase | None = None
        self._edits = 0
        self._moved = 0.0
        self._asked = 0

    def take(self, project: Project) -> None:
        """Work on this project from now on."""
        self._project, self._shown = project, None

    def show(self, shown: ShownCase) -> None:
        """Another case, or another proposal of it, has come on the screen; no difference is on."""
        self._shown = shown
        self._asked += 1

    def cycle(self) -> None:
        """None, against the labels, against the proposal before, none …"""
        now = self._difference
        if now is None:
            self.choose("labels")
        elif now.kind == "labels" and self._previous() is not None:
            self.choose("previous")
        else:
            self.choose(None)

    def choose(self, kind: Kind | None) -> None:
        """Show this difference, or none."""
        case = self._board.facts.case
        if case is None or case.review is None or self._shown is None:
            return
        if kind is None:
            self._asked += 1
            self._view.hide_difference()
            self._set(None)
            return
        run = self._previous() if kind == "previous" else ""
        if run is None:
            self._board.say("info", "There is no earlier proposal of this case to compare with.")
            return
        self._set(Difference(kind, run))
        self._compare()

    def tick(self) -> None:
        """Follow what is drawn."""
        now = self._difference
        if now is None or now.kind != "labels":
            self._edits = self._cases.edits
        elif self._cases.edits != self._edits:
            self._edits, self._moved = self._cases.edits, self._clock()
        elif self._moved and self._clock() - self._moved > REST:
            self._compare()

    # --- within

    @property
    def _difference(self) -> Difference | None:
        case = self._board.facts.case
        return None if case is None or case.review is None else case.review.difference

    def _set(self, difference: Difference | None) -> None:
        case = self._board.facts.case
        if case is not None and case.review is not None:
            self._board.set_case(review=replace(case.review, difference=difference))

    def _previous(self) -> str | None:
        case = self._board.facts.case
        return None if case is None else previous_run(case.proposals, case.proposal)

    def _compare(self) -> None:
        now, shown, project, labels = self._difference, self._shown, self._project, self._view.labels()
        if now is None or shown is None or shown.proposal is None or project is None or labels is None:
            return
        self._moved = 0.0
        self._asked += 1
        ticket, proposal = self._asked, shown.proposal.labels

        def work() -> tuple[np.ndarray, tuple[int, int, int]]:
            other = labels if now.kind == "labels" else _labels_of(project, shown, now.run)
            codes = difference(proposal, other)
            return codes, counts_of(codes)

        def done(found: tuple[np.ndarray, tuple[int, int, int]]) -> None:
            if ticket == self._asked and self._difference is not None:
                self._view.show_difference(found[0], now.kind)
                self._set(replace(now, counts=found[1]))

        self._jobs.submit("look", work, done, self._board.failed)


def _labels_of(project: Project, shown: ShownCase, run: str) -> np.ndarray:
    """What a run proposed, as shown."""
    (proposal,) = (one for one in project.case(shown.name).proposals() if one.run == run)
    return shown.display.show(proposal.read_labels().array.reshape(shown.display.grid.shape))
