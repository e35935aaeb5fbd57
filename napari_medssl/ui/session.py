"""The session: what the person wants goes in, what the screen shows comes out. No Qt here.

Slow work goes to `Jobs` and comes back on the thread of the screen; `tick` is called there often (every 50 ms).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from ..inspection.child import ProcessChild
from ..runs.status import RunStatus
from . import projects
from .board import Board
from .casesdesk import CasesDesk
from .casework import CaseDesk, View
from .checkwork import CheckDesk
from .classwork import ClassDesk
from .comparework import CompareDesk, CompareScreen
from .facts import ProjectFacts, read_facts
from .handwork import HandDesk, HandScreen
from .helpwork import HelpDesk
from .historywork import HistoryDesk
from .importwork import ImportDesk
from .insidework import InsideDesk, InsideScreen, Start
from .jobs import Jobs
from .lookwork import LookDesk, LookScreen
from .otherswork import OthersDesk, OthersScreen
from .previewing import PreviewDesk, PreviewScreen
from .progresswork import ProgressDesk
from .recents import forget as forget_recent
from .recents import read_recent, remember
from .reviewwork import ReviewDesk, ReviewScreen
from .runwork import Driver, Follow, RunDesk
from .state import PanelState
from .thumbnails import ThumbnailDesk
from .toolwork import ToolDesk, ToolScreen
from .tourwork import TourDesk
from .trainview import Intent
from .withinwork import WithinDesk, WithinScreen

if TYPE_CHECKING:
    from ..project import ClassInfo, Lease, Project
    from ..runs.drivers import Handle

PAUSE = 2.0  # seconds between looks at the project while proposals arrive
RENEWAL = 45.0  # seconds after which the lease is renewed


class Screen(
    View,
    ReviewScreen,
    CompareScreen,
    InsideScreen,
    PreviewScreen,
    LookScreen,
    ToolScreen,
    WithinScreen,
    HandScreen,
    OthersScreen,
    Protocol,
):
    """All that is asked of the viewer."""


class Session:
    """One person, one viewer, at most one project open.

    Parameters
    ----------
    view, driver, jobs, follow, start_inside
        The outside world; scripted in tests.
    author : str
        Written into label revisions.
    clock : callable
        Seconds, monotonic.
    on_change : callable
        Called with each new `PanelState`.

    Attributes
    ----------
    cases : CaseDesk
        The case on the screen.
    others : OthersDesk
        Who else works on it.
    list : CasesDesk
        What is decided about cases in the list.
    history : HistoryDesk
        Who saved what of a case.
    checks : CheckDesk
        What is odd about scans.
    thumbnails : ThumbnailDesk
        Small pictures for the list.
    review : ReviewDesk
        The doubtful regions of the proposal on the screen.
    compare : CompareDesk
        The difference view.
    looked : LookDesk
        What was looked at.
    tools : ToolDesk
        Labelling tools.
    within : WithinDesk
        The range that drawing keeps to.
    runs : RunDesk
        The run on the screen.
    classes : ClassDesk
        The structures of the project.
    hand : HandDesk
        Layers of somebody else.
    imports : ImportDesk
        Labels from elsewhere.
    progress : ProgressDesk
        How the work goes on.
    inside : InsideDesk
        What is inside a model.
    previews : PreviewDesk
        How the proposal of the case on the screen grows.
    help : HelpDesk
        Diagnostics.
    tour : TourDesk
        The tour on the sample project.
    """

    def __init__(
        self,
        view: Screen,
        driver: Driver,
        jobs: Jobs,
        follow: Follow,
        *,
        author: str,
        clock: Callable[[], float] = time.monotonic,
        on_change: Callable[[PanelState], None] = lambda state: None,
        start_inside: Start = ProcessChild,
    ) -> None:
        self.board = Board(on_change)
        self._driver, self._jobs, self._clock, self._author = driver, jobs, clock, author
        self.cases = CaseDesk(self.board, view, jobs, clock, author, self._changed)
        self.review = ReviewDesk(self.board, view, jobs, self.cases, author)
        self.compare = CompareDesk(self.board, view, jobs, self.cases, clock)
        self.looked = LookDesk(self.board, view, jobs, self.cases, clock, self.review.region_box)
        self.tools = ToolDesk(self.board, view, jobs, self.cases, self.review.region_box)
        self.within = WithinDesk(self.board, view, self.cases, clock)
        self.others = OthersDesk(self.board, view, jobs, self.cases, clock, author, self._changed)
        for desk in (self.others, self.review, self.compare, self.looked, self.tools):
            self.cases.listen(desk.show)
        self.list = CasesDesk(self.board, jobs, author, self._changed)
        self.history = HistoryDesk(self.board, jobs, self.cases, author, self._changed)
        self.checks = CheckDesk(jobs)
        self.thumbnails = ThumbnailDesk(jobs, lambda: self._changed(False))
        self.runs = RunDesk(self.board, driver, jobs, follow, self._changed, self.cases.fetch_proposal, clock)
        self.progress = ProgressDesk(self.board, jobs)
        self.classes = ClassDesk(self.board, jobs, self.cases, author, self.refresh)
        self.hand = HandDesk(self.board, view, jobs, self.cases, self.refresh)
        self.imports = ImportDesk(self.board, jobs, self.cases, author, self.refresh)
        self.inside = InsideDesk(self.board, view, jobs, start_inside)
        self.previews = PreviewDesk(self.board, view, jobs)
        self.help = HelpDesk(self.board, jobs)
        self.tour = TourDesk(self.board, jobs)
        self._project: Project | None = None
        self._eyes: Project | None = None
        self._lease: Lease | None = None
        self._renewed = 0.0
        self._looks = 0
        self._last_look = -1e9
        self._look_wanted = False
        self._closed = False

    @property
    def state(self) -> PanelState:
        """What is shown."""
        return self.board.state

    def look_into(self, folder: Path | str, then: Callable[[projects.Found], None]) -> None:
        """See whether a folder holds a project, or scans to make one of; `then` is told."""
        self.board.set(busy=f"Looking into {Path(folder).name} …", message=None)

        def done(found: projects.Found) -> None:
            self.board.set(busy="")
            then(found)

        self._jobs.submit("look", lambda: projects.look_into(Path(folder)), done, self.board.failed)

    def list_recent(self, forget: str | None = None) -> None:
        """Find out which projects were open before; strike one off the list, if wished."""
        work = read_recent if forget is None else partial(forget_recent, forget)
        self._jobs.submit("look", work, lambda found: self.board.set(recent=found), self.board.failed)

    def open_project(self, root: Path | str, then: Callable[[], None] = lambda: None) -> None:
        """Open a project; its runs that still live are followed again."""
        root = Path(root)
        self.cases.leave()
        self.board.set(busy=f"Opening {root.name} …", message=None)

        def work() -> projects.Opened:
            return projects.open_project(root, self._driver)

        def done(opened: projects.Opened) -> None:
            self._opened(opened)
            then()

        self._jobs.submit("disk", work, done, self.board.failed)

    def create_project(
        self,
        root: Path | str,
        images: Sequence[Path],
        classes: Sequence[ClassInfo],
        labels: Sequence[Path] = (),
        patients: Mapping[str, str] | None = None,
    ) -> None:
        """Make a project of scans (and labels) where they are, and open it."""
        self.cases.leave()
        self.board.set(busy=f"Looking at {len(images)} scans …", message=None)

        def work() -> tuple[Path, str]:
            return projects.create(Path(root), images, classes, labels, self._author, patients)

        def done(made: tuple[Path, str]) -> None:
            self.open_project(made[0], lambda: self.board.say("warning", made[1]) if made[1] else None)

        self._jobs.submit("disk", work, done, self.board.failed)

    def make_sample(self, root: Path | str, then: Callable[[], None] = lambda: None) -> None:
        """Generate the sample project, unless it is there, and open it."""
        self.cases.leave()
        self.board.set(busy="Generating the sample scans …", message=None)

        def done(made: Path) -> None:
            self.open_project(made, then)

        self._jobs.submit("disk", lambda: projects.make_sample(Path(root), self._author), done, self.board.failed)

    def add_scans(self, paths: Sequence[Path], then: Callable[[], None] = lambda: None) -> None:
        """Add scans (files, or folders of them) to the open project; `then` is told when they are there."""
        project = self._project
        if project is None:
            return
        self.board.set(busy="Looking at the new scans …", message=None)

        def done(report: str) -> None:
            self.board.set(busy="")
            self.board.say("info", report)
            self.refresh()
            then()

        self._jobs.submit("disk", lambda: projects.add(project, paths), done, self.board.failed)

    def refresh(self) -> None:
        """Look at the project again: a run, or somebody else, may have changed it."""
        eyes = self._eyes
        if eyes is None:
            return
        self._looks += 1
        taken = self._looks
        self._last_look, self._look_wanted = self._clock(), False
        self._jobs.submit("look", lambda: read_facts(eyes, taken), self._looked, self.board.failed)

    def open_next(self) -> None:
        """Open the case that is suggested next."""
        if self.state.next_case is None:
            self.board.say("info", "Every case is labelled: nothing is left to suggest.")
        else:
            self.cases.open(self.state.next_case, self.state.next_why)

    def dismiss(self) -> None:
        """The message was read."""
        self.board.set(message=None)

    def tick(self) -> None:
        """Called often on the screen's thread: autosaves, and looks at the project when it is time."""
        self.cases.tick()
        self.others.tick()
        self.review.tick()
        self.compare.tick()
        self.looked.tick()
        self.tools.tick()
        self.within.tick()
        self.inside.tick()
        self.previews.tick()
        self.runs.tick()
        self.tour.tick()
        if self._look_wanted and self._clock() - self._last_look > PAUSE:
            self.refresh()
        lease = self._lease
        if lease is not None and self._clock() - self._renewed > RENEWAL:
            self._renewed = self._clock()
            self._jobs.submit("look", lease.renew, lambda _: None, self.board.failed)

    def close(self) -> None:
        """Save what was drawn and let go of everything; runs go on."""
        if self._closed:
            return
        self._closed = True
        self.cases.leave()
        self.others.leave()
        self.runs.leave()
        self.tools.leave()
        self.inside.stop()
        self.progress.close()
        self.checks.stop()
        self.previews.leave()
        self._jobs.close()
        self._release()

    def _opened(self, opened: projects.Opened) -> None:
        self._release()
        self._project, self._eyes, self._lease = opened.project, opened.eyes, opened.lease
        self._renewed = self._clock()
        self.board.set(
            project=opened.facts, case=None, loading=None, busy="", run=None, status=None, stopping=None,
            starting=False, intent=Intent(), author=self._author,
        )  # fmt: skip
        self.cases.take(opened.project, opened.lease.name)
        self.others.take(opened.project, opened.lease.name)
        self.review.take(opened.project)
        self.compare.take(opened.project)
        self.list.take(opened.project)
        self.history.take(opened.project)
        self.thumbnails.take(Path(opened.project.root))
        self.inside.take(opened.project)
        self.classes.take(opened.project, opened.eyes, opened.lease)
        self.hand.take(opened.project)
        self.imports.take(opened.project)
        self.progress.take(Path(opened.project.root))
        self.previews.take(opened.project)
        found: list[tuple[Handle, RunStatus]] = opened.found
        self.runs.take(opened.project, found)
        root, name = Path(opened.project.root), opened.project.name
        self._jobs.submit(
            "look", lambda: remember(root, name), lambda found: self.board.set(recent=found), self.board.failed
        )
        if opened.warning:
            self.board.say("warning", opened.warning)

    def _release(self) -> None:
        if self._lease is not None:
            self._lease.release()
        self._lease = None

    def _looked(self, facts: ProjectFacts) -> None:
        known = self.board.facts.project
        if known is not None and known.root == facts.root and facts.taken >= known.taken:
            self.board.set(project=facts)

    def _changed(self, now: bool) -> None:
        if now:
            self.refresh()
        else:
            self._look_wanted = True
