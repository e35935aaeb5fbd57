"""Cross-entropy and Dice over regions, as bidirectional copy-paste needs them; voxels nobody looked at do not count.

A mixed image has two regions, each with a target and a weight of its own: what a person labelled and what the model
labelled. Bai et al., "Bidirectional Copy-Paste for Semi-Supervised Medical Image Segmentation", CVPR 2023.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from .base import IGNORE

LossForm = Literal["auto", "la", "acdc", "cdma"]
LA_SMOOTH = 1e-5
ACDC_SMOOTH = 1e-10
CDMA_SMOOTH = 1e-5
MOST_WEIGHT = 50.0
EMPTY = 1e-16  # keeps the mean over an empty region at 0


@dataclass(frozen=True)
class Region:
    """Part of a batch and what should be there.

    Attributes
    ----------
    target : Tensor, (B, *space) int64
        Class indices; 255 = not looked at.
    mask : Tensor or None
        (B, *space) or (*space); not 0 inside the region. None is everywhere.
    weight : float
    """

    target: Tensor
    mask: Tensor | None = None
    weight: float = 1.0


def region_losses(
    logits: Tensor, regions: Sequence[Region], form: LossForm, balance: float = 0.0
) -> tuple[Tensor, Tensor]:
    """Weighted sums over regions of Dice loss and of cross-entropy.

    Parameters
    ----------
    logits : Tensor, (B, K, *space)
    regions : sequence of Region
    form : str
        Which Dice: see `dice_loss`.
    balance : float
        How much rare classes count for in cross-entropy: see `cross_entropy`.

    Returns
    -------
    dice, cross_entropy : Tensor
        Scalars, float32.
    """
    log_probabilities = torch.log_softmax(logits.float(), dim=1)
    probabilities = log_probabilities.exp()
    dice = cross = log_probabilities.new_zeros(())
    for region in regions:
        target, mask = known(region.target, region.mask)
        if region.weight == 0:
            continue
        dice = dice + region.weight * dice_loss(probabilities, target, mask, form)
        cross = cross + region.weight * cross_entropy(log_probabilities, target, mask, balance)
    return dice, cross


def known(target: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor]:
    """A target without 255 and the mask (B, *space), float32, that is 0 where it was."""
    seen = target != IGNORE
    inside = seen if mask is None else seen & (mask != 0)
    return target.masked_fill(~seen, 0), inside.float()


def cross_entropy(log_probabilities: Tensor, target: Tensor, mask: Tensor, balance: float = 0.0) -> Tensor:
    """Mean over the voxels of the mask; 0 where there are none.

    With `balance` above 0 a voxel weighs as much as its class is rare in the batch, to that power and at most
    `MOST_WEIGHT`: early in training small structures would otherwise be drowned by background for hundreds of steps.
    """
    weights, size = None, mask.sum()
    if balance > 0:
        counts = torch.bincount(target.flatten(), mask.flatten(), minlength=log_probabilities.shape[1]).to(mask.dtype)
        weights = (size / (counts + 1.0)).pow(balance).clamp_max(MOST_WEIGHT)
        size = (weights * counts).sum()
    voxels = F.nll_loss(log_probabilities, target, weight=weights, reduction="none")
    return (voxels * mask).sum() / (size + EMPTY)


def dice_loss(probabilities: Tensor, target: Tensor, mask: Tensor, form: LossForm) -> Tensor:
    """1 - soft Dice inside the mask.

    Parameters
    ----------
    probabilities : Tensor, (B, K, *space)
    target : Tensor, (B, *space) int64
        No 255.
    mask : Tensor, (B, *space) float
    form : str
        "la": per sample and class, linear denominator, background included (BCP's left-atrium code).
        "acdc": per class over the batch jointly, squared denominator, background included (its ACDC code).
        "cdma": the same with another constant (CDMA's code).
        "auto": per structure over the batch jointly, linear denominator. Structures that are nowhere in the region
        are left out: Dice would punish the faintest trace of them as much as a whole miss.
    """
    inside = mask.unsqueeze(1)
    truth = torch.zeros_like(probabilities).scatter_(1, target.unsqueeze(1), inside)
    axes = tuple(range(2, probabilities.ndim)) if form == "la" else (0, *range(2, probabilities.ndim))
    both = (probabilities * truth).sum(axes)
    size = truth.sum(axes)
    if form in ("acdc", "cdma"):
        smooth = ACDC_SMOOTH if form == "acdc" else CDMA_SMOOTH
        predicted = (probabilities.square() * inside).sum(axes)
        return (1 - (2 * both + smooth) / (predicted + size + smooth)).mean()
    predicted = (probabilities * inside).sum(axes)
    score = (2 * both + LA_SMOOTH) / (predicted + size + LA_SMOOTH)
    if form == "la":
        return 1 - score.mean()
    present = (size[1:] > 0).to(score.dtype)
    return ((1 - score[1:]) * present).sum() / present.sum().clamp_min(1.0)
