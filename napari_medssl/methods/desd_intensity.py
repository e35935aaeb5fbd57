"""Changes of intensity that make DeSD's views differ, in numpy.

All functions take and give (U, *space): each of the U units (channels, or slices of channels) changes by itself where
the paper's code says "per channel".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy import ndimage

Units = NDArray[np.float32]


@dataclass(frozen=True)
class Strength:
    """How often a kind of view is changed: `blur` and `offset` are pairs (of the view, of each unit in it)."""

    blur: tuple[float, float]
    factor: float
    offset: tuple[float, float]
    gamma: float


FIRST = Strength(blur=(0.8, 0.8), factor=0.8, offset=(0.8, 0.8), gamma=0.8)
SECOND = Strength(blur=(0.8, 0.5), factor=1.0, offset=(0.5, 0.8), gamma=1.0)
LOCAL = Strength(blur=(0.5, 0.8), factor=1.0, offset=(0.8, 0.8), gamma=0.8)


def change(units: Units, strength: Strength, rng: Generator) -> Units:
    """Noise, blur, brightness, contrast and gamma, in the order of the paper's code; values are not clipped at the end.

    Parameters
    ----------
    units : ndarray, (U, *space)
        Of about unit spread: CT over 1024 HU, or z-scored.
    """
    out = units + rng.standard_normal(units.shape, np.float32) * np.float32(rng.uniform(0.0, 0.1))
    if rng.random() < strength.blur[0]:
        out = _some(out, strength.blur[1], blur, rng)
    if rng.random() < strength.factor:
        out = _some(out, 1.0, lambda unit, r: unit * np.float32(r.uniform(0.75, 1.25)), rng)
    if rng.random() < strength.offset[0]:
        out = _some(out, strength.offset[1], lambda unit, r: unit + np.float32(r.normal(0.0, 0.4)), rng)
    out = _some(out, 1.0, contrast, rng)
    if rng.random() < strength.gamma:
        out = _some(out, 1.0, gamma, rng)
    return out


def blur(unit: Units, rng: Generator) -> Units:
    """Gaussian, sigma 0.1 to 2 voxels."""
    blurred: Units = ndimage.gaussian_filter(unit, rng.uniform(0.1, 2.0))
    return blurred


def contrast(unit: Units, rng: Generator) -> Units:
    """Away from the mean or towards it, within the range of before."""
    factor = _either(0.75, 1.25, rng)
    mean = unit.mean()
    stretched: Units = (unit - mean) * np.float32(factor) + mean
    return stretched.clip(unit.min(), unit.max())


def gamma(unit: Units, rng: Generator) -> Units:
    """A curve through lowest and highest value; mean and deviation are those of before."""
    exponent = _either(0.7, 1.5, rng)
    low, mean, deviation = unit.min(), unit.mean(), unit.std()
    span = unit.max() - low
    curved = np.power((unit - low) / np.float32(span + 1e-7), np.float32(exponent)) * np.float32(span + 1e-7) + low
    restored: Units = (curved - curved.mean()) / (curved.std() + np.float32(1e-8)) * deviation + mean
    return restored


def _either(low: float, high: float, rng: Generator) -> float:
    """Half of the time between `low` and 1, else between 1 and `high`."""
    return rng.uniform(low, 1.0) if rng.random() < 0.5 else rng.uniform(1.0, high)


def _some(units: Units, share: float, change_one: Callable[[Units, Generator], Units], rng: Generator) -> Units:
    """Each unit with a probability."""
    return np.stack([change_one(unit, rng) if share == 1.0 or rng.random() < share else unit for unit in units])
