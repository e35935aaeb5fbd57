"""What a curve does, in words: still improving, flat, getting worse, or too early to tell. Pure.

Points are gathered into bins; how much bins and points scatter about their neighbours is what chance does. A straight
line through the last third then tells a direction, if it rises or falls by more than chance and by enough to matter.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from .status import CurvePoint, RunStatus
from .trail import thinned
from .words import duration

Kind = Literal["early", "improving", "flat", "worse"]
BINS = 24
MOST = 600  # points looked at: this is asked several times a second
CHANCE = 2.5  # standard errors
MATTERS = 0.03  # part of the whole range of the curve
FEWEST_LOSSES, FEWEST_DICE = 12, 4  # points
EARLY = 20.0  # seconds
DICE_FLOOR = 0.005  # Dice: two trainings that differ by their seed alone differ by so much


@dataclass(frozen=True)
class Trend:
    """What a curve does; `seconds` is for how long, where it is flat or getting worse."""

    kind: Kind
    seconds: float = 0.0

    def __str__(self) -> str:
        match self.kind:
            case "early":
                return "too early to tell"
            case "improving":
                return "still improving"
            case "flat":
                return f"flat for {duration(self.seconds)}"
            case "worse":
                return f"getting worse for {duration(self.seconds)}"


def loss_trend(status: RunStatus) -> Trend:
    """What the loss of the phase under way does; another phase has another loss."""
    points = [point for point in thinned(status.loss, MOST) if point.step > status.phase_step]
    return tell_trend(points, fewest=FEWEST_LOSSES)


def dice_trend(status: RunStatus) -> Trend:
    """What the Dice on held-out cases does."""
    return tell_trend(thinned(status.dice, MOST), higher_is_better=True, fewest=FEWEST_DICE, floor=DICE_FLOOR)


def tell_trend(
    points: Sequence[CurvePoint], *, higher_is_better: bool = False, fewest: int = FEWEST_LOSSES, floor: float = 0.0
) -> Trend:
    """What a curve does.

    Parameters
    ----------
    points : sequence of CurvePoint
        In order; values that are no numbers are passed over.
    higher_is_better : bool
        As for Dice; lower is, otherwise.
    fewest : int
        Points before which it is too early.
    floor : float
        A change that does not matter, in units of the value.
    """
    points = [point for point in points if math.isfinite(point.value)]
    if len(points) < fewest or points[-1].seconds - points[0].seconds < EARLY:
        return Trend("early")
    seconds = np.array([point.seconds for point in points])
    values = np.array([point.value for point in points]) * (-1.0 if higher_is_better else 1.0)
    groups = np.array_split(np.arange(len(points)), min(BINS, len(points)))
    t = np.array([seconds[group].mean() for group in groups])
    v = np.array([_middle(values[group]) for group in groups])
    scatter = max(_scatter(v), _scatter_within([values[group] for group in groups]))
    least = max(floor, MATTERS * float(np.ptp(v)))

    def direction(first: int) -> int:
        """Of the bins from this one on: 1 better, -1 worse, 0 neither."""
        gain, error = _gain(t[first:], v[first:])
        if abs(gain) <= max(least, CHANCE * scatter * error):
            return 0
        return 1 if gain > 0 else -1

    first = len(v) - max(3, len(v) // 3)
    match direction(first):
        case 1:
            return Trend("improving")
        case -1:
            smooth = np.convolve(v, np.ones(3) / 3, mode="valid")
            return Trend("worse", float(seconds[-1] - t[int(np.argmin(smooth)) + 1]))
    while first > 0 and direction(first - 1) == 0:
        first -= 1
    return Trend("flat", float(seconds[-1] - seconds[groups[first][0]]))


def _median(values: NDArray[np.float64]) -> float:
    """As `np.median` of numbers that are all finite, in a tenth of the time."""
    ordered, half = np.sort(values), len(values) // 2
    return float(ordered[half] if len(values) % 2 else (ordered[half - 1] + ordered[half]) / 2)


def _middle(values: NDArray[np.float64]) -> float:
    """The mean; of what lies far off only so much that a spike does not move it."""
    median = _median(values)
    reach = 3 * 1.4826 * _median(np.abs(values - median))
    return float(np.clip(values, median - reach, median + reach).mean()) if len(values) > 2 else float(values.mean())


def _scatter(v: NDArray[np.float64]) -> float:
    """The standard deviation of bins about a smooth curve of late: how they differ from their two neighbours' mean."""
    late = v[-max(5, len(v) // 2) :]
    apart = late[1:-1] - (late[:-2] + late[2:]) / 2
    return 1.4826 * _median(np.abs(apart)) / math.sqrt(1.5)


def _scatter_within(groups: Sequence[NDArray[np.float64]]) -> float:
    """The same from how points of a bin differ from the next one; 0 where a bin is a point or two."""
    late = [group for group in groups[-max(5, len(groups) // 2) :] if len(group) > 2]
    if not late:
        return 0.0
    apart = np.concatenate([np.diff(group) for group in late])
    size = sum(map(len, late)) / len(late)
    return 1.4826 * _median(np.abs(apart)) / math.sqrt(2 * size)


def _gain(t: NDArray[np.float64], v: NDArray[np.float64]) -> tuple[float, float]:
    """By how much a line through the bins falls from first to last, and the error of that per unit of scatter."""
    away = t - t.mean()
    length, square = float(t[-1] - t[0]), float((away**2).sum())
    if square == 0.0:
        return 0.0, 0.0
    slope = float((away * v).sum()) / square
    return -slope * length, length / math.sqrt(square)
