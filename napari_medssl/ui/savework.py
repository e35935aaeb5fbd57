"""Saves of the case on the screen: in order, never over newer labels unasked, and never lost. No Qt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from ..project import NewerRevision, restore_revision
from .autosave import Autosave
from .board import Board
from .jobs import Jobs
from .loading import ShownCase
from .recovering import keep_beside
from .saving import Basis, Saved, Work, save_draft
from .strokework import Log, StrokeKeeper

if TYPE_CHECKING:
    from ..project import Case, Project, Revision

T = TypeVar("T", bound=Saved | None)
BESIDE = (
    "{}: somebody else saved newer labels meanwhile, and these stay the newest. What you drew is kept beside them: "
    "right-click the case, History …"
)


@dataclass(frozen=True, eq=False)
class Attempt:
    """One save: what it takes in, of which case, and what to do `again` where it was refused and a person says so."""

    project: Project
    shown: ShownCase
    drawn: np.ndarray
    autosave: Autosave
    basis: Basis
    work: Work
    keeper: StrokeKeeper | None
    logs: tuple[Log, ...]
    again: Callable[[], None]

    def done(self, saved: Saved | None) -> None:
        """It is on the disk; None: nothing had changed."""
        self.autosave.done()
        if self.keeper is not None:
            self.keeper.saved(self.logs, None if saved is None else saved.revision.id)


class Saver:
    """Makes saves of one case after the other.

    Parameters
    ----------
    changed : callable
        Called when a save may have changed the project: now (True) or when there is time (False).

    Attributes
    ----------
    autosave, basis, keeper
        Of the case on the screen.
    failed : int
        Saves that failed.
    on_newer : callable
        Told of somebody else's newer labels, for which a save was refused: nothing is saved until `save_over`.
    """

    def __init__(
        self, board: Board, jobs: Jobs, clock: Callable[[], float], author: str, changed: Callable[[bool], None]
    ) -> None:
        self._board, self._jobs, self._clock, self._author, self._changed = board, jobs, clock, author, changed
        self._project: Project | None = None
        self._shown: ShownCase | None = None
        self._again: Callable[[], None] | None = None  # the save that was refused
        self._chosen = ""  # the newer revision over which is being saved: a save of before may still be refused for it
        self.autosave, self.basis = Autosave(), Basis(None, None)
        self.keeper: StrokeKeeper | None = None
        self.failed = 0
        self.on_newer: Callable[[Revision], None] = lambda revision: None

    def begin(self, project: Project, shown: ShownCase, window: str) -> None:
        """A case has come on the screen; strokes that newer labels had passed by are kept beside these."""
        recovered = shown.recovered
        self._project, self._shown = project, shown
        self.autosave = Autosave()
        self.basis = Basis(shown.revision, shown.revision, None if recovered.again else shown.labels.copy())
        self.keeper = StrokeKeeper(self._jobs, project, shown, self._author, window, self._board.failed)
        if recovered.beside:
            self._jobs.submit(
                "disk",
                lambda: keep_beside(project.case(shown.name), recovered.beside, project.classes),
                self._recovered,
                self._board.failed,
            )

    def leave(self) -> None:
        """Nobody can be asked about the case any more: what is refused from now on is kept beside the newer labels."""
        self.basis.left = True
        self.autosave.held = False

    def end(self) -> None:
        """The case is off the screen, and its last save under way."""
        self._project = self._shown = self._again = self.keeper = None
        self._chosen = ""
        self.autosave, self.basis = Autosave(), Basis(None, None)

    def edited(self, sure: bool) -> None:
        """Something has changed, or (not `sure`) may have."""
        case = self._board.facts.case
        self.autosave.edited(self._clock(), sure)
        if sure and case is not None and case.save not in ("unsaved", "saving", "held"):
            self._board.set_case(save="held" if self.autosave.held else "unsaved")

    def attempt(self, shown: ShownCase, drawn: np.ndarray, run: str | None, again: Callable[[], None]) -> Attempt:
        """Begin a save of a copy of the labels that was made right now.

        Parameters
        ----------
        run : str or None
            The run whose proposal they began as.
        """
        assert self._project is not None
        autosave, keeper = self.autosave, self.keeper
        session = "" if keeper is None else keeper.session
        work = Work(self._author, autosave.minutes(), autosave.strokes(), session, run)
        autosave.taken()
        logs = () if keeper is None else keeper.taken()
        return Attempt(self._project, shown, drawn, autosave, self.basis, work, keeper, logs, again)

    def submit(self, attempt: Attempt, work: Callable[[], T], then: Callable[[T, bool], None]) -> None:
        """Do a save in its turn; `then` is told what came of it, and whether the case is still on the screen."""

        def done(saved: T) -> None:
            attempt.done(saved)
            if saved is not None and saved.revision.beside:
                self._say_beside(attempt)
            then(saved, self.autosave is attempt.autosave)

        self._jobs.submit("disk", work, done, partial(self._not_saved, attempt))

    def hold(self) -> None:
        """Save nothing until `save_over`, or until the case is opened anew: somebody else saved newer labels."""
        self.autosave.held = True
        if self.autosave.drawn:
            self._board.set_case(save="held")

    def save_over(self, revision: str, save: Callable[[], None], refused: Callable[[], None]) -> None:
        """Make what is on the screen the newest labels, over a newer revision that the person knows of.

        Parameters
        ----------
        save : callable
            Saves a draft; called where no other save was refused.
        refused : callable
            Told where that cannot be saved: the person is to choose again.
        """
        project, shown, basis, autosave = self._project, self._shown, self.basis, self.autosave
        if project is None or shown is None:
            return
        autosave.held, self._chosen = False, revision
        self._board.set_case(save="unsaved" if autosave.drawn else "saved")
        kept = None if autosave.dirty or autosave.saving else basis.revision

        def work() -> None:
            if kept is None:
                basis.over = max(basis.over or "", revision)
                basis.saved = None  # these labels again are something to save, for they are not the newest
            else:  # all that is on the screen is in a revision of this window
                self._restore(project.case(shown.name), kept, basis, revision)

        def done(_: None) -> None:
            if self.autosave is autosave:  # else another case is on the screen, and this one was saved as it left
                again, self._again, self._chosen = self._again or save, None, ""
                if kept is None:
                    again()
            self._changed(True)

        def failed(error: Exception) -> None:
            newer = error.revision if isinstance(error, NewerRevision) else None
            if self.autosave is autosave:
                self._chosen = ""
                self.hold()
                refused() if newer is None else self.on_newer(newer)
            if newer is None:
                self._board.failed(error)

        self._jobs.submit("disk", work, done, failed)

    # --- within

    def _restore(self, case: Case, kept: str, basis: Basis, over: str) -> None:
        newest = case.latest()
        if newest is None or newest.id != kept:  # else the newer labels are gone
            kept = restore_revision(case, kept, author=self._author, over=over).id
        basis.revision = basis.over = kept

    def _not_saved(self, attempt: Attempt, error: Exception) -> None:
        here = self.autosave is attempt.autosave
        attempt.autosave.failed(self._clock(), attempt.work.minutes, attempt.work.strokes or 0)
        if not isinstance(error, NewerRevision) or error.revision is None:
            self._failed(here, error)
        elif here and error.revision.id == self._chosen:
            self._again = attempt.again  # the person has chosen since: it is saved in a moment
        elif here:
            self._again = attempt.again
            self.hold()
            self.on_newer(error.revision)
        else:
            self._keep_beside(attempt)

    def _failed(self, here: bool, error: Exception) -> None:
        self.failed += 1
        if here:
            self._board.set_case(save="failed")
        self._board.failed(error)

    def _keep_beside(self, attempt: Attempt) -> None:
        """The case left the screen before its save was refused: nobody is asked."""
        attempt.basis.left = True

        def work() -> Saved | None:
            return save_draft(attempt.project, attempt.shown, attempt.drawn, attempt.basis, attempt.work)

        def done(saved: Saved | None) -> None:
            attempt.done(saved)
            self._say_beside(attempt)
            self._changed(False)

        self._jobs.submit("disk", work, done, partial(self._failed, False))

    def _say_beside(self, attempt: Attempt) -> None:
        self._board.say("warning", BESIDE.format(attempt.shown.name))

    def _recovered(self, words: str) -> None:
        self._board.say("warning", words)
        self._changed(False)
