"""Reads how the work goes on, off the event loop. No Qt."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ..progress import Progress, read_progress, write_tables
from ..project import Project
from .board import Board
from .jobs import Jobs


class ProgressDesk:
    """One look at a time, in a lane of its own; what changed meanwhile is looked at afterwards.

    Attributes
    ----------
    found : Progress or None
        What was found last; None before.
    """

    def __init__(self, board: Board, jobs: Jobs) -> None:
        self._board, self._jobs = board, jobs
        self._root: Path | None = None
        self._busy = self._again = False
        self.found: Progress | None = None

    def take(self, root: Path) -> None:
        """Look at this project from now on."""
        self._root, self.found = root, None

    def close(self) -> None:
        """Look no further."""
        self._root = None

    def look(self, show: Callable[[Progress], None]) -> None:
        """Read, and show what was found."""
        root = self._root
        if root is None:
            return
        if self._busy:
            self._again = True
            return
        self._busy, self._again = True, False

        def done(found: Progress) -> None:
            self._busy = False
            if self._root == root:
                self.found = found
                show(found)
            if self._again or self._root != root:
                self.look(show)

        def failed(error: Exception) -> None:
            self._busy = False
            self._board.failed(error)

        def work() -> Progress:
            return read_progress(Project.open(root), lambda: self._root != root)

        self._jobs.submit("progress", work, done, failed)

    def write(self, folder: Path) -> None:
        """Save the numbers as CSV files into a folder."""
        found = self.found
        if found is None:
            return

        def done(paths: list[Path]) -> None:
            self._board.say("info", f"Saved in {folder}: {', '.join(path.name for path in paths)}.")

        self._jobs.submit("progress", lambda: write_tables(found, folder), done, self._board.failed)
