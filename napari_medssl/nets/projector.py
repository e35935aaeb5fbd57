"""Projectors of self-distillation: pooled features to cosines with many directions (Caron et al., ICCV 2021)."""

from __future__ import annotations

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
        rows = F.normalize(self.directions, dim=1)
        if self.lengths is not None:
            rows = self.lengths * rows
        return F.linear(unit, rows.detach() if frozen else rows)
