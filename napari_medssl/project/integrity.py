"""What of a project's own files cannot be read, found by reading its records; no array is opened.

A damaged file stops nothing but what is in it. So that older or other data never count in its place without a word,
whoever shows what a project holds shows this, too.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ..disk import names_in, read_record
from ..errors import DamagedFileError, UnreadableFileError
from .audit import AUDIT_NAME
from .champions import CHAMPIONS, read_decision
from .damage import Damage, damage_of
from .migration import PENDING_NAME
from .records import is_gone
from .refused import load_refused
from .reviews import REVIEWS_FOLDER, load_decisions

if TYPE_CHECKING:
    from .case import Case
    from .project import Project


def find_damage(project: Project) -> tuple[Damage, ...]:
    """Files of a project that cannot be read and whose content counts: those of cases first. Runs are not looked at.

    Raises
    ------
    ProjectError
        If the audit set is damaged: nothing can be told without it.
    """
    cases = project.cases()
    return (*(one for case in cases for one in of_case(case)), *_of_project(project.root), *_audit(project))


def of_case(case: Case) -> tuple[Damage, ...]:
    """What of a case cannot be read and should count: its record, newer labels, proposals, decisions."""
    if case.fault is not None:
        drawn = "" if is_gone(case.folder) else "; what was drawn on it is untouched"
        lost = f"The case cannot be used meanwhile{drawn}."
        return (damage_of(case.fault, lost, case=case.name),)
    newest = case.lost_labels()
    older = () if newest else case.lost_labels(complete=True)
    return (*newest, *older, *case.lost_proposals(), *_reviews(case))


def _reviews(case: Case) -> Iterator[Damage]:
    folder = case.folder / REVIEWS_FOLDER
    try:
        names = sorted(names_in(folder, ".json"))
    except OSError as error:
        yield damage_of(UnreadableFileError(folder, error), "What was decided is not known.", case=case.name)
        return
    for name in names:
        try:
            load_decisions(folder / name)
        except DamagedFileError as error:
            lost = "What was decided about this proposal is not known; the labels are untouched."
            yield damage_of(error, lost, case=case.name)


def _of_project(root: Path) -> Iterator[Damage]:
    for name in sorted(names_in(root / CHAMPIONS, ".json")):
        try:
            read_decision(root / CHAMPIONS / name)
        except DamagedFileError as error:
            yield damage_of(error, "A decision which model to use does not count; an earlier one may.")
    try:
        read_record(root / PENDING_NAME)
    except DamagedFileError as error:
        yield damage_of(error, "A change of the structures was interrupted, and cannot be finished.")
    try:
        load_refused(root)
    except DamagedFileError as error:
        yield damage_of(error, "Which files were not taken is not known; what was taken is untouched.")


def _audit(project: Project) -> Iterator[Damage]:
    known = {case.patient for case in project.cases() if case.fault is None}
    if any(case.fault is not None for case in project.cases()):
        return  # whose patients are not known
    for patient in sorted(project.audit_patients - known):
        what = f"no case is of the patient {patient!r} of the audit set"
        lost = "Models are not measured on that patient, and may learn from a case that should be of it."
        yield Damage(project.root / AUDIT_NAME, what, lost, "Look whether a case was removed, or its patient changed.")
