"""What the case list knows of each case, read from its records alone: no array is opened."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from ..imaging import UNSEEN
from ..project import UNUSABLE
from ..project.revisions import read_revision, revision_ids

if TYPE_CHECKING:
    from ..project import Case


@dataclass(frozen=True)
class CaseFacts:
    """One line of the case list.

    Attributes
    ----------
    score : float or None
        The doubt of the proposal to show, and `run` whose it is; None without one.
    note : str
        Why it is left out, or why its scan cannot be read.
    seen : float or None
        Part of its voxels that somebody looked at, 0 to 1; None where nobody drew.
    minutes : float
        Working time over all its revisions.
    by : tuple of (author, revision id)
        The newest revision of each who drew on it.
    """

    name: str
    status: str
    score: float | None = None
    patient: str = ""
    audit: bool = False
    note: str = ""
    run: str | None = None
    seen: float | None = None
    minutes: float = 0.0
    flagged: bool = False
    comment: str = ""
    by: tuple[tuple[str, str], ...] = ()


def read_case(case: Case, avoid: Collection[str]) -> CaseFacts:
    """Look at a case; a proposal of the runs to `avoid` counts only where there is no other."""
    status = case.status
    proposal = None if status == "new" else case.latest_proposal(avoid)
    ids = () if status in ("new", "proposed") else tuple(revision_ids(case.labels_folder))
    newest = case.latest() if ids else None
    lost = (
        ()
        if status in ("missing", "unreadable", "excluded")
        else (
            *case.lost_labels(complete=True),
            *case.lost_proposals(),
        )
    )
    worked = _work_on(case.labels_folder, ids)
    return CaseFacts(
        name=case.name,
        status=status,
        score=None if proposal is None else float(proposal.score),
        patient=case.patient or "",
        audit=case.role == "audit",
        note=case.excluded
        or (case.trouble or "" if status in ("missing", "unreadable") else " ".join(str(one) for one in lost)),
        run=None if proposal is None else proposal.run,
        seen=None if newest is None else _share_seen(newest.voxels),
        minutes=worked[0],
        flagged=case.flagged,
        comment=case.comment,
        by=worked[1],
    )


def last_of(author: str, cases: Iterable[CaseFacts]) -> CaseFacts | None:
    """The case that a person drew on last, of those that can be opened; None where that person drew on none."""
    drawn = [(id, case) for case in cases if case.status not in UNUSABLE for who, id in case.by if who == author]
    return max(drawn, key=lambda entry: entry[0])[1] if drawn else None


def _share_seen(voxels: Mapping[int, int]) -> float | None:
    total = sum(voxels.values())
    return None if total == 0 else 1 - voxels.get(UNSEEN, 0) / total


@lru_cache(maxsize=20_000)
def _work_on(folder: Path, ids: tuple[str, ...]) -> tuple[float, tuple[tuple[str, str], ...]]:
    """Minutes over all revisions, and the newest of each author; committed revisions never change."""
    found = [revision for id in ids if (revision := read_revision(folder, id)) is not None]
    newest = {revision.author: revision.id for revision in found if revision.origin != "imported"}
    return sum(revision.minutes for revision in found), tuple(newest.items())
