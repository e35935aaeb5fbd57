"""Did the unlabelled scans help? Each run that used them is held against learning from the labels alone.

A run is compared with one from labels only that had the same labels, the same held-out cases at the same resolution
and the same time. What is compared is the model that each deploys: the best of its measurements on those cases, so
both figures flatter, alike. Which model is used is another matter: `champion.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .history import PastRun
from .lineage import (
    is_model,
    is_supervised,
    own_length,
    same_length,
    seen_before,
    trained_for,
    used_labels_only,
    whole_length,
)
from .margin import Standing, compare, margin_of
from .outlook import Stock, Wish
from .words import count


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
    length = whole_length(past, stock.runs) or own_length(past)
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


def _likeness(past: PastRun, other: PastRun, runs: Sequence[PastRun]) -> int | None:
    """How well a run from labels only compares with `past`: 0 is best, None not at all."""
    if not (is_model(other) and is_supervised(other) and other.outcome.completed) or other.run == past.run:
        return None
    if other.outcome.deployed is None or (other.labelled, other.held_out) != (past.labelled, past.held_out):
        return None
    # Dice is measured at the plan's resolution: at a coarser one it is another number
    if past.plan is None or other.plan is None or past.plan.spacing != other.plan.spacing:
        return None
    seen = seen_before(other, runs) & {entry.case for entry in other.held_out}
    if used_labels_only(other, runs) and not seen:
        if same_length(whole_length(past, runs), whole_length(other, runs)):
            return 0
        if same_length(own_length(past), whole_length(other, runs)):
            return 2
    if past.start_from and past.start_from == other.start_from and same_length(own_length(past), own_length(other)):
        return 1
    return None


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
    return f"{said}: {dice}{close}. Trained for {trained_for(past, runs)}; {other.run} for {trained_for(other, runs)}."


def figures(verdict: Verdict) -> str:
    """The two Dice of a comparison."""
    scans = count(verdict.cases, "held-out scan")
    return f"Dice {verdict.dice:.3f} against {verdict.its_dice:.3f} on {scans}"
