"""Looking inside a model with the case on the screen. No Qt; the looking is done in a process of its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from ..inspection.child import Child
from .board import Board
from .display import Display
from .insideview import Inside
from .jobs import Jobs
from .loading import ShownInside, shown_inside

if TYPE_CHECKING:
    from ..project import Project

Start = Callable[[Path, str, str], Child]


class InsideScreen(Protocol):
    """What is asked of the viewer."""

    def display(self) -> Display | None:
        """How the case on the screen is turned; None without one."""

    def show_inside(self, inside: ShownInside) -> None: ...

    def hide_inside(self) -> None: ...


class InsideDesk:
    """At most one look at a time; what it finds is shown while its case is."""

    def __init__(self, board: Board, view: InsideScreen, jobs: Jobs, start: Start) -> None:
        self._board, self._view, self._jobs, self._start = board, view, jobs, start
        self._project: Project | None = None
        self._child: Child | None = None
        self._wanted: Inside | None = None

    def take(self, project: Project) -> None:
        """Work on this project from now on."""
        self.stop()
        self._project = project

    def look(self, run: str) -> None:
        """Look inside the model of a run with the case on the screen; pictures of an earlier look go."""
        project, case, display = self._project, self._board.facts.case, self._view.display()
        if project is None or case is None or display is None or not run:
            return
        self.stop()
        self._view.hide_inside()
        wanted = self._wanted = Inside(run=run, busy=True)
        self._board.set_case(inside=wanted)
        root, name = Path(project.root), case.name

        def work() -> ShownInside:
            child = self._start(root, run, name)
            self._child = child
            if self._wanted is not wanted:  # stopped before it began
                child.stop()
            return shown_inside(child.wait(), display)

        def done(shown: ShownInside) -> None:
            if self._is_wanted(wanted):
                self._wanted = None
                self._view.show_inside(shown)
                self._board.set_case(inside=Inside.of(shown))

        def failed(error: Exception) -> None:
            if self._is_wanted(wanted):
                self._wanted = None
                self._board.set_case(inside=None)
                self._board.failed(error)

        self._jobs.submit("inside", work, done, failed)

    def stop(self) -> None:
        """Give up the look that is under way."""
        if self._wanted is not None and self._is_wanted(self._wanted):
            self._board.set_case(inside=None)
        self._wanted = None
        if self._child is not None:
            self._child.stop()
            self._child = None

    def tick(self) -> None:
        """Nobody waits for pictures of a case that has left the screen."""
        if self._wanted is not None and not self._is_wanted(self._wanted):
            self.stop()

    def _is_wanted(self, inside: Inside) -> bool:
        case = self._board.facts.case
        return self._wanted is inside and case is not None and case.inside is inside
