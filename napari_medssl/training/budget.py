"""How long phases last, and how far they are: steps, or a share of the minutes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ..methods.base import Phase
from ..runs.spec import Budget
from .checkpoint import Progress


@dataclass(frozen=True)
class PhaseBudget:
    """The end of a phase: after so many steps or seconds, whichever are over first; one of them is set at least."""

    steps: int | None = None
    seconds: float | None = None

    def progress(self, steps: int, seconds: float) -> float:
        """Part of the phase that is done, 0 to 1."""
        counted, timed = _part(steps, self.steps), _part(seconds, self.seconds)
        return max(part for part in (counted, timed) if part is not None)

    def seconds_left(self, steps: int, seconds: float) -> float:
        """Expected time to its end at the speed so far."""
        if self.seconds is not None:
            return max(0.0, self.seconds - seconds)
        return (self.steps or 0) * seconds / steps - seconds if steps else 0.0


def split(budget: Budget, phases: list[Phase]) -> list[PhaseBudget]:
    """A budget's share for each phase; without a budget each phase's own steps.

    What a phase leaves over because it has had its most steps goes to the next: here where steps are counted, by
    `with_left_over` where time is.
    """
    total = sum(p.share for p in phases)
    if budget.steps is not None:
        begin, counts = 0, []
        for k, phase in enumerate(phases):
            end = round(budget.steps * sum(p.share for p in phases[: k + 1]) / total)
            counts.append(min(end - begin, end if phase.most_steps is None else phase.most_steps))
            begin += counts[-1]
        return [PhaseBudget(steps=count) for count in counts]
    if budget.minutes is not None:
        return [PhaseBudget(p.most_steps, 60 * budget.minutes * p.share / total) for p in phases]
    return [PhaseBudget(steps=p.steps or 1) for p in phases]


def with_left_over(budgets: Sequence[PhaseBudget], index: int, before: float) -> PhaseBudget:
    """The budget of a phase that begins `before` seconds into training, with what those before it left over."""
    budget = budgets[index]
    if budget.seconds is None:
        return budget
    given = sum(b.seconds or 0.0 for b in budgets[:index])
    return replace(budget, seconds=budget.seconds + max(0.0, given - before))


def part_of_run(budgets: Sequence[PhaseBudget], now: Progress) -> float:
    """Part of all training that is done, 0 to 1."""
    before = now.seconds - now.phase_seconds
    here, later = with_left_over(budgets, now.phase, before), budgets[now.phase + 1 :]
    if here.seconds is not None:
        done = before + min(now.phase_seconds, here.seconds)
        whole = before + here.seconds + sum(b.seconds or 0.0 for b in later)
    else:
        done, whole = now.step, now.step - now.phase_step + sum(b.steps or 0 for b in (here, *later))
    return min(1.0, done / whole) if whole else 1.0


def total_steps(budgets: Sequence[PhaseBudget]) -> int | None:
    """Steps of the whole run, None when time bounds it."""
    if any(b.seconds is not None for b in budgets):
        return None
    return sum(b.steps or 0 for b in budgets)


def _part(done: float, of: float | None) -> float | None:
    """How much of it is done, 0 to 1; all of nothing. None where there is no such end."""
    if of is None:
        return None
    return min(1.0, done / of) if of else 1.0
