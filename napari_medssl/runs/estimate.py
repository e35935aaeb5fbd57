"""How long a run will take, from what was asked and from how earlier runs went. No torch, no guesses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ..methods.catalog import MethodInfo
from ..methods.options import resolve_options
from .history import PastRun
from .presets import own_steps, preset_options
from .settings import PLAN_SETTINGS
from .spec import Budget, Plan
from .words import count, duration

if TYPE_CHECKING:
    from .outlook import Wish

MINUTES = 10.0  # where nothing is said


@dataclass(frozen=True)
class Estimate:
    """Time that a run will take.

    Attributes
    ----------
    training_seconds, proposal_seconds : float or None
        None where nobody knows.
    steps : int or None
        Length of the training where steps bound it.
    like : str
        The earlier run whose pace this is; empty where none was needed or found.
    """

    training_seconds: float | None
    proposal_seconds: float | None
    steps: int | None = None
    proposals: int = 0
    like: str = ""

    @property
    def text(self) -> str:
        """A sentence or two for a person."""
        training = "" if self.training_seconds is None else duration(self.training_seconds)
        proposing = "" if self.proposal_seconds is None else duration(self.proposal_seconds)
        words = f"{training} of training"
        if self.steps is not None:
            steps = count(self.steps, "step")
            pace = f", at the pace of {self.like}" if self.like else ""
            words = f"About {training} of training ({steps}{pace})" if training else f"{steps} of training"
        if self.proposals:
            what = count(self.proposals, "proposal")
            words += f", then about {proposing} for {what}" if proposing else f", then {what}"
        unknown = [name for name, known in (("a step", training), ("a proposal", proposing)) if not known]
        if not self.proposals:
            unknown = unknown[: not training]
        return (
            f"{words}. How long {' or '.join(unknown)} takes is not known before the first." if unknown else f"{words}."
        )


def ask_budget(preset: str, minutes: float | None, steps: int | None) -> Budget:
    """The length of a run as it was asked for: the automatic preset has none of its own."""
    return Budget(MINUTES if minutes is None and steps is None and preset == "auto" else minutes, steps)


def estimate(
    info: MethodInfo, wish: Wish, runs: Sequence[PastRun], start: PastRun | None, proposals: int, ndim: int
) -> Estimate:
    """How long a run will take.

    Parameters
    ----------
    runs : sequence of PastRun
        Earlier ones, oldest first.
    start : PastRun or None
        The run it begins with.
    proposals : int
        Cases to propose for.
    """
    wish = replace(wish, device=likely_device(wish.device, runs))
    case_seconds = next((past.pace.case_seconds for past in _proposers(info, wish, runs)), None)
    proposing = 0.0 if not proposals else None if case_seconds is None else case_seconds * proposals
    budget = ask_budget(wish.preset, wish.minutes, wish.steps)
    if budget.minutes is not None:
        return Estimate(60 * budget.minutes, proposing, proposals=proposals)
    steps = budget.steps or _own_steps(info, wish, ndim, start)
    like = next((past for past in reversed(runs) if _went_like(past, wish, start)), None)
    if like is None or like.pace.step_seconds is None:
        return Estimate(None, proposing, steps, proposals)
    return Estimate(steps * like.pace.step_seconds, proposing, steps, proposals, like.run)


def _own_steps(info: MethodInfo, wish: Wish, ndim: int, start: PastRun | None) -> int:
    values = preset_options(info, wish.preset, ndim, start)
    chosen = {name: value for name, value in wish.settings.items() if name in values}
    return own_steps(resolve_options(info.options, values | chosen))


def _proposers(info: MethodInfo, wish: Wish, runs: Sequence[PastRun]) -> list[PastRun]:
    """Runs that made proposals where this one would, those of its method and preset first, newest first."""
    there = [past for past in reversed(runs) if past.pace.case_seconds is not None and _same_place(past, wish)]
    return sorted(there, key=lambda past: (past.method, past.preset) != (info.name, wish.preset))


def _went_like(past: PastRun, wish: Wish, start: PastRun | None) -> bool:
    """Whether a step of the run that is wished for does the same work as a step of `past` did."""
    if past.pace.step_seconds is None or past.plan is None or past.task != "train":
        return False
    same = (past.method, past.preset) == (wish.method, wish.preset) and _same_place(past, wish)
    if not same or _of_plan(past.settings) != _of_plan(wish.settings):
        return False
    if start is not None:
        return start.plan is not None and _network(past.plan) == _network(start.plan)
    # short runs on a processor look at coarser scans, in other patches
    planned_alike = wish.preset == "paper" or past.minutes is None or past.plan.device != "cpu"
    return past.start_from is None and planned_alike


def likely_device(device: str, runs: Sequence[PastRun]) -> str:
    """Where a run would be: "auto" is where it was the last time, and stays "auto" where it never was."""
    if device != "auto":
        return device
    return next((p.plan.device for p in reversed(runs) if p.device == "auto" and p.plan is not None), "auto")


def _same_place(past: PastRun, wish: Wish) -> bool:
    return past.device == wish.device or (past.plan is not None and past.plan.device == wish.device)


def _of_plan(settings: Any) -> dict[str, Any]:
    return {name: value for name, value in settings.items() if name in PLAN_SETTINGS or name == "network"}


def _network(plan: Plan) -> tuple[object, ...]:
    """What the work of a step depends on, but for the number of classes."""
    net = plan.net
    return net.architecture, net.ndim, net.in_channels, net.widths, net.strides, net.norm, plan.patch, plan.batch
