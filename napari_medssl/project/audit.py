"""The audit set: patients drawn once and frozen, never learnt from, on whom every model is measured.

`audit.json` names patients, not cases, so that a later scan of an audit patient is an audit case too; it is written
once and never again.
"""

from __future__ import annotations

import math
import random
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ..disk import read_record, write_json
from ..errors import DamagedFileError, ProjectError, UnreadableFileError
from .refusals import one_clear_line

if TYPE_CHECKING:
    from .case import Case
    from .project import Project

AUDIT_NAME = "audit.json"


@dataclass(frozen=True)
class AuditSet:
    """The frozen audit set.

    Parameters
    ----------
    patients : tuple of str
        Its patients, sorted.
    time, author : str
        When and by whom it was frozen.
    seed : int or None
        What it was drawn with; None where a person chose.
    """

    patients: tuple[str, ...]
    time: str
    author: str
    seed: int | None = None


def read_audit(root: Path) -> AuditSet | None:
    """The audit set of the project in a folder, or None.

    Raises
    ------
    ProjectError
        If the file is there but damaged: models would be measured on what they learnt from.
    """
    path = root / AUDIT_NAME
    try:
        values = read_record(path)
        if values is None:
            return None
        patients, seed = values["patients"], values["seed"]
        if not isinstance(patients, list) or not patients or not all(isinstance(one, str) for one in patients):
            raise TypeError("no list of patients")
        return AuditSet(
            tuple(patients), str(values["time"]), str(values["author"]), None if seed is None else int(seed)
        )
    except UnreadableFileError as error:
        raise ProjectError(str(error)) from error
    except (KeyError, TypeError, ValueError, OverflowError, DamagedFileError):
        raise ProjectError(f"{path}: the audit set is damaged. Restore this file from a backup.") from None


def read_audit_patients(root: Path) -> frozenset[str]:
    """Patients of the audit set; empty where there is none."""
    audit = read_audit(root)
    return frozenset() if audit is None else frozenset(audit.patients)


def draw_audit(
    project: Project, share: float = 0.2, *, seed: int = 0, author: str = "", learnt: Collection[str] = ()
) -> AuditSet:
    """Draw patients at random and freeze them as the audit set.

    Parameters
    ----------
    project : Project
        The project.
    share : float
        Part of all patients, above 0 and below 1; at least one is drawn.
    seed : int
        The same seed on the same patients draws the same set.
    author : str
        Who asked for it.
    learnt : collection of str
        Cases that a model has learnt from already; their patients cannot be drawn.

    Raises
    ------
    ProjectError
        If there is an audit set already, too few patients are left, or it cannot be written down.
    """
    if not 0 < share < 1:
        raise ProjectError(f"The audit set's share must be above 0 and below 1, not {share}.")
    patients = {case.patient for case in project.cases() if case.excluded is None}
    known = {case.patient for case in project.cases() if case.name in learnt}
    candidates = sorted(patients - known)
    count = max(1, math.floor(share * len(patients) + 0.5))
    if len(patients) < 2 or count > len(candidates):
        raise ProjectError(
            f"An audit set of {count} needs patients no model has learnt from, besides those to learn from; there are "
            f"{len(candidates)} of {len(patients)}. Add scans."
        )
    return _freeze(project, random.Random(seed).sample(candidates, count), author, seed)


def freeze_audit(project: Project, cases: Iterable[Case | str], *, author: str = "") -> AuditSet:
    """Freeze chosen cases, with all scans of their patients, as the audit set.

    Raises
    ------
    ProjectError
        If there is an audit set already, no such case, none chosen, or it cannot be written down.
    """
    chosen = [project.case(case) if isinstance(case, str) else case for case in cases]
    if not chosen:
        raise ProjectError("No case was chosen for the audit set. Name at least one.")
    return _freeze(project, [case.patient for case in chosen], author, None)


def _freeze(project: Project, patients: Iterable[str], author: str, seed: int | None) -> AuditSet:
    audit = AuditSet(tuple(sorted(set(patients))), datetime.now(UTC).isoformat(), author, seed)
    values = {"patients": audit.patients, "time": audit.time, "author": audit.author, "seed": audit.seed}
    with one_clear_line("The audit set was not frozen", project.root):
        try:
            write_json(project.root / AUDIT_NAME, values, new=True)
        except FileExistsError:
            raise ProjectError(
                "This project has an audit set already. It stays as it is, so that all models are measured alike."
            ) from None
    project.refresh()
    return audit
