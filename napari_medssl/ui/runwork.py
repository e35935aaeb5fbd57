"""The run on the screen: starting, following, stopping, going on. No Qt."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from ..project.champions import Decision
from ..runs.champion import candidates, use_model
from ..runs.drivers import LOG_NAME
from ..runs.guard import Verdict, judge_all
from ..runs.history import read_history
from ..runs.stall import is_stalled
from ..runs.status import RunStatus
from ..runs.taking_back import taken_back
from ..runs.words import duration
from .board import Board
from .jobs import Jobs
from .runview import PROPOSING, Level, RunView, run_view
from .trainview import Intent

if TYPE_CHECKING:
    from ..project import Project
    from ..runs.drivers import Handle
    from ..runs.outlook import Wish
    from ..runs.stop import How


SHOWN = 10.0  # seconds: how exactly a silence is told


class Driver(Protocol):
    """Starts runs and finds them again; see `runs.drivers`."""

    def start(self, root: Path, run: str) -> Handle: ...

    def attach(self, root: Path, run: str) -> Handle: ...


class Follow(Protocol):
    """Begins to follow a run; returns the function that ends it. Statuses come on the screen's thread."""

    def __call__(self, handle: Handle, on_status: Callable[[str, RunStatus], None]) -> Callable[[], None]: ...


