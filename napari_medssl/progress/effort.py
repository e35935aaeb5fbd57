"""Effort: voxels, strokes and minutes per case, over time. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from .records import Finished

FEW = 4  # finished cases, below which no trend is told


@dataclass(frozen=True)
class Effort:
    """The work that one case took, in the order of work.

    Attributes
    ----------
    kind : str
        "drawn" from nothing, "corrected", or "accepted" as proposed.
    voxels : int
        Changed in the proposal; of one that was drawn from nothing, all that are some class.
    strokes : int or None
        None where they were not counted.
    """

    case: str
    time: str
    kind: str
    run: str | None
    voxels: int
    strokes: int | None
    minutes: float


MEASURES = {"minutes": "minutes", "strokes": "strokes", "voxels": "voxels changed"}


def make_effort(finished: Iterable[Finished]) -> tuple[Effort, ...]:
    """The work of each finished case, oldest first."""
    return tuple(
        Effort(one.case, one.time, one.origin, one.run, one.voxels, one.strokes, one.minutes) for one in finished
    )


def values_of(effort: Sequence[Effort], measure: str) -> list[float | None]:
    """One of `MEASURES`, case by case; None where it was not counted."""
    found = (getattr(one, measure) for one in effort)
    return [None if value is None else float(value) for value in found]


def tell_effort(effort: Sequence[Effort], measure: str) -> str:
    """Whether the work gets less, in words."""
    known = [value for value in values_of(effort, measure) if value is not None]
    if not known:
        return "Nothing to show yet: label a case and mark it as complete."
    what, number = MEASURES[measure], len(known)
    if number < 2 * FEW:
        return f"{number} case{'s' if number != 1 else ''} so far, {_figure(median(known))} {what} in the middle."
    half = number // 2
    first, last = median(known[:half]), median(known[half:])
    return f"{_figure(first)} {what} per case in the first half of the work, {_figure(last)} in the second (medians)."


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 or value == int(value) else f"{value:.1f}"
