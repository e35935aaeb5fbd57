"""The run on the screen: starting, following, stopping, going on. No Qt."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from ..runs.guard import Verdict, judge_run
from ..runs.status import RunStatus
from .board import Board
from .jobs import Jobs
from .runview import Level
from .trainview import Intent

if TYPE_CHECKING:
    from ..project import Project
    from ..runs.drivers import Handle
    from ..runs.outlook import Wish
    from ..runs.stop import How


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
        Called when a run ended that may have left proposals.
    """

    def __init__(
        self, board: Board, driver: Driver, jobs: Jobs, follow: Follow, changed: Callable[[bool], None],
        proposals: Callable[[], None],
    ) -> None:  # fmt: skip
        self._board, self._driver, self._jobs, self._follow = board, driver, jobs, follow
        self._changed, self._proposals = changed, proposals
        self._project: Project | None = None
        self._handle: Handle | None = None
        self._unfollow: Callable[[], None] = lambda: None
        self._proposed = 0

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

            first = make_line(project, wishes)[0]
            return self._driver.start(Path(project.root), first.run)

        self._begin(work)

    def resume(self) -> None:
        """Go on with a run that was paused or lost its process."""
        project, run = self._project, self._board.facts.run
        if project is not None and run is not None and self._board.state.run.can_resume:
            root = Path(project.root)
            self._begin(lambda: self._driver.start(root, run))

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
        self._unfollow = self._follow(handle, self._on_status)

    def _on_status(self, run: str, status: RunStatus) -> None:
        if self._handle is None or run != self._handle.run:
            return  # word of a run that is no longer followed
        before = self._board.facts.status
        self._board.set(status=status, stopping=None if status.is_over else self._board.facts.stopping)
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

        def said(verdict: Verdict | None) -> None:
            level: Level = "warning" if verdict is not None and verdict.is_worse else "info"
            words = "" if verdict is None or verdict.standing is None else f" {verdict.text}"
            self._board.say(level, f"{run}: {status.message or 'finished.'}{words}")
            self._proposals()

        self._jobs.submit("disk", lambda: judge_run(project, run), said, self._board.failed)
