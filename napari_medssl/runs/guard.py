"""Did the unlabelled scans help? Each run that used them is held against learning from the labels alone.

A run is compared with one from labels only that had the same labels, the same held-out cases at the same resolution
and the same time. What is compared is the model that each deploys: the best of its measurements on those cases, so
both figures flatter, alike. Which model is used is another matter: `champion.py`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import stdev
from typing import Literal

from ..methods.catalog import CATALOG
from .history import PastRun
from .outlook import Stock, Wish
from .words import count, duration

#: Dice. Two trainings that differ by their seed alone differ by so much, however many cases they are measured on.
TIE = 0.005
#: Dice. Standard deviation over cases of the difference between two models, where fewer cases than `FEW` tell: between
#: trainings of the hippocampus by a minute each it was 0.026 to 0.043 over 40 cases.
CASE_SPREAD = 0.03
FEW = 5
#: Part of the minutes. Half as many again bring about 0.01 Dice (docs/benchmarks.md), a tenth no more than `TIE`.
SAME_TIME = 0.1

Standing = Literal["better", "as good", "worse"]
LABELS_ONLY = "labels only"


@dataclass(frozen=True)
class Verdict:
    """How a run that used unlabelled scans compares with learning from labels only.

    Attributes
    ----------
    standing : str or None
        None: there is nothing to compare it with; `text` says why.
    text : str
        In sentences.
    against : str
        The run from labels only.
    dice, its_dice : float or None
        Of the model that the run deploys, and of that run's.
    margin : float
        Differences up to this one say nothing.
    cases : int
        Held-out cases.
    can_compare : bool
        Whether a training from labels only would tell.
    """

    run: str
    standing: Standing | None
    text: str
    against: str = ""
    dice: float | None = None
    its_dice: float | None = None
    margin: float = 0.0
    cases: int = 0
    can_compare: bool = False

    @property
    def is_worse(self) -> bool:
        """Whether the run is marked."""
        return self.standing == "worse"


def judge(past: PastRun, runs: Sequence[PastRun]) -> Verdict | None:
    """The verdict on a run; None where there is nothing to judge: it is not trained yet, or used labels only.

    Parameters
    ----------
    past : PastRun
    runs : sequence of PastRun
        Those of its project, oldest first.
    """
    if not (is_model(past) and past.outcome.trained) or used_labels_only(past, runs):
        return None
    mine = past.outcome.deployed
    if mine is None or not past.held_out:
        return Verdict(past.run, None, "Not compared with labels only: no labelled scans were held out to measure on.")
    if mine.cases < 2:
        return Verdict(past.run, None, "Not compared with labels only: a single held-out scan decides nothing.")
    known = seen_before(past, runs) & {entry.case for entry in past.held_out}
    if known:
        words = f"{count(len(known), 'scan')} that it is measured on"
        return Verdict(past.run, None, f"Not compared with labels only: the model it began with has learnt {words}.")
    like = [(rank, other) for other in runs if (rank := _likeness(past, other, runs)) is not None]
    if not like:
        why = "no such training yet with the same labels and for the same time."
        return Verdict(past.run, None, f"Not compared with labels only: {why}", can_compare=True)
    nearest = min(rank for rank, _ in like)
    other = [other for rank, other in like if rank == nearest][-1]
    theirs = other.outcome.deployed
    assert theirs is not None
    both = mine.by_case.keys() & theirs.by_case.keys()
    margin = margin_of([mine.by_case[case] - theirs.by_case[case] for case in sorted(both)], mine.cases)
    standing = compare(mine.mean - theirs.mean, margin)
    return Verdict(
        past.run, standing, _sentences(past, other, runs, standing, margin), other.run, mine.mean, theirs.mean, margin,
        mine.cases,
    )  # fmt: skip


def wanted_comparison(past: PastRun, stock: Stock) -> Wish | None:
    """The training from labels only that would tell whether the unlabelled scans helped a run.

    None where it would tell nothing: nothing is held out, it has been there, or other scans are labelled by now.
    """
    verdict = judge(past, stock.runs)
    if verdict is None or not verdict.can_compare:
        return None
    if (past.labelled, past.held_out) != (stock.labels, stock.measures):
        return None
    length = _whole(past, stock.runs) or _own(past)
    if length.unit == "steps":
        return Wish("supervised", past.preset, steps=round(length.amount), device=past.device)
    return Wish("supervised", past.preset, minutes=round(length.amount, 2), device=past.device)


_newest: list[tuple[tuple[PastRun, ...], dict[str, Verdict]]] = []  # of the runs judged last, and how


def judge_all(runs: Sequence[PastRun]) -> dict[str, Verdict]:
    """The verdicts there are, by run.

    Every run is held against every other, and a screen asks again with each change of what it shows: those of the same
    tuple of runs are kept.
    """
    for known, verdicts in _newest[:1]:
        if known is runs:
            return dict(verdicts)
    found = {past.run: judge(past, runs) for past in runs}
    told = {run: verdict for run, verdict in found.items() if verdict is not None}
    if isinstance(runs, tuple):
        _newest[:] = [(runs, told)]
    return dict(told)


def margin_of(differences: Sequence[float], cases: int) -> float:
    """The standard error of a mean difference in Dice, and no less than chance always makes.

    Of two cases or more, one alone never makes a mean exceed it, however bad it is.

    Parameters
    ----------
    differences : sequence of float
        Case by case, where they are known.
    cases : int
        Number of cases.
    """
    spread = stdev(differences) if len(differences) > 1 else 0.0
    if len(differences) < FEW:
        spread = max(spread, CASE_SPREAD)
    return max(TIE, spread / math.sqrt(cases))


def compare(difference: float, margin: float) -> Standing:
    """How a run stands whose Dice is that much above the other's."""
    if abs(difference) <= margin * (1 + 1e-6):
        return "as good"
    return "better" if difference > 0 else "worse"


