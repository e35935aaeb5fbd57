"""The learning curve: how near the proposals of each run were to what people made of them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import mean, stdev

from .records import Finished, last_of_each


@dataclass(frozen=True)
class Round:
    """The proposals of a run that people have dealt with.

    Attributes
    ----------
    dices : tuple of float
        Mean Dice over classes between proposal and labels, case by case, in the order of work.
    spread : float or None
        Standard deviation over cases; None of one case.
    accepted : int
        Proposals that were taken as they were.
    """

    run: str
    cases: tuple[str, ...]
    dices: tuple[float, ...]
    accepted: int

    @property
    def dice(self) -> float:
        """The mean over cases."""
        return mean(self.dices)

    @property
    def spread(self) -> float | None:
        return stdev(self.dices) if len(self.dices) > 1 else None


def make_rounds(finished: Iterable[Finished], runs: Sequence[str]) -> tuple[Round, ...]:
    """A round for each run with a proposal that was corrected or accepted, in the order of `runs`."""
    rounds = []
    last = last_of_each(finished)
    for run in runs:
        of_run = [(one, one.dice) for one in last if one.run == run]
        known = [(one, dice) for one, dice in of_run if dice is not None]
        if known:
            accepted = sum(one.origin == "accepted" for one, _ in known)
            cases, dices = tuple(one.case for one, _ in known), tuple(dice for _, dice in known)
            rounds.append(Round(run, cases, dices, accepted))
    return tuple(rounds)


def tell_rounds(rounds: Sequence[Round]) -> str:
    """The curve in words."""
    if not rounds:
        return "Nothing to show yet: correct or accept the proposals of a run, and its round appears here."
    last = rounds[-1]
    number = len(last.dices)
    now = f"{last.run}: Dice {last.dice:.2f} over {number} case{'s' if number != 1 else ''}"
    if len(rounds) == 1:
        return f"{now}. One round so far: a curve needs two."
    before = rounds[-2]
    change = last.dice - before.dice
    spread = max(one.spread or 0.0 for one in (last, before))
    if min(number, len(before.dices)) < 3 or abs(change) <= spread:
        said = "too few cases, or too different ones, to say whether that is a change"
    else:
        said = "better" if change > 0 else "worse"
    return f"{now}; {before.run} before it {before.dice:.2f} over {len(before.dices)}: {said}."
