"""Restoration and comparison at sampled scales (PCRLv2, Zhou et al., TPAMI 2023), in the forms of paper and code."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from numpy.random import RandomState
from torch import Tensor
from torch.nn import functional as F

from ..nets.nsunet import ViewFeatures

COSINE_EPS = 1e-8


@dataclass(frozen=True)
class Draws:
    """Scales of a step: `sampled` for the global views, `pairs` for each local view against either of them."""

    sampled: int
    pairs: tuple[tuple[int, int], ...]

    def of_global(self, view: int) -> set[int]:
        """Scales at which global view 0 or 1 is compared."""
        return {self.sampled, *(pair[view] for pair in self.pairs)}

    def of_locals(self) -> set[int]:
        """Scales at which local views are compared."""
        return {scale for pair in self.pairs for scale in pair}


def draw_scales(rng: RandomState, scales: int, local_views: int, each: bool) -> Draws:
    """Draw the scale of a step, and, with `each`, another one for every pair of a local and a global view.

    In the order of the authors' code: the step's, then for each local view that with the first and with the second
    global view.
    """
    sampled = int(rng.randint(scales))
    if not each:
        return Draws(sampled, ((sampled, sampled),) * local_views)
    return Draws(sampled, tuple((int(rng.randint(scales)), int(rng.randint(scales))) for _ in range(local_views)))


def falling_weight(progress: float) -> float:
    """Weight of the sampled scale's restoration: 1/2 (1 + cos(pi progress))."""
    return 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))


def comparison(prediction_a: Tensor, projection_a: Tensor, prediction_b: Tensor, projection_b: Tensor) -> Tensor:
    """Negative cosine of each prediction and the other view's projection, which is held constant; -1 at best.

    Parameters
    ----------
    prediction_a, projection_a, prediction_b, projection_b : Tensor, (B, C)
    """
    there = F.cosine_similarity(prediction_a.float(), projection_b.detach().float(), dim=1, eps=COSINE_EPS).mean()
    back = F.cosine_similarity(prediction_b.float(), projection_a.detach().float(), dim=1, eps=COSINE_EPS).mean()
    return -0.5 * (there + back)


def compare_at(a: ViewFeatures, b: ViewFeatures, scale: int) -> Tensor:
    """`comparison` of two batches of views at a scale."""
    return comparison(a.predictions[scale], a.projections[scale], b.predictions[scale], b.projections[scale])


def compare_locals(
    views: Sequence[ViewFeatures], local_views: ViewFeatures, pairs: Sequence[tuple[int, int]]
) -> Tensor:
    """Sum of the comparisons of every local view with both global ones.

    Parameters
    ----------
    views : sequence of ViewFeatures
        The two global ones, B rows each.
    local_views : ViewFeatures
        `len(pairs)` * B rows, those of one local view side by side.
    pairs : sequence of (int, int)
        Scale of each comparison.
    """
    by_scale = {
        scale: list(zip(predictions.chunk(len(pairs)), local_views.projections[scale].chunk(len(pairs)), strict=True))
        for scale, predictions in local_views.predictions.items()
    }
    terms = []
    for local, scales in enumerate(pairs):
        for view, scale in zip(views, scales, strict=True):
            terms.append(comparison(view.predictions[scale], view.projections[scale], *by_scale[scale][local]))
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    return total


def restoration(restored: Tensor, target: Tensor) -> Tensor:
    """Mean squared difference over all voxels."""
    return F.mse_loss(restored.float(), target.float())
