"""Learn from labelled scans only."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from ..nets.spec import NetSpec
from .averaged import AveragedLearner, make_optimiser_options
from .averaged_options import SupervisedOptions
from .base import Batch, Learner, Losses, Phase, Step
from .losses import LossForm, Region, region_losses

if TYPE_CHECKING:
    from ..runs.spec import Plan


class Supervised:
    """The baseline: cross-entropy and Dice on what a person labelled."""

    def phases(self, options: SupervisedOptions, plan: Plan) -> list[Phase]:
        """One."""
        optimiser = make_optimiser_options(options, options.schedule)
        return [Phase("labels", "Learning from labels", 1.0, optimiser, labelled=plan.batch, steps=options.steps)]

    def learner(self, options: SupervisedOptions, net: NetSpec) -> Learner:
        """Fresh weights."""
        return SupervisedLearner(options, net)


class SupervisedLearner(AveragedLearner):
    """A student and its running average."""

    def losses(self, batch: Batch, at: Step) -> Losses:
        """Mean of Dice and cross-entropy over the voxels somebody looked at; their sum in the form "auto"."""
        assert batch.labelled is not None
        assert batch.labelled.labels is not None
        form = cast(LossForm, self._options.loss_form)
        labelled = self.in_other_greys(batch.labelled, at.phase_progress, at.rng)
        logits = self.student(labelled.images)
        balance = self._options.balance * (1 - at.phase_progress)
        dice, cross = region_losses(logits, [Region(batch.labelled.labels)], form, balance)
        total = dice + cross if form == "auto" else 0.5 * (dice + cross)
        return Losses(total, {"dice": dice.detach(), "cross_entropy": cross.detach()})
