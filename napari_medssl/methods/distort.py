"""What the student sees after the teacher has looked: the same anatomy through another scanner."""

from __future__ import annotations

import torch
from numpy.random import RandomState
from torch import Tensor


def distort(images: Tensor, strength: float, rng: RandomState) -> Tensor:
    """Change contrast, brightness and gamma of each image, and add noise.

    Parameters
    ----------
    images : Tensor, (B, C, *space)
        Z-scored.
    strength : float
        0 changes nothing, 1 is strong.
    """
    shape = (len(images), *[1] * (images.ndim - 1))
    dims = tuple(range(1, images.ndim))

    def draw(low: float, high: float) -> Tensor:
        values = rng.uniform(low, high, len(images))
        return torch.as_tensor(values, dtype=images.dtype, device=images.device).reshape(shape)

    lowest, highest = images.amin(dims, keepdim=True), images.amax(dims, keepdim=True)
    span = (highest - lowest).clamp_min(1e-6)
    curved = ((images - lowest) / span).pow(torch.exp(draw(-0.5, 0.5) * strength)) * span + lowest
    out = curved * (1 + draw(-0.3, 0.3) * strength) + draw(-0.3, 0.3) * strength
    return out + torch.randn_like(out) * draw(0.0, 0.25) * strength
