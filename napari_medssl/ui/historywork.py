"""The history of a case: who saved what when, and making an earlier state the newest again. No Qt."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ..project import Revision, restore_revision
from .board import Board
from .casework import CaseDesk
from .historyview import History, history_of
from .jobs import Jobs

if TYPE_CHECKING:
    from ..project import Project


class HistoryDesk:
    """Reads histories, and restores from them.

    Parameters
    ----------
    changed : callable
        Called when the project changed (True: look at it now).
    """

    def __init__(self, board: Board, jobs: Jobs, cases: CaseDesk, author: str, changed: Callable[[bool], None]) -> None:
        self._board, self._jobs, self._cases, self._author, self._changed = board, jobs, cases, author, changed
        self._project: Project | None = None

    def take(self, project: Project) -> None:
        """Of this project from now on."""
        self._project = project

    def read(self, name: str, then: Callable[[History], None]) -> None:
        """Read the history of a case; what is drawn on it now is saved first. `then` is told."""
        project = self._project
        if project is None:
            return
        if self._is_open(name):
            self._cases.save()

        def work() -> History:
            case = project.case(name)
            newest = case.latest()
            return history_of(name, case.revisions(), None if newest is None else newest.id)

        self._jobs.submit("disk", work, then, self._board.failed)

    def restore(self, history: History, revision: str) -> None:
        """Make an earlier state the newest again, unless somebody saved since the history was read."""
        project, name = self._project, history.case
        if project is None:
            return
        again = self._is_open(name)
        if again:
            self._cases.leave()

        def work() -> Revision:
            return restore_revision(project.case(name), revision, author=self._author, over=history.newest)

        def done(restored: Revision) -> None:
            state = "complete" if restored.complete else "a draft"
            words = f"{name}: the labels are as they were then ({state}). Those in their place stay in the history."
            over(lambda: self._board.say("info", words))

        def failed(error: Exception) -> None:
            over(lambda: self._board.failed(error))

        def over(say: Callable[[], None]) -> None:
            self._changed(True)
            if again:
                self._cases.open(name)
            say()

        self._jobs.submit("disk", work, done, failed)

    def _is_open(self, name: str) -> bool:
        return self._cases.shown is not None and self._cases.shown.name == name
