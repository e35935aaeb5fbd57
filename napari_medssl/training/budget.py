"""How long phases last, and how far they are: steps, or a share of the minutes."""

from __future__ import annotations

from dataclasses import dataclass

from ..methods.base import Phase
from ..runs.spec import Budget


@dataclass(frozen=True)
class PhaseBudget:
    """The end of a phase: exactly one of `steps` and `seconds` is set."""

    steps: int | None = None
    seconds: float | None = None

    def progress(self, steps: int, seconds: float) -> float:
        """Part of the phase that is done, 0 to 1."""
        if self.steps is not None:
            return min(1.0, steps / self.steps) if self.steps else 1.0
        return min(1.0, seconds / self.seconds) if self.seconds else 1.0

    def seconds_left(self, steps: int, seconds: float) -> float:
        """Expected time to its end at the speed so far."""
        if self.seconds is not None:
            return max(0.0, self.seconds - seconds)
        return (self.steps or 0) * seconds / steps - seconds if steps else 0.0


def split(budget: Budget, phases: list[Phase]) -> list[PhaseBudget]:
    """A budget's share for each phase; without a budget each phase's own steps."""
    total = sum(p.share for p in phases)
    if budget.steps is not None:
        ends = [round(budget.steps * sum(p.share for p in phases[: k + 1]) / total) for k in range(len(phases))]
        return [PhaseBudget(steps=b - a) for a, b in zip([0, *ends], ends, strict=False)]
    if budget.minutes is not None:
        return [PhaseBudget(seconds=60 * budget.minutes * p.share / total) for p in phases]
    return [PhaseBudget(steps=p.steps or 1) for p in phases]


def total_steps(budgets: list[PhaseBudget]) -> int | None:
    """Steps of the whole run, None when time bounds it."""
    counts = [b.steps for b in budgets]
    return None if None in counts else sum(c for c in counts if c is not None)
