"""Bidirectional copy-paste: boxes of labelled scans in unlabelled ones and back, taught by a mean teacher.

Bai, Chen, Li, Shen, Wang, "Bidirectional Copy-Paste for Semi-Supervised Medical Image Segmentation", CVPR 2023. With
the settings of its paper preset this is the released recipe; `BCPOptions` names every departure from it.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, cast

import torch
from numpy.random import RandomState
from torch import Tensor

from ..nets.ema import copy_state
from ..nets.spec import NetSpec
from .averaged import AveragedLearner, make_optimiser_options, of_each_kind, part_done
from .base import IGNORE, Batch, Learner, Losses, Patches, Phase, Step
from .bcp_options import BCPOptions
from .copy_paste import box_mask, cells_mask, halves, mix, slab_mask
from .distort import distort, remap
from .losses import LossForm, Region, region_losses
from .pseudo_labels import pseudo_labels
from .schedules import sigmoid_ramp

if TYPE_CHECKING:
    from ..runs.spec import Plan

LABELS_FIRST = "labels-first"
SELF_TRAINING = "self-training"
MASKS = {"box": box_mask, "cells": cells_mask, "slab": slab_mask}


class BCP:
    """Two phases: copy-paste among labelled scans, then between labelled and unlabelled ones."""

    def phases(self, options: BCPOptions, plan: Plan) -> list[Phase]:
        """Labels first, unless its share is 0; then self-training."""
        first = Phase(
            LABELS_FIRST,
            "Learning from labels first",
            options.warmup_share,
            make_optimiser_options(options, options.warmup_schedule),
            labelled=plan.batch,
            steps=options.warmup_steps,
            most_steps=_steps_for(options.warmup_passes, plan),
        )
        optimiser = make_optimiser_options(options, options.schedule, keep_state=options.keep_momentum)
        each = of_each_kind(options, plan)
        second = Phase(
            SELF_TRAINING,
            "Learning from unlabelled scans too",
            1 - options.warmup_share,
            replace(optimiser, lr=optimiser.lr * options.second_rate),
            labelled=each,
            unlabelled=each,
            steps=options.steps,
        )
        return [first, second] if options.warmup_share > 0 and options.warmup_steps > 0 else [second]

    def learner(self, options: BCPOptions, net: NetSpec) -> Learner:
        """Fresh weights."""
        return BCPLearner(options, net)


class BCPLearner(AveragedLearner):
    """Student and teacher; the teacher is the student's running average."""

    def __init__(self, options: BCPOptions, net: NetSpec) -> None:
        super().__init__(options, net)
        self._bcp = options
        self._form = cast(LossForm, options.loss_form)

    def before_phase(self, phase: Phase) -> None:
        """Self-training starts with a teacher and a student that are the same: the model deployed so far."""
        if phase.name != SELF_TRAINING:
            return
        if self._bcp.deploy == "average":
            copy_state(self.student, self.average)
        else:
            copy_state(self.average, self.student)

    def losses(self, batch: Batch, at: Step) -> Losses:
        """Losses of both mixtures; total = labelled + unlabelled."""
        assert batch.labelled is not None
        assert batch.labelled.labels is not None
        images = batch.labelled.images
        mask = torch.from_numpy(MASKS[self._bcp.box](images.shape[2:], at.rng, self._bcp.hole)).to(images.device)
        labelled = self.in_other_greys(batch.labelled, part_done(at, self._bcp.warmup_share), at.rng)
        if at.phase.name == LABELS_FIRST or batch.unlabelled is None:
            if at.rng.random_sample() >= self._bcp.mixing_first:
                # rare structures weigh more until the teacher begins, who must not find too much of them
                return self.plain(labelled, self._bcp.balance * (1 - at.phase_progress))
            return self.labels_first(labelled, mask)
        weight = self._bcp.unlabelled_weight * sigmoid_ramp(at.phase_progress, self._bcp.ramp_up)
        if at.rng.random_sample() >= self._bcp.mixing:
            return self.side_by_side(labelled, batch.unlabelled, weight, at)
        return self.self_training(labelled, batch.unlabelled, mask, weight, at.rng)

    def plain(self, labelled: Patches, balance: float) -> Losses:
        """The labelled batch as it is; `balance` as in `region_losses`."""
        assert labelled.labels is not None
        dice, cross = region_losses(self.student(labelled.images), [Region(labelled.labels)], self._form, balance)
        total = self._whole(dice, cross)
        return Losses(total, {"labelled": total.detach(), "dice": dice.detach(), "cross_entropy": cross.detach()})

    def labels_first(self, labelled: Patches, mask: Tensor) -> Losses:
        """Copy-paste between the two halves of the labelled batch.

        The left-atrium code takes one loss over the whole mixture, the ACDC code one per region and their sum: twice as
        large. In the form "auto" both directions of pasting are learnt from, so that no patch is half used.
        """
        assert labelled.labels is not None
        a, b = halves(labelled.images)
        label_a, label_b = halves(labelled.labels)
        if self._form == "acdc":
            regions = [Region(label_a, mask), Region(label_b, 1 - mask)]
            dice, cross = region_losses(self.student(mix(a, b, mask)), regions, self._form)
        elif self._form == "la":
            target = Region(mix(label_a, label_b, mask))
            dice, cross = region_losses(self.student(mix(a, b, mask)), [target], self._form)
        else:
            images = torch.cat((mix(a, b, mask), mix(b, a, mask)))
            target = Region(torch.cat((mix(label_a, label_b, mask), mix(label_b, label_a, mask))))
            dice, cross = region_losses(self.student(images), [target], self._form)
        total = self._whole(dice, cross)
        return Losses(total, {"labelled": total.detach(), "dice": dice.detach(), "cross_entropy": cross.detach()})

    def self_training(
        self, labelled: Patches, unlabelled: Patches, mask: Tensor, weight: float, rng: RandomState | None = None
    ) -> Losses:
        """Copy-paste between labelled and unlabelled patches, in both directions.

        Parameters
        ----------
        labelled, unlabelled : Patches
            Both of the same number; their halves are the groups a and b of the paper.
        mask : Tensor, (*space)
            1 outside the hole, 0 inside.
        weight : float
            Of the teacher's labels against human ones.
        rng : RandomState, optional
            For the distortion of the student's view; without it there is none.
        """
        assert labelled.labels is not None
        image_a, image_b = halves(labelled.images)
        label_a, label_b = halves(labelled.labels)
        other_a, other_b = halves(unlabelled.images)
        guess_a, guess_b = self._guesses(other_a, other_b)
        if rng is not None:
            other_a, other_b = self._seen(other_a, rng), self._seen(other_b, rng)
        mixed_l, mixed_u = mix(image_a, other_a, mask), mix(other_b, image_b, mask)
        hole = 1 - mask
        if self._bcp.fused:
            both = self.student(torch.cat((mixed_l, mixed_u)))
            logits_l, logits_u = both[: len(mixed_l)], both[len(mixed_l) :]
        else:
            logits_l, logits_u = self.student(mixed_l), self.student(mixed_u)
        if self._form == "auto":
            return self._joint(
                torch.cat((logits_l, logits_u)),
                torch.cat((_only(label_a, mask), _only(label_b, hole))),
                torch.cat((_only(guess_a, hole), _only(guess_b, mask))),
                weight,
            )
        terms_l = region_losses(logits_l, [Region(label_a, mask), Region(guess_a, hole, weight)], self._form)
        terms_u = region_losses(logits_u, [Region(guess_b, mask, weight), Region(label_b, hole)], self._form)
        loss_l, loss_u = self._whole(*terms_l), self._whole(*terms_u)
        dice, cross = terms_l[0] + terms_u[0], terms_l[1] + terms_u[1]
        named = {"labelled": loss_l, "unlabelled": loss_u, "dice": dice, "cross_entropy": cross}
        return Losses(loss_l + loss_u, {name: value.detach() for name, value in named.items()})

    def side_by_side(self, labelled: Patches, unlabelled: Patches, weight: float, at: Step) -> Losses:
        """Patches of both kinds, unmixed."""
        assert labelled.labels is not None
        guess = self._guess(unlabelled.images)
        logits = self.student(torch.cat((labelled.images, self._seen(unlabelled.images, at.rng))))
        human = torch.cat((labelled.labels, torch.full_like(guess, IGNORE)))
        guessed = torch.cat((torch.full_like(labelled.labels, IGNORE), guess))
        return self._joint(logits, human, guessed, weight)

    def _joint(self, logits: Tensor, human: Tensor, guessed: Tensor, weight: float) -> Losses:
        """One loss over all that people labelled in either mixture and one over all that the teacher labelled."""
        dice, cross = region_losses(logits, [Region(human)], self._form)
        own_dice, own_cross = region_losses(logits, [Region(guessed)], self._form)
        own = self._bcp.unlabelled_dice * own_dice + own_cross
        labelled, unlabelled = self._whole(dice, cross), weight * own
        named = {"labelled": labelled, "unlabelled": unlabelled, "dice": dice, "cross_entropy": cross}
        return Losses(labelled + unlabelled, {name: value.detach() for name, value in named.items()})

    def _seen(self, images: Tensor, rng: RandomState) -> Tensor:
        """Unlabelled patches as the student sees them."""
        if self._bcp.remap > 0:
            images = remap(images, self._bcp.remap, rng)
        return distort(images, self._bcp.jitter, rng) if self._bcp.jitter > 0 else images

    def _whole(self, dice: Tensor, cross: Tensor) -> Tensor:
        return dice + cross if self._form == "auto" else 0.5 * (dice + cross)

    def _guesses(self, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
        """The teacher's labels of both groups; with statistics of the batch, of each group alone."""
        if self._bcp.teacher_mode == "train":
            return self._guess(a), self._guess(b)
        guesses = self._guess(torch.cat((a, b)))
        return guesses[: len(a)], guesses[len(a) :]

    @torch.no_grad()
    def _guess(self, images: Tensor) -> Tensor:
        self.average.train(self._bcp.teacher_mode == "train")
        return self._clean(self.average(images))

    def _clean(self, logits: Tensor) -> Tensor:
        return pseudo_labels(
            logits,
            largest=self._bcp.largest_component,
            confidence=self._bcp.confidence,
            dropped=IGNORE if self._bcp.ignore_dropped else 0,
        )


def _steps_for(passes: float, plan: Plan) -> int | None:
    """Steps in which as many voxels are shown as the labelled scans have, so often; None where there is no limit."""
    return math.ceil(passes * plan.labelled_voxels / (plan.batch * math.prod(plan.patch))) or None


def _only(labels: Tensor, mask: Tensor) -> Tensor:
    """The labels where the mask is not 0, 255 elsewhere."""
    return labels.masked_fill(mask == 0, IGNORE)
