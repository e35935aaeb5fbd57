"""When a difference between two models says something: the margin that chance makes, and how a run stands by it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import stdev
from typing import Literal

#: Dice. Two trainings that differ by their seed alone differ by so much, however many cases they are measured on.
TIE = 0.005
#: Dice. Standard deviation over cases of the difference between two models, where fewer cases than `FEW` tell: between
#: trainings of the hippocampus by a minute each it was 0.026 to 0.043 over 40 cases.
CASE_SPREAD = 0.03
FEW = 5

Standing = Literal["better", "as good", "worse"]


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
