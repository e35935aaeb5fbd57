"""What a person decides about cases in the list: flags, comments, leaving out, the audit set, trying again. No Qt."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import MedSSLError, SpecError
from ..project import Case, forget_refused, freeze_audit, import_images, import_labels, read_audit, read_refused
from ..runs.history import unreadable_runs
from ..runs.spec import read_spec
from .board import Board
from .jobs import Jobs
from .windowwords import in_window

if TYPE_CHECKING:
    from ..project import Project


@dataclass(frozen=True)
class AuditPlan:
    """What setting cases aside would mean.

    Attributes
    ----------
    patients, cases : tuple of str
        Who is set aside, with all their scans.
    left : int
        Cases that models can still learn from.
    refusal : str
        Why it cannot be; empty where it can.
    """

    patients: tuple[str, ...]
    cases: tuple[str, ...]
    left: int
    refusal: str = ""


class CasesDesk:
    """Decisions are written down in the order they are made.

    Parameters
    ----------
    changed : callable
        Called when the project changed (True: look at it now).
    """

    def __init__(self, board: Board, jobs: Jobs, author: str, changed: Callable[[bool], None]) -> None:
        self._board, self._jobs, self._author, self._changed = board, jobs, author, changed
        self._project: Project | None = None

    def take(self, project: Project) -> None:
        """Decide about cases of this project from now on."""
        self._project = project

    def flag(self, names: Sequence[str], on: bool = True) -> None:
        """Mark cases to come back to, or take the marks away."""
        self._for_each(names, lambda case: case.flag(on, self._author))

    def comment(self, name: str, words: str) -> None:
        """Write a comment on a case."""
        self._for_each([name], lambda case: case.comment_on(words, self._author))

    def exclude(self, names: Sequence[str], reason: str) -> None:
        """Leave cases out."""
        self._for_each(names, lambda case: case.exclude(reason, self._author))

    def include(self, names: Sequence[str]) -> None:
        """Take cases back that were left out."""
        self._for_each(names, lambda case: case.include(self._author))

    def plan_audit(self, names: Sequence[str], then: Callable[[AuditPlan], None]) -> None:
        """Find out what setting these cases aside would mean."""
        project = self._project
        if project is not None:
            self._jobs.submit("disk", lambda: plan_audit(project, names), then, self._board.failed)

    def freeze(self, names: Sequence[str]) -> None:
        """Set these cases aside for good, with all scans of their patients."""
        project = self._project
        if project is None:
            return

        def work() -> int:
            plan = plan_audit(project, names)  # a run may have begun meanwhile
            if plan.refusal:
                raise MedSSLError(plan.refusal)
            return len(freeze_audit(project, list(names), author=self._author).patients)

        def done(count: int) -> None:
            self._board.say("info", f"{_patients(count)} set aside for the audit. No model learns from them.")
            self._changed(True)

        self._jobs.submit("disk", work, done, self._board.failed)

    def try_again(self, keys: Sequence[str]) -> None:
        """Read files anew: scans of cases, and files that were not taken."""
        project = self._project
        if project is None:
            return
        self._board.set(busy=f"Reading {len(keys)} files again …" if len(keys) > 1 else "Reading the file again …")

        def done(report: tuple[str, bool]) -> None:
            self._board.set(busy="")
            self._board.say("info" if report[1] else "warning", report[0])
            self._changed(True)

        self._jobs.submit("disk", lambda: try_again(project, keys, self._author), done, self._board.failed)

    def forget(self, paths: Sequence[str]) -> None:
        """Strike files off the list of those that were not taken."""
        project = self._project
        if project is not None:
            root = Path(project.root)
            self._jobs.submit(
                "disk", lambda: forget_refused(root, paths), lambda _: self._changed(True), self._board.failed
            )

    def _for_each(self, names: Sequence[str], act: Callable[[Case], None]) -> None:
        project = self._project
        if project is None:
            return

        def work() -> None:
            for name in names:
                act(project.case(name))

        def failed(error: Exception) -> None:
            self._board.failed(error)
            self._changed(True)

        self._jobs.submit("disk", work, lambda _: self._changed(True), failed)


def plan_audit(project: Project, names: Sequence[str]) -> AuditPlan:
    """What setting these cases aside would mean; reads the disk."""
    project.refresh()
    chosen = {project.case(name).patient for name in names}
    usable = [case for case in project.cases() if case.excluded is None]
    cases = tuple(case.name for case in usable if case.patient in chosen)
    make = partial(AuditPlan, tuple(sorted(chosen)), cases, len(usable) - len(cases))
    if read_audit(project.root) is not None:
        return make("There is an audit set already. It stays as it is, so that all models are measured alike.")
    if not len(usable) - len(cases):
        return make("No case would be left to learn from. Choose fewer.")
    learnt = _learnt(project)
    known = [(name, learnt[name]) for name in cases if name in learnt]
    if known:
        said = ", ".join(f"{name} ({run})" for name, run in known[:5]) + (" …" if len(known) > 5 else "")
        return make(f"Models have learnt from these scans already, so they would look better than they are: {said}.")
    return make()


def try_again(project: Project, keys: Sequence[str], author: str) -> tuple[str, bool]:
    """Read files anew.

    Returns
    -------
    sentence : str
    fine : bool
        All could be read.
    """
    refused = {one.path: one.kind for one in read_refused(project.root)}
    problems, taken = [], 0
    for key in keys:
        try:
            if key not in refused:
                project.case(key).read_image()
                taken += 1
                continue
            by_kind = import_images if refused[key] == "scan" else partial(import_labels, author=author)
            report = by_kind(project, Path(key))
            problems += [in_window(reason) for _, reason in report.refused]
            taken += bool(report.added or report.skipped)
        except MedSSLError as error:
            problems.append(str(error))
    said = [f"{taken} of {len(keys)} can be read now." if len(keys) > 1 or taken else ""]
    return " ".join(part for part in (*said, *problems[:3]) if part), not problems


def _learnt(project: Project) -> dict[str, str]:
    """Cases that a run learnt from, with or without their labels, and the run.

    Raises
    ------
    SpecError
        When a run cannot be read: which cases it learnt from is not known.
    """
    found: dict[str, str] = {}
    unreadable = unreadable_runs(project)
    for run in project.runs():
        try:
            spec = read_spec(project.run_folder(run))
        except MedSSLError as error:
            if run in unreadable:
                raise SpecError(f"Which scans run {run} learnt from is not known. {error}") from error
            continue  # reserved, and not written yet
        if spec.task == "train":
            found |= dict.fromkeys((*(entry.case for entry in spec.labelled), *spec.unlabelled), run)
    return found


def _patients(count: int) -> str:
    return "1 patient" if count == 1 else f"{count} patients"
