"""Which cases of a project a run uses, and for what. Counted here and nowhere else. No torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..errors import ProjectError
from ..project import UNUSABLE
from .spec import LabelledCase

if TYPE_CHECKING:
    from ..project import Project

HOLD_OUT_FROM = 8  # labelled cases, below which none is held out
HOLD_OUT_SHARE = 0.2


@dataclass(frozen=True)
class Picked:
    """Which cases a run uses, and for what."""

    labelled: tuple[LabelledCase, ...]
    unlabelled: tuple[str, ...]
    held_out: tuple[LabelledCase, ...]


@dataclass(frozen=True)
class Standing:
    """Where a usable case stands.

    Attributes
    ----------
    complete, newest : str or None
        Its newest complete label revision, and its newest of all.
    """

    case: str
    patient: str
    audit: bool
    complete: str | None = None
    newest: str | None = None

    @property
    def is_finished(self) -> bool:
        """Whether the newest labels are complete: a proposal would help nobody."""
        return self.newest is not None and self.newest == self.complete


def look_at_cases(project: Project) -> list[Standing]:
    """Where every case stands that is neither excluded nor without a scan to read; reads the disk."""
    found = []
    for case in project.cases():
        if case.status in UNUSABLE:
            continue
        newest = case.latest()
        complete = newest if newest is None or newest.complete else case.latest(complete=True)
        if newest is not complete and case.lost_labels(complete=True):
            continue  # older ones would count in the place of what cannot be read (see `left_out`)
        ids = (None if revision is None else revision.id for revision in (complete, newest))
        found.append(Standing(case.name, case.patient, case.role == "audit", *ids))
    return found


def left_out(project: Project) -> dict[str, str]:
    """Cases that no run uses because something of them cannot be read, each with why; reads the disk."""
    found = {}
    for case in project.cases():
        status = case.status
        if status == "unreadable":
            found[case.name] = case.trouble or "It cannot be read."
        elif status == "draft" and (lost := case.lost_labels(complete=True)):
            found[case.name] = str(lost[0])
    return found


def pick_cases(project: Project, seed: int = 0) -> Picked:
    """Cases of a run; see `pick`."""
    return pick(look_at_cases(project), seed)


def pick(standings: Sequence[Standing], seed: int = 0) -> Picked:
    """Cases of a run.

    Audit cases are never learnt from; with labels, they are what the model is measured on. Without them a fifth of the
    labelled patients is held out, once there are `HOLD_OUT_FROM` labelled cases; the same ones for the same labels
    and seed.
    """
    pool: list[tuple[LabelledCase, bool]] = []
    audit: list[LabelledCase] = []
    unlabelled: list[str] = []
    patients = {case.case: case.patient for case in standings}
    for case in standings:
        # strokes added later do not take away what was complete before
        revision = case.complete or case.newest
        if case.audit:
            if case.complete is not None:
                audit.append(LabelledCase(case.case, case.complete))
        elif revision is not None:
            pool.append((LabelledCase(case.case, revision), case.complete is not None))
            if case.complete is None:  # unlabelled, unless its draft is learnt from
                unlabelled.append(case.case)
        else:
            unlabelled.append(case.case)
    complete = [entry for entry, is_complete in pool if is_complete]
    # half-drawn cases are learnt from only while there is nothing better: their edges are not final
    usable = complete if len(complete) > 1 else [entry for entry, _ in pool]
    held_out = audit or _hold_out(complete, patients, seed)
    kept = {patients[entry.case] for entry in held_out}
    labelled = [entry for entry in usable if patients[entry.case] not in kept]
    used = {entry.case for entry in usable}
    learnable = [name for name in unlabelled if name not in used and patients[name] not in kept]
    return Picked(tuple(labelled), tuple(learnable), tuple(held_out))


def unshown(project: Project, labelled: Sequence[LabelledCase]) -> tuple[str, ...]:
    """Names of the structures that no voxel of these labels is of: a model cannot learn them."""
    shown: set[int] = set()
    for entry in labelled:
        with suppress(ProjectError):  # gone meanwhile: what cannot be read shows nothing
            voxels = project.case(entry.case).revision(entry.revision).voxels
            shown.update(value for value, number in voxels.items() if number)
    return tuple(one.name for one in project.classes if one.value not in shown)


def unfinished(standings: Sequence[Standing]) -> tuple[str, ...]:
    """Cases without a complete human label, audit cases among them: those a proposal helps with."""
    return tuple(case.case for case in standings if not case.is_finished)


def _hold_out(complete: list[LabelledCase], patients: Mapping[str, str], seed: int) -> list[LabelledCase]:
    if len(complete) < HOLD_OUT_FROM:
        return []
    groups = sorted({patients[entry.case] for entry in complete})
    count = round(len(groups) * HOLD_OUT_SHARE)
    chosen = {groups[i] for i in np.random.default_rng([seed, 11]).permutation(len(groups))[:count]}
    return [entry for entry in complete if patients[entry.case] in chosen]
