"""Projectors of self-distillation: pooled features to cosines with many directions (Caron et al., ICCV 2021)."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Projector(nn.Module):
    """Three linear layers to a narrow vector of unit length, then its cosine with each of many learnt directions.

    Parameters
    ----------
    inputs, hidden, bottleneck, outputs : int
        Width of the features, of both hidden layers, of the unit vector, and the number of directions.
    norm : bool
        Batch norm after both hidden layers.
    free_length : bool
        Let every direction also learn a length; without, all have length 1 for ever.

    Notes
    -----
    Linear weights begin with a truncated normal distribution of deviation 0.02, biases with 0, directions as PyTorch's
    linear layers do.
    """

    def __init__(
        self,
        inputs: int,
        hidden: int,
        bottleneck: int,
        outputs: int,
        *,
        norm: bool = True,
        free_length: bool = False,
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for before in (inputs, hidden):
            layers.append(nn.Linear(before, hidden))
            if norm:
                layers.append(nn.BatchNorm1d(hidden))
            layers.append(nn.GELU())
        self.mlp = nn.Sequential(*layers, nn.Linear(hidden, bottleneck))
        for layer in self.mlp:
            if isinstance(layer, nn.Linear):
                nn.init.trunc_normal_(layer.weight, std=0.02)
                nn.init.zeros_(layer.bias)
        self.directions = nn.Parameter(nn.Linear(bottleneck, outputs, bias=False).weight.detach().clone())
        self.lengths = nn.Parameter(torch.ones(outputs, 1)) if free_length else None

    def forward(self, features: Tensor, frozen: bool = False) -> Tensor:
        """Logits (B, outputs) of pooled features (B, inputs); `frozen` directions get no gradient."""
        unit = F.normalize(self.mlp(features), dim=-1)
        directions = self.directions.detach() if frozen else self.directions
        cosines: Tensor = _Cosines.apply(unit, directions)  # type: ignore[no-untyped-call]
        if self.lengths is None:
            return cosines
        return cosines * (self.lengths.detach() if frozen else self.lengths).squeeze(1)


class _Cosines(torch.autograd.Function):
    """Products of vectors of length 1 with directions that are divided by their lengths.

    The published heads have 60,000 directions, and dividing all of them, and back again for the gradient, would take
    longer than the encoder does. Dividing the products is the same.
    """

    @staticmethod
    def forward(ctx: Any, unit: Tensor, directions: Tensor) -> Tensor:
        inverse = torch.linalg.vector_norm(directions, dim=1).clamp_min(1e-12).reciprocal()
        cosines = F.linear(unit, directions).mul_(inverse)
        ctx.save_for_backward(unit, directions, inverse, cosines)
        return cosines

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None]:
        unit, directions, inverse, cosines = ctx.saved_tensors
        scaled = gradient * inverse
        of_unit = scaled @ directions if ctx.needs_input_grad[0] else None
        if not ctx.needs_input_grad[1]:
            return of_unit, None
        # what points along a direction does not change it
        along = (gradient * cosines).sum(dim=0).mul_(inverse).mul_(inverse)
        of_directions = (scaled.T @ unit).addcmul_(directions, along[:, None], value=-1.0)
        return of_unit, of_directions
