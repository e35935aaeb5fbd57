"""What learners of one network have in common: a student and its running average."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import torch
from numpy.random import RandomState
from torch import Tensor, nn

from ..errors import SpecError
from ..nets.branches import fitting
from ..nets.build import build_net
from ..nets.ema import copy_state, update_ema, warmed_decay
from ..nets.spec import NetSpec
from .averaged_options import AveragedOptions
from .base import Learner, Optimiser, ParamGroup, Patches, Schedule, Step
from .distort import remap
from .options import Options

if TYPE_CHECKING:
    from ..runs.spec import Plan


class AveragedLearner(Learner):
    """A student and its running average, which starts as a copy.

    Parameters
    ----------
    options : AveragedOptions
    net : NetSpec
    """

    def __init__(self, options: AveragedOptions, net: NetSpec) -> None:
        super().__init__()
        self._options = options
        self.student = build_net(net)
        self.average = copy.deepcopy(self.student).requires_grad_(False)
        self._updates = 0
        has_statistics = any(True for _ in self.student.buffers())
        if options.deploy == "average" and has_statistics and not options.ema_buffers:
            raise SpecError(
                "The running average cannot predict without averaged statistics. Set ema_buffers to true, or deploy to "
                "student."
            )
        self._average_predicts = options.ema_buffers or not has_statistics

    def in_other_greys(self, patches: Patches, done: float, rng: RandomState) -> Patches:
        """The patches, more and more of them through random curves; `done` is the part of the run: 0 to 1."""
        share = self._options.remap * done  # what is hard comes last
        return replace(patches, images=remap(patches.images, share, rng)) if share > 0 else patches

    def after_step(self, at: Step) -> None:
        """Move the average."""
        options = self._options
        decay = warmed_decay(options.ema, self._updates) if options.ema_warmup else options.ema
        update_ema(self.average, self.student, decay, buffers=options.ema_buffers)
        self._updates += 1

    def parameter_groups(self) -> list[ParamGroup]:
        """The student's."""
        return [ParamGroup(list(self.student.parameters()))]

    def members(self) -> list[nn.Module]:
        """Average and student, or the other way round; the average only where its statistics are averaged too."""
        if self._options.deploy == "average":
            return [self.average, self.student]
        return [self.student, self.average] if self._average_predicts else [self.student]

    def initialise_from(self, state: Mapping[str, Tensor]) -> list[str]:
        """Take what fits by name and shape into student and average."""
        fits, left = fitting(self.student.state_dict(), state)
        self.student.load_state_dict(fits, strict=False)
        copy_state(self.average, self.student)
        return left

    def get_extra_state(self) -> Tensor:
        """Updates of the average so far: they set how fast it forgets."""
        return torch.tensor(self._updates)

    def set_extra_state(self, state: Tensor) -> None:
        """The other way round."""
        self._updates = int(state)


def part_done(at: Step, first: float) -> float:
    """Part of a run of two phases that is done, 0 to 1; `first` is the share of the one that needs labels only."""
    return first + (1 - first) * at.phase_progress if at.phase.unlabelled else first * at.phase_progress


def of_each_kind(options: AveragedOptions, plan: Plan) -> int:
    """Patches of each kind in a step on labelled and unlabelled scans.

    Half a batch of each is a whole one: such a step costs hardly more than one on labels. The papers take two.
    """
    return max(1, plan.batch // 2) if options.loss_form == "auto" else plan.batch


def make_optimiser_options(options: Options, schedule: str, *, keep_state: bool = False) -> Optimiser:
    """A phase's optimiser from a method's options, with the schedule named."""
    return Optimiser(
        kind=options.optimiser,  # type: ignore[arg-type] # one of its choices
        lr=options.learning_rate,
        momentum=options.momentum,
        weight_decay=options.weight_decay,
        nesterov=options.nesterov and options.momentum > 0,
        schedule=Schedule(
            schedule,  # type: ignore[arg-type]
            warmup=options.schedule_warmup,
            every=options.schedule_every,
            gamma=options.schedule_gamma,
        ),
        keep_state=keep_state,
        clip=options.clip or None,
    )
