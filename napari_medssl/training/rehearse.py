"""A run tried out before it is asked for: planned in full, a few steps long, and nothing is left behind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from ..methods.base import Phase
from ..methods.catalog import method_info
from ..project import Project
from ..runs.events import RunEvent, Stepped, Warned
from ..runs.spec import RunSpec
from .budget import PhaseBudget, split, with_left_over
from .cache import Cache
from .engine import Engine
from .resolve import options_of, resolve
from .taking_over import take_over

WARM_UP = 1  # steps of each phase before those that are measured: caches are filled, memory is asked for
MEASURED = 2


@dataclass(frozen=True)
class Trial:
    """A phase as it was tried out.

    Attributes
    ----------
    steps : int or None
        Its length; with `seconds`, at most so many. None where `seconds` alone bounds it.
    step_seconds : float
        Mean duration of a step, without waiting for data: scans are not prepared yet.
    """

    title: str
    steps: int | None
    seconds: float | None
    step_seconds: float

    @property
    def expected_seconds(self) -> float:
        """How long the phase will take."""
        ends = (None if self.steps is None else self.steps * self.step_seconds, self.seconds)
        return min((end for end in ends if end is not None), default=0.0)

    @property
    def expected_steps(self) -> int:
        """How many steps it will make."""
        return round(self.expected_seconds / self.step_seconds) if self.step_seconds else 0


@dataclass(frozen=True)
class Rehearsal:
    """What came of it: the resolved spec, each phase's pace, what it begins with, and what was warned of."""

    spec: RunSpec
    trials: tuple[Trial, ...]
    begins_with: str = ""
    warnings: tuple[str, ...] = ()

    @property
    def expected_seconds(self) -> float:
        """How long the training will take."""
        return sum(trial.expected_seconds for trial in self.trials)


class _Elsewhere(Project):
    """A project whose cache, and the folder of the run that has no name, lie somewhere else."""

    place: Path

    def run_folder(self, name: str, create: bool = False) -> Path:
        """The folder of a run."""
        return super().run_folder(name, create) if name else self.place

    @property
    def cache_folder(self) -> Path:
        """Where things lie that can be made again."""
        return self.place / "cache"


def rehearse(root: Path, sketch: RunSpec) -> Rehearsal:
    """Plan a run and try out each of its phases.

    Parameters
    ----------
    root : Path
        The project; nothing in it is changed.
    sketch : RunSpec
        Without a name, as `runs.request.sketch_spec` makes it.

    Raises
    ------
    MedSSLError
        When the run could not be made either.
    """
    with TemporaryDirectory(prefix="medssl-rehearsal-") as place:
        project = _Elsewhere.open(root)
        assert isinstance(project, _Elsewhere)
        project.place = Path(place)
        spec = resolve(sketch, project)
        assert spec.plan is not None
        method, options = method_info(spec.method).load(), options_of(spec)
        phases = method.phases(options, spec.plan)
        budgets = split(spec.budget, phases)
        torch.manual_seed(spec.seed)
        learner = method.learner(options, spec.plan.net)
        begins_with = take_over(spec, project, learner)
        engine = Engine(
            replace(spec, held_out=()),  # measuring the model would take the time of many steps
            project.place,
            Cache(project, spec.plan),
            learner,
            phases,
            [PhaseBudget(steps=WARM_UP + MEASURED if _is_there(budget) else 0) for budget in budgets],
            {"class_names": [one.name for one in project.classes]},
        )
        events = list(engine.train(lambda: None, resume=False))
    warnings = tuple(event.message for event in events if isinstance(event, Warned))
    return Rehearsal(spec, _trials(phases, budgets, events), begins_with, warnings)


def _is_there(budget: PhaseBudget) -> bool:
    return bool(budget.steps or budget.seconds)


def _trials(phases: Sequence[Phase], budgets: Sequence[PhaseBudget], events: Sequence[RunEvent]) -> tuple[Trial, ...]:
    trials: list[Trial] = []
    for index, phase in enumerate(phases):
        budget = with_left_over(budgets, index, sum(trial.expected_seconds for trial in trials))
        said = [e for e in events if isinstance(e, Stepped) and e.phase == phase.name][WARM_UP:]
        seconds = [event.step_seconds * (1 - event.wait_share) for event in said]
        if seconds:
            trials.append(Trial(phase.title, budget.steps, budget.seconds, sum(seconds) / len(seconds)))
    return tuple(trials)
