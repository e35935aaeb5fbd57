"""Where a run lives: in this process (command line, tests) or in one of its own (napari). The events are the same.

A run in its own process writes its journal and nothing else to anybody; whoever opens the project reads the same
journal, so a run survives its starter and can be found again.
"""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import time
from collections.abc import Generator, Iterator
from contextlib import suppress
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from ..disk import remedy
from ..errors import RunError
from ..project.inventory import note_run
from .digest import Digest, read_digest
from .events import RunEvent, RunFinished, RunStarted
from .history import MODEL_NAME, next_turn
from .journal import JOURNAL_NAME, JournalReader, JournalWriter, whole_length
from .line import run_in_front, status_in_line
from .process import TAKEN, free, is_lost, is_running, is_taken, read_process, runner
from .status import RunStatus, fold, lose, wait_again
from .stop import How, request_stop, stop_token, withdraw_stop

LOG_NAME = "log.txt"
STARTING = 60.0  # seconds that a process may take to say that it has the run
_FULL = "{path}: the journal of run {run} cannot be written ({error}). {advice}; the run can be resumed."
_AWAY = (
    "Run {run}: this computer was silent for so long that it was taken for dead, and {owner} runs it now. It goes on "
    "there."
)


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
            raise RunError(_full(folder / JOURNAL_NAME, error)) from error
        events: Generator[RunEvent] = execute(Path(root), run, stop_token(folder))
        try:
            for event in events:
                if is_lost(folder):  # two must not write one journal
                    events.close()
                    owner = runner(folder)
                    yield RunFinished(reason="failed", message=_AWAY.format(run=run, owner=owner or "another computer"))
                    return
                if isinstance(event, RunStarted):
                    event = replace(event, turn=next_turn(folder.parent))
                try:
                    writer.write(event, durable=event.kind in ("run-finished", "checkpoint-saved"))
                except OSError as error:  # a run that nobody can follow must not go on
                    if isinstance(event, RunFinished):
                        yield event
                        return
                    events.close()
                    last = RunFinished(reason="failed", message=_full(folder / JOURNAL_NAME, error))
                    with suppress(OSError):
                        writer.write(last)
                    yield last
                    return
                yield event
        finally:
            writer.close()
        with suppress(OSError):
            note_run(Path(root), run, (folder / JOURNAL_NAME).stat().st_size, (folder / MODEL_NAME).is_file())


class ProcessDriver:
    """Runs in a process of its own that outlives this one."""

    def start(self, root: Path, run: str) -> Handle:
        """Start, or resume, the run whose spec lies in its folder; waits until the new process has it.

        The process takes the run itself, so that it is never without an owner, nor with two: of several that are
        started at once one gets it, and the others end.

        Raises
        ------
        RunError
            When it already runs, or the process cannot be started.
        """
        folder = Path(root) / "runs" / run
        free(folder)
        withdraw_stop(folder)
        order = secrets.token_hex(8)
        after = whole_length(folder / JOURNAL_NAME)
        # detached and in a group of its own: it outlives whoever started it
        flags: dict[str, Any] = {"creationflags": 0x00000208} if os.name == "nt" else {"start_new_session": True}
        command = [sys.executable, "-m", "napari_medssl.runs.worker", str(root), run, order]
        try:
            with open(folder / LOG_NAME, "ab") as log:
                process: subprocess.Popen[bytes] = subprocess.Popen(
                    command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, close_fds=True, **flags
                )
        except OSError as error:
            raise RunError(f"Run {run}: its process could not be started ({error}).") from error
        _wait_for(folder, process, order)
        return ProcessHandle(folder, run, process, after)

    def attach(self, root: Path, run: str) -> Handle:
        """A handle on a run that somebody started earlier, running or over."""
        return ProcessHandle(Path(root) / "runs" / run, run, None)


class ProcessHandle:
    """A handle that knows a run only by its folder."""

    def __init__(self, folder: Path, run: str, process: subprocess.Popen[bytes] | None, after: int = 0) -> None:
        self.run = run
        self._folder = folder
        self._process = process
        # a resumed run's journal goes back to its first life: curves go on where they were
        told = read_digest(folder / JOURNAL_NAME) if process is None else Digest()
        self._reader = JournalReader(folder / JOURNAL_NAME, told.offset)
        self._status = told.status
        # where the last word ends in the journal, and where the journal ended when this process was started
        self._heard = told.offset
        self._after = after

    def events(self) -> list[RunEvent]:
        """See `Handle`."""
        fresh = self._reader.read()
        if fresh:
            self._heard = self._reader.offset
        self._status = fold(fresh, self._status)
        return fresh

    def status(self) -> RunStatus:
        """See `Handle`."""
        alive = self.is_alive()  # asked before the journal is read: the last word may come in between
        self.events()
        if alive:
            # on its way again: what it said in its last life is not how it is now
            return self._status if self._has_spoken() else wait_again(self._status)
        if self._status.finished is not None and self._heard > self._after:
            return self._status
        if self._status.started is None and self._process is None:
            front = run_in_front(self._folder)
            if front is not None:
                before = ProcessHandle(self._folder.parent / front, front, None).status()
                return status_in_line(self._folder, front, before)
        return lose(self._status, self._reason())

    def _has_spoken(self) -> bool:
        """Whether the journal has a word of the process that lives now; asked of its length, not of the clock."""
        said = read_process(self._folder) or {}
        try:
            after = max(self._after, int(said["after"]))
        except (KeyError, TypeError, ValueError):
            if self._after == 0 and isinstance(since := said.get("since"), int | float):  # begun by an older version
                return self._status.last_event_at >= since
            after = self._after
        # an older version ended, with a line of its own, where its last life was torn
        return self._heard > after + 1 if after else self._heard > 0

    def stop(self, how: How) -> None:
        """See `Handle`."""
        request_stop(self._folder, how)

    def is_alive(self) -> bool:
        """See `Handle`."""
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
        code = None if self._process is None else self._process.poll()
        killed = " It was killed, perhaps because memory ran out." if code in (-9, 137) else ""
        return f"The process of run {self.run} ended without a word.{killed}{last} Resume the run to go on."


def _full(journal: Path, error: OSError) -> str:
    advice = remedy(error)
    return _FULL.format(
        path=journal, run=journal.parent.name, error=error.strerror or error, advice=f"{advice[:1].upper()}{advice[1:]}"
    )


def _wait_for(folder: Path, process: subprocess.Popen[bytes], order: str) -> None:
    """Wait until a process has the run, or has ended.

    Raises
    ------
    RunError
        When it ended because another one has the run.
    """
    until = time.monotonic() + STARTING
    while (read_process(folder) or {}).get("order") != order and time.monotonic() < until:
        if process.poll() is not None:
            if process.returncode == TAKEN:
                raise is_taken(folder)
            return  # it could not begin, or is over already: the journal and the log tell
        time.sleep(0.02)


def find_running(root: Path) -> list[str]:
    """Names of the runs of a project that a process runs, here or on another computer, oldest first."""
    folder = Path(root) / "runs"
    if not folder.is_dir():
        return []
    return sorted(f.name for f in folder.iterdir() if is_running(f))
