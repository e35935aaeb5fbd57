"""Schedules as pure functions."""

from __future__ import annotations

import math

from .base import Schedule


def learning_rate(schedule: Schedule, base: float, step: int, progress: float) -> float:
    """Learning rate of a step.

    Parameters
    ----------
    schedule : Schedule
    base : float
        Its highest value.
    step : int
        Steps of this phase done before this one.
    progress : float
        Part of the phase done before this step, 0 to 1.

    Notes
    -----
    "step" counts steps, everything else goes by progress, so that it also fits a budget of time. The warm-up rises
    linearly over its part of the phase; the shape after it runs over the rest.
    """
    if schedule.warmup > 0 and progress < schedule.warmup:
        if schedule.from_zero:
            return base * _rise(step, progress, schedule.warmup)
        # half a hundredth of the way up at once, so that the first step already learns
        return base * max(progress / schedule.warmup, 0.005)
    rest = (progress - schedule.warmup) / (1 - schedule.warmup) if schedule.warmup < 1 else 1.0
    rest = min(1.0, max(0.0, rest))
    match schedule.kind:
        case "poly":
            return base * float((1 - rest) ** 0.9)
        case "cosine":
            return cosine(base, schedule.floor, in_epochs(rest, schedule.epochs))
        case "step":
            return base * float(schedule.gamma ** (step // schedule.every)) if schedule.every > 0 else base
        case "drops":  # a hair early rather than a step late
            return base * float(schedule.gamma ** sum(progress >= point - 1e-9 for point in schedule.drops))
    return base


def _rise(step: int, progress: float, length: float) -> float:
    """0 at the first step and 1 at the last one of a warm-up over the first `length` of a phase."""
    if step == 0:
        return 0.0
    one_step = progress / step
    return min(1.0, progress / max(length - one_step, one_step))


def cosine(start: float, end: float, progress: float) -> float:
    """From `start` to `end` along half a cosine."""
    return end + 0.5 * (start - end) * (1 + math.cos(math.pi * progress))


def stair(progress: float, epochs: int) -> int:
    """Which of `epochs` equal parts of a phase this is, from 0."""
    return math.floor(progress * epochs + 1e-9)  # k / epochs may fall short of k by a rounding


def in_epochs(progress: float, epochs: int) -> float:
    """Progress that stands still for an epoch: e / `epochs` in epoch e, of `epochs` + 1 equal ones; 1 in the last.

    0 epochs leave it as it is.
    """
    return min(epochs, stair(progress, epochs + 1)) / epochs if epochs > 0 else progress


def sigmoid_ramp(position: float, length: float) -> float:
    """exp(-5 (1 - position / length)^2), 1 from `length` on; 1 where `length` is 0 (Laine and Aila, 2017)."""
    if length <= 0:
        return 1.0
    left = 1.0 - min(max(position, 0.0), length) / length
    return math.exp(-5.0 * left * left)


def official_consistency_weight(iteration: int, highest: float, length: float, every: int = 150) -> float:
    """The weight that BCP's code computes at an iteration and never uses.

    Parameters
    ----------
    iteration : int
    highest : float
        1.0 for the left atrium, 0.5 for ACDC.
    length : float
        Of the ramp, in units of `every` iterations: 40 for the left atrium, 200 for ACDC.
    """
    return highest * sigmoid_ramp(iteration // every, length)
