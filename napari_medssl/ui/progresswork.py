"""Reads how the work goes on, off the event loop. No Qt."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from ..progress import Progress, read_progress, write_tables
from .board import Board
from .jobs import Jobs

if TYPE_CHECKING:
    from ..project import Project


class ProgressDesk:
    """One look at a time; what changed meanwhile is looked at afterwards.

    Attributes
    ----------
    found : Progress or None
        What was found last; None before.
    """

    def __init__(self, board: Board, jobs: Jobs) -> None:
        self._board, self._jobs = board, jobs
        self._eyes: Project | None = None
        self._busy = self._again = False
        self.found: Progress | None = None

    def take(self, eyes: Project) -> None:
        """Look at this project from now on."""
        self._eyes, self.found = eyes, None

    def look(self, show: Callable[[Progress], None]) -> None:
        """Read, and show what was found."""
        eyes = self._eyes
        if eyes is None:
            return
        if self._busy:
            self._again = True
            return
        self._busy, self._again = True, False

        def done(found: Progress) -> None:
            self._busy = False
            if self._eyes is eyes:
                self.found = found
                show(found)
            if self._again or self._eyes is not eyes:
                self.look(show)

        def failed(error: Exception) -> None:
            self._busy = False
            self._board.failed(error)

        self._jobs.submit("look", lambda: read_progress(eyes), done, failed)

    def write(self, folder: Path) -> None:
        """Save the numbers as CSV files into a folder."""
        found = self.found
        if found is None:
            return

        def done(paths: list[Path]) -> None:
            self._board.say("info", f"Saved in {folder}: {', '.join(path.name for path in paths)}.")

        self._jobs.submit("look", lambda: write_tables(found, folder), done, self._board.failed)
