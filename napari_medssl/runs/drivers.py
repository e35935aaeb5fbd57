"""Where a run lives: in this process (command line, tests) or in one of its own (napari). The events are the same.

A run in its own process writes its journal and nothing else to anybody; whoever opens the project reads the same
journal, so a run survives its starter and can be found again.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Generator, Iterator
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from ..errors import RunError
from .events import RunEvent, RunFinished
from .journal import JOURNAL_NAME, JournalReader, JournalWriter
from .line import run_in_front, status_in_line
from .process import claim, hand_over, is_running, read_process, release
from .status import RunStatus, fold, lose, wait_again
from .stop import How, request_stop, stop_token, withdraw_stop

LOG_NAME = "log.txt"
_FULL = "Run {run}: its journal cannot be written any more ({error}). Free some space and resume it."


class Handle(Protocol):
    """A run somebody started, here or in an earlier life of this program."""

    run: str

    def events(self) -> list[RunEvent]:
        """What is new since the last call; does not wait."""

    def status(self) -> RunStatus:
        """The fold of all events read so far, and "lost" when the process died without a last word."""

    def stop(self, how: How) -> None:
        """Ask it to stop."""

    def is_alive(self) -> bool:
        """Whether its process lives."""

    def wait(self, timeout: float) -> RunStatus:
        """Wait for the end, at most `timeout` seconds."""


class InlineDriver:
    """Runs in the calling process, event by event; the journal is written as everywhere."""

    def run(self, root: Path, run: str, *, heed: bool = False) -> Iterator[RunEvent]:
        """Run what the spec in the run's folder says, or go on with it.

        Parameters
        ----------
        root : Path
            The project.
        run : str
            Name of the run.
        heed : bool
            Whether a request to stop that lies there already counts; otherwise an earlier life left it.

        Raises
        ------
        RunError
            When the journal cannot even be begun.
        """
        folder = Path(root) / "runs" / run
        execute = import_module("napari_medssl.training.execute").execute
        if not heed:
            withdraw_stop(folder)
        try:
            writer = JournalWriter(folder / JOURNAL_NAME)
        except OSError as error:
            raise RunError(f"Run {run}: its journal cannot be written ({error}). Check the disk.") from error
        events: Generator[RunEvent] = execute(Path(root), run, stop_token(folder))
        try:
            for event in events:
                try:
                    writer.write(event, durable=event.kind in ("run-finished", "checkpoint-saved"))
                except OSError as error:  # a run that nobody can follow must not go on
                    if isinstance(event, RunFinished):
                        yield event
                        return
                    events.close()
                    last = RunFinished(reason="failed", message=_FULL.format(run=run, error=error.strerror or error))
                    with suppress(OSError):
                        writer.write(last)
                    yield last
                    return
                yield event
        finally:
            writer.close()


class ProcessDriver:
    """Runs in a process of its own that outlives this one."""

    def start(self, root: Path, run: str) -> Handle:
        """Start, or resume, the run whose spec lies in its folder.

        Raises
        ------
        RunError
            When it already runs, or the process cannot be started.
        """
        folder = Path(root) / "runs" / run
        claim(folder)
        withdraw_stop(folder)
        # detached and in a group of its own: it outlives whoever started it
        flags: dict[str, Any] = {"creationflags": 0x00000208} if os.name == "nt" else {"start_new_session": True}
        command = [sys.executable, "-m", "napari_medssl.runs.worker", str(root), run]
        try:
            with open(folder / LOG_NAME, "ab") as log:
                process: subprocess.Popen[bytes] = subprocess.Popen(
                    command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, close_fds=True, **flags
                )
        except OSError as error:
            release(folder)
            raise RunError(f"Run {run}: its process could not be started ({error}).") from error
        hand_over(folder, process.pid)
        return ProcessHandle(folder, run, process)

    def attach(self, root: Path, run: str) -> Handle:
        """A handle on a run that somebody started earlier, running or over."""
        return ProcessHandle(Path(root) / "runs" / run, run, None)


class ProcessHandle:
    """A handle that knows a run only by its folder."""

    def __init__(self, folder: Path, run: str, process: subprocess.Popen[bytes] | None) -> None:
        self.run = run
        self._folder = folder
        self._process = process
        # a resumed run's journal goes back to its first life: curves go on where they were
        self._reader = JournalReader(folder / JOURNAL_NAME)
        self._status = RunStatus()
        # which of the last words in the journal are from before this process
        self._begun_at = time.time() if process is not None else 0.0

    def events(self) -> list[RunEvent]:
        """See `Handle`."""
        fresh = self._reader.read()
        self._status = fold(fresh, self._status)
        return fresh

    def status(self) -> RunStatus:
        """See `Handle`."""
        alive = self.is_alive()  # asked before the journal is read: the last word may come in between
        self.events()
        if alive:
            since = max(self._begun_at, (read_process(self._folder) or {}).get("since", 0.0))
            # on its way again: what it said in its last life is not how it is now
            return wait_again(self._status) if self._status.last_event_at < since else self._status
        last = self._status.finished
        if last is not None and last.at >= self._begun_at:
            return self._status
        if self._status.started is None and self._process is None:
            front = run_in_front(self._folder)
            if front is not None:
                before = ProcessHandle(self._folder.parent / front, front, None).status()
                return status_in_line(self._folder, front, before)
        return lose(self._status, self._reason())

    def stop(self, how: How) -> None:
        """See `Handle`."""
        request_stop(self._folder, how)

    def is_alive(self) -> bool:
        """See `Handle`."""
        if self._process is not None:  # it may live on with the next run in line: then it has let go of this one
            return self._process.poll() is None and read_process(self._folder) is not None
        return is_running(self._folder)

    def wait(self, timeout: float) -> RunStatus:
        """See `Handle`."""
        until = time.monotonic() + timeout
        while self.is_alive() and time.monotonic() < until:
            time.sleep(0.05)
        return self.status()

    def _reason(self) -> str:
        """Why a process died: the last line it said, and how it was ended."""
        try:
            lines = (self._folder / LOG_NAME).read_text(errors="replace").strip().splitlines()
        except OSError:
            lines = []
        last = f" Its last words: {lines[-1][:200]}" if lines else ""
        code = self._process.returncode if self._process is not None else None
        killed = " It was killed, perhaps because memory ran out." if code in (-9, 137) else ""
        return f"The process of run {self.run} ended without a word.{killed}{last} Resume the run to go on."


def find_running(root: Path) -> list[str]:
    """Names of the runs of a project whose process lives on this machine, oldest first."""
    folder = Path(root) / "runs"
    if not folder.is_dir():
        return []
    return sorted(f.name for f in folder.iterdir() if read_process(f) is not None and is_running(f))
