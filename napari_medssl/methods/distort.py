"""What the student sees after the teacher has looked: the same anatomy through another scanner."""

from __future__ import annotations

import math

import torch
from numpy.random import RandomState
from torch import Tensor

KNOTS = 6  # of a random curve
REACH = (-2.5, 3.5)  # values between the knots lie within; beyond, the curve is flat


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


def remap(images: Tensor, share: float, rng: RandomState) -> Tensor:
    """Send grey values through a random curve, another one for each channel of each image.

    Tissues change places in brightness as they do between sequences of a scanner, and shapes stay: what is learnt from
    it cannot rest on grey values alone (in the manner of Zhou et al., "Models Genesis", MedIA 2021, non-linear
    intensities; the curves here need not rise or fall throughout). An image is a random mixture of its own values and
    those of the curve, with its own mean and deviation.

    Parameters
    ----------
    images : Tensor, (B, C, *space)
        Z-scored.
    share : float
        Of images that are changed, 0 to 1.
    """
    chosen = rng.random_sample(len(images)) < share
    strength = rng.uniform(0, 1, len(images)) * chosen
    heights = rng.normal(0, 1, (*images.shape[:2], KNOTS))
    if not chosen.any():
        return images
    knots = torch.as_tensor(heights, dtype=torch.float32, device=images.device)
    mixture = torch.as_tensor(strength, dtype=torch.float32, device=images.device)[:, None, None]
    values = images.flatten(2).float()
    low, high = REACH
    place = ((values - low) / (high - low) * (KNOTS - 1)).clamp(0, KNOTS - 1)
    slopes = knots.diff(dim=2)
    curved = torch.addcmul(knots[..., :1], slopes[..., :1], place)
    for knot, bend in enumerate(slopes.diff(dim=2).split(1, dim=2), start=1):
        curved.addcmul_(bend, (place - knot).clamp_min_(0))
    mixed = torch.lerp(values, _like(curved, values), mixture)
    changed = _like(mixed, values).reshape(images.shape).to(images.dtype)
    keep = torch.as_tensor(~chosen, device=images.device).reshape(-1, *[1] * (images.ndim - 1))
    return torch.where(keep, images, changed)


def _like(values: Tensor, pattern: Tensor) -> Tensor:
    """`values` with the mean and deviation of `pattern`, (B, C, voxels), each channel for itself."""
    centred, wanted = values - values.mean(2, keepdim=True), pattern.mean(2, keepdim=True)
    return centred * (_deviation(pattern - wanted) / _deviation(centred).clamp_min(1e-3)) + wanted


def _deviation(centred: Tensor) -> Tensor:
    """As `std(2)` of what has a mean of 0, in a fiftieth of its time on a processor."""
    length: Tensor = torch.linalg.vector_norm(centred, dim=2, keepdim=True)
    return length / math.sqrt(centred.shape[2])
