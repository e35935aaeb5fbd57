"""Cross distillation of multiple attentions: three decoders on one encoder that teach each other.

Zhong, Liao, Zhang, Wang, "Semi-supervised Pathological Image Segmentation via Cross Distillation of Multiple
Attentions", MICCAI 2023. With the settings of its paper preset this is the released recipe, as far as that runs;
`CDMAOptions` names every departure from it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn

from ..nets.attention import Gate
from ..nets.branches import Branched, fitting
from ..nets.ema import copy_state
from ..nets.spec import NetSpec
from .averaged import AveragedLearner, make_optimiser_options, of_each_kind, part_done
from .base import Batch, Learner, Losses, Optimiser, ParamGroup, Phase, Schedule, Step
from .cdma_options import CDMAOptions, cdma_net
from .cdma_paper import DROPS, EPOCHS
from .distillation import cross_distillation, uncertainty
from .losses import LossForm, Region, region_losses
from .schedules import sigmoid_ramp

if TYPE_CHECKING:
    from ..runs.spec import Plan

LABELS_FIRST = "labels-first"
DISTILLATION = "distillation"


class CDMA:
    """Two phases: labels only, then the branches' agreement on all scans too."""

    def phases(self, options: CDMAOptions, plan: Plan) -> list[Phase]:
        """Labels first, unless its share is 0; then both."""
        share = options.warmup_share
        each = of_each_kind(options, plan)
        first = Phase(
            LABELS_FIRST,
            "Learning from labels first",
            share,
            _optimiser(options, 0.0, share),
            labelled=plan.batch,
            steps=options.warmup_steps,
        )
        second = Phase(
            DISTILLATION,
            "Learning from unlabelled scans too",
            1 - share,
            replace(_optimiser(options, share, 1.0), keep_state=True),
            labelled=each,
            unlabelled=each,
            steps=options.steps,
        )
        return [first, second] if share > 0 and options.warmup_steps > 0 else [second]

    def learner(self, options: CDMAOptions, net: NetSpec) -> Learner:
        """Fresh weights."""
        return CDMALearner(options, net)


class CDMALearner(AveragedLearner):
    """A network with three branches; its running average too where that is to predict, but it teaches nothing."""

    student: Branched

    def __init__(self, options: CDMAOptions, net: NetSpec) -> None:
        super().__init__(options, cdma_net(options, net))
        self._cdma = options
        self._form = cast(LossForm, options.loss_form)
        self._averages = options.deploy == "average"
        if not self._averages:
            self.average = nn.Identity()

    def losses(self, batch: Batch, at: Step) -> Losses:
        """Losses of all branches on labels, and of what they say of each other."""
        assert batch.labelled is not None
        assert batch.labelled.labels is not None
        done = part_done(at, self._cdma.warmup_share)
        images, weight = self.in_other_greys(batch.labelled, done, at.rng).images, 0.0
        if batch.unlabelled is not None:
            images = torch.cat((images, self.in_other_greys(batch.unlabelled, done, at.rng).images))
            weight = sigmoid_ramp(at.phase_progress, self._cdma.ramp_up)
        logits = self.student.branch_logits(images, self._cdma.feature_noise)
        return self.objective(logits, batch.labelled.labels, weight, self._balance(at))

    def objective(self, logits: Sequence[Tensor], labels: Tensor, weight: float, balance: float) -> Losses:
        """The method's loss.

        Parameters
        ----------
        logits : sequence of Tensor, (B, K, *space)
            Of each branch.
        labels : Tensor, (L, *space) int64
            Of the first L images; 255 is not looked at.
        weight : float
            Of what the branches say of each other, on all images: 0 to 1.
        balance : float
            As in `region_losses`.
        """
        pairs = [region_losses(z[: len(labels)], [Region(labels)], self._form, balance) for z in logits]
        dice, cross = (torch.stack(parts).mean() for parts in zip(*pairs, strict=True))
        total = dice + cross if self._form == "auto" else 0.5 * (dice + cross)
        terms = {"labelled": total, "dice": dice, "cross_entropy": cross}
        if weight > 0:
            agreement = cross_distillation(logits, self._cdma.temperature)
            mean = sum(torch.softmax(z.float(), dim=1) for z in logits) / len(logits)
            doubt = uncertainty(cast(Tensor, mean))
            own = self._cdma.distillation_weight * agreement + self._cdma.certainty_weight * doubt
            terms |= {"unlabelled": weight * own, "disagreement": agreement, "uncertainty": doubt}
            total = total + weight * own
        return Losses(total, {name: value.detach() for name, value in terms.items()})

    def after_step(self, at: Step) -> None:
        """Move the average, if there is one."""
        if self._averages:
            super().after_step(at)

    def parameter_groups(self) -> list[ParamGroup]:
        """Encoder, decoders and gates, weights and biases: each learns at its own rate. Scales of norms are weights."""
        options = self._cdma
        apart = options.gate_rate != 1
        gates = {id(p) for m in self.student.modules() if apart and isinstance(m, Gate) for p in m.parameters()}
        groups: dict[tuple[bool, bool, bool], ParamGroup] = {}
        for name, p in self.student.named_parameters():
            new, bias, gate = not name.startswith("encoder."), name.endswith("bias"), id(p) in gates
            rate = (options.decoder_rate if new else 1.0) * (options.bias_rate if bias else 1.0)
            group = ParamGroup([], lr_scale=rate * (options.gate_rate if gate else 1.0))
            groups.setdefault((new, bias, gate), group).parameters.append(p)
        return [groups[kind] for kind in sorted(groups)]

    def members(self) -> list[nn.Module]:
        """One network: its branches are the members whose disagreement counts."""
        return [self.average if self._averages else self.student]

    def initialise_from(self, state: Mapping[str, Tensor]) -> list[str]:
        """Take what fits; a single decoder starts all three branches."""
        fits, left = fitting(self.student.state_dict(), state)
        self.student.load_state_dict(fits, strict=False)
        if self._averages:
            copy_state(self.average, self.student)
        return left

    def _balance(self, at: Step) -> float:
        """Weight of rare structures, fading over both phases."""
        return self._cdma.balance * (1 - part_done(at, self._cdma.warmup_share))


def _optimiser(options: CDMAOptions, begin: float, end: float) -> Optimiser:
    """Of the phase between two parts of the run; but for drops, the rate falls in the second phase only."""
    if options.schedule == "drops":
        points = tuple((epoch / EPOCHS - begin) / (end - begin) for epoch in DROPS) if end > begin else ()
        optimiser = make_optimiser_options(options, "constant")
        return replace(optimiser, schedule=Schedule("drops", gamma=options.schedule_gamma, drops=points))
    return make_optimiser_options(options, options.schedule if end == 1.0 else "constant")
