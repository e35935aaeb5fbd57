"""What came before a run, what its model has seen, and how long all of it trained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..methods.catalog import CATALOG
from .history import PastRun
from .words import count, duration

#: Part of the minutes. Half as many again bring about 0.01 Dice (docs/benchmarks.md), a tenth no more than `TIE`.
SAME_TIME = 0.1


def is_model(past: PastRun) -> bool:
    """Whether a run has a model that segments, and into the classes that the project has."""
    info = CATALOG.get(past.method)
    return not past.retired and past.task == "train" and past.has_model and info is not None and info.segments


def ancestors(past: PastRun, runs: Sequence[PastRun]) -> tuple[PastRun, ...] | None:
    """The runs that a run began with, nearest first; None where one of them is not known here."""
    by_name = {run.run: run for run in runs}
    found: list[PastRun] = []
    while past.start_from:
        if past.start_from not in by_name or by_name[past.start_from] in found:
            return None
        past = by_name[past.start_from]
        found.append(past)
    return tuple(found)


def used_labels_only(past: PastRun, runs: Sequence[PastRun]) -> bool:
    """Whether neither a run nor those it began with looked at unlabelled scans."""
    earlier = ancestors(past, runs)
    return earlier is not None and all(is_supervised(run) for run in (past, *earlier))


def is_supervised(past: PastRun) -> bool:
    """Whether a run itself learnt from labels only."""
    return past.method in CATALOG and CATALOG[past.method].kind == "supervised"


def seen_before(past: PastRun, runs: Sequence[PastRun]) -> set[str]:
    """Cases whose labels the models that a run began with have learnt from."""
    earlier = (run for run in ancestors(past, runs) or () if run.method in CATALOG and CATALOG[run.method].segments)
    return {entry.case for run in earlier for entry in run.labelled}


@dataclass(frozen=True)
class Length:
    """How long a training was: `amount` in `unit` (steps, or minutes on a kind of device)."""

    unit: str
    amount: float


def own_length(past: PastRun) -> Length:
    """Of the run alone."""
    if past.minutes is None:
        return Length("steps", past.outcome.steps)
    device = past.plan.device if past.plan is not None else past.device
    return Length(f"minutes on {device.split(':')[0]}", past.minutes * past.outcome.share)


def whole_length(past: PastRun, runs: Sequence[PastRun]) -> Length | None:
    """With all that came before; None where that is not known or not of one unit."""
    earlier = ancestors(past, runs)
    lengths = [own_length(run) for run in (past, *(earlier or ()))]
    if earlier is None or len({length.unit for length in lengths}) > 1:
        return None
    return Length(lengths[0].unit, sum(length.amount for length in lengths))


def same_length(one: Length | None, other: Length | None) -> bool:
    """Whether two trainings had the same time; no where it is not known."""
    if one is None or other is None or one.unit != other.unit:
        return False
    return abs(one.amount - other.amount) <= SAME_TIME * max(one.amount, other.amount)


def trained_for(past: PastRun, runs: Sequence[PastRun]) -> str:
    """How long a run trained, and the runs before it."""
    earlier = ", ".join(f"{_text(own_length(run))} of {run.run}" for run in ancestors(past, runs) or ())
    own = own_length(past)
    # as many minutes are fewer steps where the machine had other things to do
    steps = "" if own.unit == "steps" else f" ({count(past.outcome.steps, 'step')})"
    return _text(own) + steps + (f" after {earlier}" if earlier else "")


def _text(length: Length) -> str:
    return count(round(length.amount), "step") if length.unit == "steps" else duration(60 * length.amount)