class RunDesk:
    """At most one run is followed; it lives in its own process and needs nobody.

    Parameters
    ----------
    changed : callable
        Called when the run changed the project: now (True) or when there is time (False).
    proposals : callable
        Called when a run ended that may have left proposals, or another model is in use.
    clock : callable
        Seconds, monotonic.
    """

    def __init__(
        self, board: Board, driver: Driver, jobs: Jobs, follow: Follow, changed: Callable[[bool], None],
        proposals: Callable[[], None], clock: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self._board, self._driver, self._jobs, self._follow, self._clock = board, driver, jobs, follow, clock
        self._changed, self._proposals = changed, proposals
        self._project: Project | None = None
        self._handle: Handle | None = None
        self._unfollow: Callable[[], None] = lambda: None
        self._proposed = 0
        self._stall_told: tuple[Level, str] | None = None
        self._heard, self._last_word = 0.0, 0.0

    def take(self, project: Project, found: list[tuple[Handle, RunStatus]]) -> None:
        """Work on this project from now on; follow the newest of its runs that is not over, else show the last one.

        A run that stands in line is neither: it is the one in front that something can be done with.

        Parameters
        ----------
        found : list of (handle, status)
            Its runs, oldest first.
        """
        self.leave()
        self._project = project
        found = [(handle, status) for handle, status in found if not status.waits_for]
        alive = [handle for handle, status in found if not status.is_over]
        if alive:
            self._board.say("info", f"{alive[-1].run} is still training. Its curves go on here.")
            self._attach(alive[-1])
        elif found:  # over: its card and curves can be looked at, and a paused or lost one resumed
            self._handle = found[-1][0]
            self._board.set(run=self._handle.run, status=found[-1][1])

    def intend(self, intent: Intent) -> None:
        """What the next training is to be like; what would come of it is shown at once."""
        self._board.set(intent=intent)

    def train(self, wishes: Sequence[Wish]) -> None:
        """Start a training, or several of which each begins with what the one before it learnt."""
        project = self._project
        if project is None or not self._board.state.train.can_train:
            return

        def work() -> Handle:
            from ..runs.request import make_line

            line = make_line(project, wishes)
            with taken_back([project.run_folder(one.run) for one in line]):
                return self._driver.start(Path(project.root), line[0].run)

        self._begin(work)

    def resume(self, run: str | None = None) -> None:
        """Go on with a run that was paused, failed or lost its process: that on the card, or another one."""
        project, now = self._project, self._board.facts.run
        if run in (None, now):
            can, run = self._board.state.run.can_resume, now
        else:
            can = any(line.name == run and line.can_resume for line in self._board.state.runs)
        if project is not None and run is not None and can:
            root, name = Path(project.root), run
            self._begin(lambda: self._driver.start(root, name))

    def look_at(self, run: str, then: Callable[[RunView], None]) -> None:
        """Fetch an earlier run, to show its curves; it gets the card, too, unless another one is under way."""
        project = self._project
        if project is None:
            return
        if run == self._board.facts.run:
            then(self._board.state.run)
            return
        root = Path(project.root)

        def work() -> tuple[Handle, RunStatus]:
            handle = self._driver.attach(root, run)
            return handle, handle.status()

        def done(found: tuple[Handle, RunStatus]) -> None:
            handle, status = found
            if not self._board.state.run.under_way and status.is_over:
                self.leave()
                self._handle = handle
                self._board.set(run=run, status=status, stopping=None)
            then(run_view(run, status, None, False))

        self._jobs.submit("run", work, done, self._board.failed)

    def use(self, run: str) -> None:
        """Use the model of a run from now on; with "", leave the choice to the program again."""
        project, author = self._project, self._board.facts.author
        if project is None:
            return

        def done(_: Decision) -> None:
            words = (
                f"The model of {run} is in use from now on."
                if run
                else "The newest model that did not do worse is used."
            )
            self._board.say("info", words)
            self._changed(True)
            self._proposals()

        self._jobs.submit("disk", lambda: use_model(project, run or None, author=author), done, self._board.failed)

    def tick(self) -> None:
        """Notice that a run which lives has been silent for too long, and say so once."""
        facts = self._board.facts
        run, status = facts.run, facts.status
        if run is None or status is None or status.is_over or self._handle is None:
            return
        silent = self._clock() - self._heard
        if not is_stalled(status, silent):
            return
        shown = silent // SHOWN * SHOWN
        if facts.silent is None:
            self._stall_told = (
                "warning",
                f"{run} has said nothing for {duration(silent)}. The computer may be short of memory or busy with "
                f"something else. Wait, or stop it on the Train page; {self._log(run)} may say more.",
            )
            self._board.set(silent=shown, message=self._stall_told)
        elif facts.silent != shown:
            self._board.set(silent=shown)

    def stop(self, how: How) -> None:
        """Ask the run to stop: "keep", "pause" or "discard"."""
        handle = self._handle
        if handle is None or not self._board.state.run.can_stop:
            return
        self._board.set(stopping=how)

        def failed(error: Exception) -> None:
            self._board.set(stopping=None)
            self._board.failed(error)

        self._jobs.submit("run", lambda: handle.stop(how), lambda _: None, failed)

    def reassure(self) -> None:
        """The window is about to close: say what becomes of the run, behind the question whether to close."""
        run = self._board.state.run
        if run.under_way:
            words = f"{run.name} goes on without napari, and is found again when the project is opened."
            self._board.say("info", words)

    def leave(self) -> None:
        """Stop following; the run goes on."""
        self._unfollow()
        self._unfollow = lambda: None
        self._handle = None

    def _begin(self, work: Callable[[], Handle]) -> None:
        before = (self._board.facts.run, self._board.facts.status)
        self.leave()
        self._board.set(starting=True, run=None, status=None, stopping=None, message=None)

        def failed(error: Exception) -> None:
            self._board.set(starting=False, run=before[0], status=before[1])
            self._board.failed(error)

        def done(handle: Handle) -> None:
            self._attach(handle)
            self._changed(True)  # it is in the list of runs now, and those behind it

        # the lane of saves: what was just declared labelled is on disk before cases are picked
        self._jobs.submit("disk", work, done, failed)

    def _attach(self, handle: Handle) -> None:
        self._handle = handle
        self._proposed = 0
        self._board.set(run=handle.run, status=RunStatus(), stopping=None, starting=False)
        self._hear(-1.0)
        self._unfollow = self._follow(handle, self._on_status)

    def _on_status(self, run: str, status: RunStatus) -> None:
        if self._handle is None or run != self._handle.run:
            return  # word of a run that is no longer followed
        before = self._board.facts.status
        heeded = status.is_over or (before is not None and before.phase != status.phase == PROPOSING)
        self._board.set(status=status, stopping=None if heeded else self._board.facts.stopping)
        if status.is_over or status.last_event_at != self._last_word:
            self._hear(status.last_event_at)
        if len(status.proposed) > self._proposed:
            self._proposed = len(status.proposed)
            self._changed(False)
        if not status.is_over or before is None or before.is_over:
            return
        self._changed(True)
        if status.state in ("completed", "stopped"):
            self._ended(run, status)
        elif status.state in ("failed", "lost"):
            self._board.say("error", f"{run}: {status.message}")

    def _hear(self, word: float) -> None:
        """The run said something: it is not stalled (any more)."""
        self._heard, self._last_word = self._clock(), word
        if self._board.facts.silent is not None:
            told = self._board.facts.message == self._stall_told
            self._board.set(silent=None, **({"message": None} if told else {}))

    def _log(self, run: str) -> Path:
        assert self._project is not None
        return self._project.run_folder(run) / LOG_NAME

    def _ended(self, run: str, status: RunStatus) -> None:
        """A run left a model: follow the one that begins with it, or say how good it is and show its proposals."""
        project = self._project
        if project is None:
            return
        then = status.started.then if status.started is not None else None
        if then is not None:
            self._board.say("info", f"{run} is done. {then} goes on with what it learnt.")
            self._attach(self._driver.attach(Path(project.root), then))
            return

        def work() -> tuple[Verdict | None, str]:
            history = read_history(project)
            newer = next((one.text for one in candidates(history) if one.run == run), "")
            return judge_all(history).get(run), newer

        def said(found: tuple[Verdict | None, str]) -> None:
            verdict, newer = found
            level: Level = "warning" if verdict is not None and verdict.is_worse else "info"
            words = [f"{run}: {status.message or 'finished.'}"]
            words += [verdict.text] if verdict is not None and verdict.standing is not None else []
            self._board.say(level, " ".join([*words, newer]).strip())
            self._proposals()

        self._jobs.submit("disk", work, said, self._board.failed)
