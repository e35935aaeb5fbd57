"""Labels made elsewhere come into the open project: first what would be done, then done. No Qt."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ..project import ImportReport, LabelPlan, import_planned, plan_labels
from .board import Board
from .casework import CaseDesk
from .checkwork import Checking
from .importview import report_words
from .jobs import Jobs

if TYPE_CHECKING:
    from ..project import Project

DRAWN_ON = (
    "{} is shown as you drew it: you drew on it meanwhile, so what you draw is newer than the imported labels. Import "
    "them again when you have finished the stroke, to see them."
)


@dataclass(frozen=True)
class Wanted:
    """What is to be imported, and how: as in `plan_labels`."""

    paths: tuple[Path, ...] = ()
    mapping: Mapping[int, int] = field(default_factory=dict)
    bring_over: bool = False
    replace: bool = False
    leave_out: tuple[str, ...] = ()


class StoppedError(Exception):
    """Nobody wants to know any more."""


class ImportDesk:
    """Plans in the lane of checks, saves in that of saves.

    Parameters
    ----------
    refresh : callable
        Called when the project is to be looked at again.
    """

    def __init__(self, board: Board, jobs: Jobs, cases: CaseDesk, author: str, refresh: Callable[[], None]) -> None:
        self._board, self._jobs, self._cases = board, jobs, cases
        self._author, self._refresh = author, refresh
        self._project: Project | None = None

    def take(self, project: Project) -> None:
        """Import into this project from now on."""
        self._project = project

    def plan(
        self, wanted: Wanted, then: Callable[[LabelPlan], None], failed: Callable[[Exception], None]
    ) -> Checking | None:
        """Find out what importing would do; one that is stopped tells nobody. What is drawn is saved first."""
        project, now = self._project, Checking()
        if project is None:
            return None
        root = project.root
        self._cases.save()

        def progress(done: int, total: int) -> None:
            now.progress(done, total)
            if now.stopped:
                raise StoppedError

        def work() -> LabelPlan:
            from ..project import Project

            return plan_labels(
                Project.open(root), wanted.paths, wanted.mapping, progress,
                bring_over=wanted.bring_over, replace=wanted.replace, leave_out=wanted.leave_out,
            )  # fmt: skip

        def done(plan: LabelPlan) -> None:
            if not now.stopped:
                then(plan)

        def gave_up(error: Exception) -> None:
            if not now.stopped:
                failed(error)

        def saved(_: None) -> None:  # only now: a draft of this window that comes later would be newer than the plan
            self._jobs.submit("check", work, done, gave_up)

        self._jobs.submit("disk", lambda: None, saved, gave_up)
        return now

    def save(self, plan: LabelPlan, cases: Sequence[str]) -> None:
        """Import what was planned for these cases; the case on the screen is saved first, and shown anew."""
        project = self._project
        if project is None or not cases:
            return
        self._cases.save()  # in the same lane: the labels imported are newer than what was drawn until now
        keeper = self._cases.saver.keeper
        session = "" if keeper is None else keeper.session
        number = f"{len(cases)} case{'' if len(cases) == 1 else 's'}"
        self._board.set(busy=f"Importing labels of {number} …", message=None)

        def done(report: ImportReport) -> None:
            self._board.set(busy="")
            words = [report_words(report)]
            case = self._board.facts.case
            if case is not None and case.name in report.added:
                if case.save in ("unsaved", "saving", "failed"):
                    words.append(DRAWN_ON.format(case.name))
                else:
                    self._cases.open(case.name)
            self._board.say("warning" if len(words) > 1 or not report.added else "info", " ".join(words))
            self._refresh()

        def failed(error: Exception) -> None:
            self._board.failed(error)
            self._refresh()

        def work() -> ImportReport:
            project.refresh()
            return import_planned(project, plan, cases, self._author, session=session)

        self._jobs.submit("disk", work, done, failed)
