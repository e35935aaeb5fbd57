"""What help needs to be done off the event loop: the diagnostics, the card of keys as a file. No Qt."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from ..disk import write_atomically
from .board import Board
from .diagnostics import gather, write_report
from .jobs import Jobs

LANE = "help"


class HelpDesk:
    """Tells how it went in the dock's message."""

    def __init__(self, board: Board, jobs: Jobs) -> None:
        self._board, self._jobs = board, jobs

    def diagnose(self, done: Callable[[str], None]) -> None:
        """Make the diagnostics; `done` is given the text."""
        told = gather(self._board.facts, self._board.fault)
        self._board.say("info", "Making the diagnostics: this takes some seconds …")
        self._jobs.submit(LANE, partial(write_report, told), done, self._board.failed)

    def save(self, path: Path, words: str) -> None:
        """Write the card of keys to a file."""
        self._jobs.submit(
            LANE,
            lambda: write_atomically(path, [words.encode()]),
            lambda _: self._board.say("info", f"The keys are saved: {path}."),
            self._board.failed,
        )
