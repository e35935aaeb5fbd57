"""The case that is likely next, read while another is on the screen. No Qt; at most one case is kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..disk import names_in
from .jobs import Jobs
from .loading import ShownCase, load_case

if TYPE_CHECKING:
    from ..project import Case, Project

LANE = "prefetch"


@dataclass(frozen=True, eq=False)
class Ready:
    """A case that was read, and what was on disk when its reading began."""

    case: ShownCase
    stamp: object


class Prefetch:
    """Reads the next case in a lane of its own.

    Parameters
    ----------
    jobs : Jobs
    trouble : callable
        Called when that case could not be read.
    """

    def __init__(self, jobs: Jobs, trouble: Callable[[], None]) -> None:
        self._jobs, self._trouble = jobs, trouble
        self._root: Path | None = None
        self._project: Project | None = None  # used in its lane only
        self._wish: tuple[str, object] | None = None
        self._ready: Ready | None = None
        self._seen: set[str] = set()
        self._window = ""

    def take(self, root: Path, window: str = "") -> None:
        """Of this project from now on; `window` is the name of this window's lease."""
        self._root, self._project, self._wish, self._ready, self._seen = root, None, None, None, set()
        self._window = window

    def wish(self, name: str, news: object = None) -> None:
        """This case is likely next; what was read of another is let go.

        Parameters
        ----------
        news : object
            Whatever is known to change when the case does: then it is read again.
        """
        root = self._root
        if root is None or self._wish == (name, news):
            return
        self._wish = asked = (name, news)
        self._ready = None

        def work() -> Ready | None:
            if self._wish != asked:  # the person has gone elsewhere meanwhile
                return None
            project = self._in_lane(root)
            stamp = on_disk(project.case(name))
            return Ready(load_case(project, name, self._window), stamp)

        def done(ready: Ready | None) -> None:
            if self._wish == asked:
                self._ready = ready

        def failed(error: Exception) -> None:
            if self._root == root:
                self._trouble()  # the list says why; nobody had asked for this case yet

        self._jobs.submit(LANE, work, done, failed)

    def opening(self, project: Project, name: str) -> tuple[str, Callable[[], ShownCase]]:
        """The lane and the work to open a case.

        A case that was on the screen before is opened in the lane of saves, so that its last draft is on disk first.
        Any other need not wait for a save; where it was wished for, what was read of it is taken.
        """
        root = self._root
        ready = self._ready
        wished = root is not None and self._wish is not None and self._wish[0] == name
        self._wish = self._ready = None  # it is taken, or no longer next
        ahead = wished and name not in self._seen
        self._seen.add(name)

        def work() -> ShownCase:
            mine = self._in_lane(root) if ahead and root is not None else project
            if ready is not None and ready.case.name == name and ready.stamp == on_disk(mine.case(name)):
                return ready.case
            return load_case(mine, name, self._window)

        return (LANE if ahead else "disk"), work

    def _in_lane(self, root: Path) -> Project:
        """The lane's own project: one is for one thread."""
        from ..project import Project

        project = self._project
        if project is None or project.root != root:
            project = self._project = Project.open(root)
        return project


def on_disk(case: Case) -> object:
    """What tells whether a case is still what it was: its files, newest labels, strokes and proposals."""
    there = [(path, path.stat()) for path in case.images if path.exists()]
    files = [(path, stat.st_size, stat.st_mtime_ns) for path, stat in there]
    latest = case.latest()
    proposals = [(one.run, one.time, one.sha256) for one in case.proposals()]
    strokes = sorted(names_in(case.strokes_folder))
    return files, None if latest is None else latest.id, strokes, proposals
