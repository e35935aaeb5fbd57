"""What label revisions say about the work that went into them. Their masks are not opened."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..imaging import UNSEEN
from ..project.migration import is_of_class_change
from ..project.restoring import is_restored

if TYPE_CHECKING:
    from ..project import Project, Revision


@dataclass(frozen=True)
class Finished:
    """A time that somebody called a case complete.

    Attributes
    ----------
    case, revision : str
    time : str
        ISO 8601, UTC.
    origin : str
        "drawn", "corrected" or "accepted".
    run : str or None
        Whose proposal it was made from.
    dice : float or None
        Mean Dice over classes between that proposal and what became of it.
    voxels : int
        Voxels that were changed in the proposal; without one, those that were drawn as some class.
    minutes : float
        Working time since the case was complete before, or was begun.
    strokes : int or None
        Strokes in that time; None where not all of them were counted.
    """

    case: str
    revision: str
    time: str
    origin: str
    run: str | None
    dice: float | None
    voxels: int
    minutes: float
    strokes: int | None


def read_finished(project: Project) -> list[Finished]:
    """Each time that a person finished a case, oldest first; what was imported is no work."""
    found = []
    for case in project.cases():
        revisions = case.revisions()
        times = dict(zip((one.id for one in revisions), in_order([one.time for one in revisions]), strict=True))
        found += [(times[one.revision], one) for one in finished_of(case.name, revisions)]
    return [one for _, one in sorted(found, key=lambda pair: pair[0])]  # stable: those of a case stay as they are


def in_order(times: Sequence[str]) -> list[str]:
    """Times that never go back, of revisions in the order in which they were made.

    As few clocks as can be are taken to have been wrong: the longest row that goes forward stands, and what is out of
    it has the time of the one before.
    """
    ends: list[str] = []  # of rows that go forward, by their length: the earliest time that one of them ends with
    lengths = []
    for time in times:
        length = bisect_right(ends, time)
        ends[length : length + 1] = [time]
        lengths.append(length)
    right: list[str] = []
    wanted, after = len(ends) - 1, ""
    for time, length in zip(reversed(times), reversed(lengths), strict=True):
        fits = length == wanted and (not after or time <= after)
        right.append(time if fits else "")
        wanted, after = (wanted - 1, time) if fits else (wanted, after)
    right.reverse()
    last = next((time for time in right if time), "")
    return [last := time or last for time in right]


def finished_of(case: str, revisions: Sequence[Revision]) -> Iterable[Finished]:
    """Those of one case, from its revisions, oldest first."""
    since: list[Revision] = []
    for revision in revisions:
        if is_of_class_change(revision) or is_restored(revision):
            continue
        if revision.origin == "imported":
            since = []
            continue
        since.append(revision)
        if not revision.complete:
            continue
        counted = [one.strokes for one in since if one.strokes is not None]
        based = revision.run is not None
        yield Finished(
            case=case,
            revision=revision.id,
            time=revision.time,
            origin=revision.origin,
            run=revision.run,
            dice=revision.dice_to_proposal if based else None,
            voxels=sum(revision.changes.values()) if based else _drawn(revision),
            minutes=sum(one.minutes for one in since),
            strokes=sum(counted) if len(counted) == len(since) else None,
        )
        since = []


def last_of_each(finished: Iterable[Finished]) -> list[Finished]:
    """Of each case and run the last, of those given oldest first: what a proposal was in the end."""
    kept: dict[tuple[str, str | None], Finished] = {}
    for one in finished:
        kept.pop((one.case, one.run), None)  # in the order of their last times
        kept[one.case, one.run] = one
    return list(kept.values())


def _drawn(revision: Revision) -> int:
    return sum(number for value, number in revision.voxels.items() if value not in (0, UNSEEN))