def is_model(past: PastRun) -> bool:
    """Whether a run has a model that segments, and into the classes that the project has."""
    info = CATALOG.get(past.method)
    return not past.retired and past.task == "train" and past.has_model and info is not None and info.segments


def _before(past: PastRun, runs: Sequence[PastRun]) -> tuple[PastRun, ...] | None:
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
    before = _before(past, runs)
    return before is not None and all(_is_supervised(run) for run in (past, *before))


def _is_supervised(past: PastRun) -> bool:
    return past.method in CATALOG and CATALOG[past.method].kind == "supervised"


def seen_before(past: PastRun, runs: Sequence[PastRun]) -> set[str]:
    """Cases whose labels the models that a run began with have learnt from."""
    before = (run for run in _before(past, runs) or () if run.method in CATALOG and CATALOG[run.method].segments)
    return {entry.case for run in before for entry in run.labelled}


def _likeness(past: PastRun, other: PastRun, runs: Sequence[PastRun]) -> int | None:
    """How well a run from labels only compares with `past`: 0 is best, None not at all."""
    if not (is_model(other) and _is_supervised(other) and other.outcome.completed) or other.run == past.run:
        return None
    if other.outcome.deployed is None or (other.labelled, other.held_out) != (past.labelled, past.held_out):
        return None
    # Dice is measured at the plan's resolution: at a coarser one it is another number
    if past.plan is None or other.plan is None or past.plan.spacing != other.plan.spacing:
        return None
    seen = seen_before(other, runs) & {entry.case for entry in other.held_out}
    if used_labels_only(other, runs) and not seen:
        if _same_length(_whole(past, runs), _whole(other, runs)):
            return 0
        if _same_length(_own(past), _whole(other, runs)):
            return 2
    if past.start_from and past.start_from == other.start_from and _same_length(_own(past), _own(other)):
        return 1
    return None


@dataclass(frozen=True)
class _Length:
    """How long a training was: `amount` in `unit` (steps, or minutes on a kind of device)."""

    unit: str
    amount: float


def _own(past: PastRun) -> _Length:
    if past.minutes is None:
        return _Length("steps", past.outcome.steps)
    device = past.plan.device if past.plan is not None else past.device
    return _Length(f"minutes on {device.split(':')[0]}", past.minutes * past.outcome.share)


def _whole(past: PastRun, runs: Sequence[PastRun]) -> _Length | None:
    """With all that came before; None where that is not known or not of one unit."""
    before = _before(past, runs)
    lengths = [_own(run) for run in (past, *(before or ()))]
    if before is None or len({length.unit for length in lengths}) > 1:
        return None
    return _Length(lengths[0].unit, sum(length.amount for length in lengths))


def _same_length(one: _Length | None, other: _Length | None) -> bool:
    if one is None or other is None or one.unit != other.unit:
        return False
    return abs(one.amount - other.amount) <= SAME_TIME * max(one.amount, other.amount)


def _sentences(past: PastRun, other: PastRun, runs: Sequence[PastRun], standing: Standing, margin: float) -> str:
    mine, theirs = past.outcome.deployed, other.outcome.deployed
    assert mine is not None
    assert theirs is not None
    said = {
        "better": "Better than labels only",
        "as good": "No clear difference to labels only",
        "worse": "Worse than labels only",
    }[standing]
    scans = count(mine.cases, "held-out scan")
    dice = f"Dice {mine.mean:.3f} on {scans}, {other.run} {theirs.mean:.3f}, each the best of its measurements"
    close = f" (up to {margin:.3f} is chance)" if standing == "as good" else ""
    return f"{said}: {dice}{close}. Trained for {_time(past, runs)}; {other.run} for {_time(other, runs)}."


def _time(past: PastRun, runs: Sequence[PastRun]) -> str:
    """How long a run trained, and the runs before it."""
    before = _before(past, runs) or ()
    earlier = ", ".join(f"{_length_text(_own(run))} of {run.run}" for run in before)
    own = _own(past)
    # as many minutes are fewer steps where the machine had other things to do
    steps = "" if own.unit == "steps" else f" ({count(past.outcome.steps, 'step')})"
    return _length_text(own) + steps + (f" after {earlier}" if earlier else "")


def _length_text(length: _Length) -> str:
    return count(round(length.amount), "step") if length.unit == "steps" else duration(60 * length.amount)


def figures(verdict: Verdict) -> str:
    """The two Dice of a comparison."""
    scans = count(verdict.cases, "held-out scan")
    return f"Dice {verdict.dice:.3f} against {verdict.its_dice:.3f} on {scans}"
