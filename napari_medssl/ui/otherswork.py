"""Who else works on the case on the screen: told at once, and asked before newer labels are replaced. No Qt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

import numpy as np

from ..imaging import UNSEEN
from ..project import Draft
from .board import Board
from .differing import difference
from .jobs import Jobs
from .loading import ShownCase
from .othersview import Newer, Others

if TYPE_CHECKING:
    from ..project import Project, Revision
    from .casework import CaseDesk

EVERY = 3.0  # seconds between two looks


class OthersScreen(Protocol):
    """What is asked of the viewer."""

    def labels(self) -> np.ndarray | None:
        """The live array of the labels on screen, as shown; not a copy."""

    def show_difference(self, codes: np.ndarray, kind: str) -> None:
        """Show where masks differ, in codes of `differing`; instead of what was there."""

    def hide_difference(self) -> None: ...


@dataclass(eq=False)
class _Visit:
    """This window at one case: its draft, taken and released in the lane of saves."""

    project: Project
    shown: ShownCase
    draft: Draft | None = None
    codes: np.ndarray | None = None  # where newer labels differ from those on the screen
    decided: str = ""  # the newer labels over which the person saves: a look from before may still tell of them


class OthersDesk:
    """Says who else has the case open, and lets a person choose where somebody saved newer labels.

    Parameters
    ----------
    author : str
        The person at this window.
    changed : callable
        Called when the project changed (True: look at it now).
    """

    def __init__(
        self, board: Board, view: OthersScreen, jobs: Jobs, cases: CaseDesk, clock: Callable[[], float], author: str,
        changed: Callable[[bool], None],
    ) -> None:  # fmt: skip
        self._board, self._view, self._jobs, self._cases, self._clock = board, view, jobs, cases, clock
        self._author, self._changed = author, changed
        self._project: Project | None = None
        self._window = ""
        self._visit: _Visit | None = None
        self._looked, self._looking = -1e9, False
        cases.saver.on_newer = self._newer

    def take(self, project: Project, window: str) -> None:
        """Work on this project from now on; `window` is the name of this window's lease."""
        self.leave()
        self._project, self._window = project, window

    def show(self, shown: ShownCase) -> None:
        """A case, or another proposal of it, has come on the screen."""
        visit = self._visit
        if visit is not None and visit.shown.display is shown.display:
            visit.shown = shown
            return
        self.leave()
        if self._project is not None:
            self._visit = _Visit(self._project, shown)
            self._looking = False
            self._look()

    def leave(self) -> None:
        """The case is closed in this window."""
        visit, self._visit = self._visit, None
        if visit is None:
            return

        def work() -> None:
            if visit.draft is not None:
                visit.draft.release()

        self._jobs.submit("disk", work, lambda _: None, self._board.failed)

    def tick(self) -> None:
        """Look again when it is time."""
        if self._visit is None:
            return
        if self._cases.shown is None:
            self.leave()
        elif not self._looking and self._clock() - self._looked >= EVERY:
            self._look()

    def open_theirs(self) -> None:
        """Show the newer labels; what was drawn here and is in no revision is kept beside them."""
        if self._visit is not None and self._others.newer is not None:
            self._cases.open(self._visit.shown.name)

    def keep_mine(self) -> None:
        """Make the labels on the screen the newest."""
        visit, newer = self._visit, self._others.newer
        if visit is None or newer is None:
            return
        self._differ(False)
        self._set(newer=None)
        visit.decided = newer.revision

        def refused() -> None:
            if self._visit is visit and self._others.newer is None:
                visit.decided = ""
                self._set(newer=newer)

        self._cases.saver.save_over(newer.revision, self._cases.save, refused)

    def show_difference(self, on: bool) -> None:
        """Show where the newer labels differ from those on the screen, or take that off the screen."""
        if self._visit is not None and self._visit.codes is not None:
            self._differ(on)

    # --- within

    @property
    def _others(self) -> Others:
        case = self._board.facts.case
        return Others() if case is None else case.others

    def _set(self, **changes: object) -> None:
        self._board.set_case(others=replace(self._others, **changes))  # type: ignore[arg-type]

    def _look(self) -> None:
        visit, basis = self._visit, self._cases.saver.basis
        if visit is None:
            return
        self._looked, self._looking = self._clock(), True

        def work() -> tuple[Draft, Revision | None]:
            case = visit.project.case(visit.shown.name)
            if visit.draft is None:
                visit.draft = Draft(case, self._author, self._window)
            else:
                visit.draft.take()
            newest = case.latest()
            return visit.draft, newest if newest is not None and newest.id > (basis.over or "") else None

        def done(found: tuple[Draft, Revision | None]) -> None:
            if self._visit is not visit:
                return
            self._looking = False
            holder = found[0].holder
            self._set(
                holder="" if holder is None else holder.owner or holder.host,
                since="" if holder is None else holder.started,
            )
            if found[1] is not None and found[1].id != visit.decided:
                self._newer(found[1])

        def failed(error: Exception) -> None:
            if self._visit is visit:
                self._looking = False  # the drive is away, say: a save would tell

        self._jobs.submit("disk", work, done, failed)

    def _newer(self, revision: Revision) -> None:
        """Somebody saved newer labels: nothing is saved over them until the person has chosen."""
        known = self._others.newer
        if self._visit is None or (known is not None and known.revision == revision.id):
            return
        self._cases.saver.hold()
        self._differ(False)
        self._set(newer=Newer(revision.id, revision.author, revision.time, revision.complete))
        self._compare(self._visit, revision)
        self._changed(True)

    def _compare(self, visit: _Visit, revision: Revision) -> None:
        live = self._view.labels()
        if live is None:
            return
        mine, display = live.copy(), visit.shown.display

        def work() -> tuple[np.ndarray, int, int, int]:
            labels = visit.project.case(visit.shown.name).read_labels(revision)
            assert labels is not None
            theirs = display.show(labels.array)
            codes = difference(theirs, mine)
            planes = int((codes != 0).any(axis=tuple(range(1, codes.ndim))).sum()) if codes.ndim > 2 else 0
            one_sided = int(((theirs == UNSEEN) != (mine == UNSEEN)).sum())
            return codes, int((codes != 0).sum()), planes, one_sided

        def done(found: tuple[np.ndarray, int, int, int]) -> None:
            newer = self._others.newer
            if self._visit is visit and newer is not None and newer.revision == revision.id:
                visit.codes = found[0]
                self._set(newer=replace(newer, voxels=found[1], slices=found[2], one_sided=found[3]))

        self._jobs.submit("disk", work, done, self._board.failed)

    def _differ(self, on: bool) -> None:
        visit = self._visit
        if visit is None or on == self._others.differing:
            return
        if on and visit.codes is not None:
            self._view.show_difference(visit.codes, "newer")
        else:
            self._view.hide_difference()
        self._set(differing=on)
