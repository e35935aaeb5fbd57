"""The structures of the open project: naming, locking, changing what is drawn with them. No Qt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from ..project.classes import ClassInfo
from ..project.migration import ChangePlan, ClassChange, apply_change, plan_change
from .board import Board
from .casework import CaseDesk
from .jobs import Jobs

if TYPE_CHECKING:
    from ..project import Lease, Project


class ClassDesk:
    """Changes structures; what would be drawn over is asked about first.

    Parameters
    ----------
    refresh : callable
        Called when the project is to be looked at again.
    """

    def __init__(self, board: Board, jobs: Jobs, cases: CaseDesk, author: str, refresh: Callable[[], None]) -> None:
        self._board, self._jobs, self._cases = board, jobs, cases
        self._author, self._refresh = author, refresh
        self._project: Project | None = None
        self._eyes: Project | None = None
        self._lease: Lease | None = None

    def take(self, project: Project, eyes: Project, lease: Lease) -> None:
        """Work on this project from now on; `eyes` is the same for the lane "look", `lease` this window's."""
        self._project, self._eyes, self._lease = project, eyes, lease

    def lock(self, value: int, locked: bool) -> None:
        """Lock a structure, or unlock it: at once on the screen, then on disk."""
        project, facts = self._project, self._board.facts.project
        if project is None or facts is None:
            return
        classes = (replace(one, locked=locked) if one.value == value else one for one in facts.classes)
        self._board.set(project=replace(facts, classes=tuple(classes)))

        def work() -> None:
            project.set_classes(replace(one, locked=locked) if one.value == value else one for one in project.classes)

        self._jobs.submit("disk", work, lambda _: self._refresh(), self._board.failed)

    def save(self, classes: tuple[ClassInfo, ...]) -> None:
        """Save names, colours, keys, locks and order, and structures that are new."""
        project = self._project
        if project is not None:
            self._jobs.submit(
                "disk", lambda: project.set_classes(classes), lambda _: self._refresh(), self._board.failed
            )

    def plan(self, change: ClassChange, then: Callable[[ChangePlan], None]) -> None:
        """Find out what a change would do; `then` is told."""
        eyes = self._eyes
        if eyes is not None:
            self._jobs.submit("look", lambda: plan_change(eyes, change), then, self._board.failed)

    def change(self, change: ClassChange) -> None:
        """Change the structures and what is drawn with them; the case on the screen is saved first, and read again."""
        project, lease, facts = self._project, self._lease, self._board.facts
        if project is None:
            return
        if facts.starting or (facts.status is not None and not facts.status.is_over):
            self._board.say("warning", "A run is under way: stop it or let it end, then change the structures.")
            return
        case = None if facts.case is None else facts.case.name
        self._cases.leave()
        self._board.set(busy="Changing the structures …", message=None)

        def over() -> None:
            self._board.set(busy="")
            self._refresh()
            if case is not None:
                self._cases.open(case)

        def done(plan: ChangePlan) -> None:
            over()
            number = len(plan.cases)
            cases = f"{number} case{'s' if number != 1 else ''} got new label revisions."
            self._board.say("info", f"Structures changed: {plan.words}. {cases}")

        def failed(error: Exception) -> None:
            over()
            self._board.failed(error)

        def work() -> ChangePlan:
            return apply_change(project, change, author=self._author, lease=lease)

        self._jobs.submit("disk", work, done, failed)
