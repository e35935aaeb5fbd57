"""Augmentation of CDMA's paper preset: tiles of tissue (Zhong et al., MICCAI 2023), in numpy.

An image is cut into tiles side by side, the last one of a row moved back to the edge; tiles that are nearly white are
left out. Each is stretched to 0..1, flipped, turned and made noisy. The authors resize tiles to the size of a patch,
which does nothing to theirs; here zeros are put around an image that is smaller than a patch, as in prediction, so that
it is learnt from at the scale that it is predicted at.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..methods.base import IGNORE

Image = NDArray[np.floating]
LabelArray = NDArray[np.integer]

BLANK = 200 / 255  # mean of values in 0..1, from which a tile counts as empty glass
TRIES = 20  # for one that is not
FLIP = TURN = 0.5  # probabilities
NOISE, DEVIATION = 0.25, 0.1  # probability, and its highest deviation


def tile_starts(length: int, size: int) -> list[int]:
    """Where tiles begin along an axis: side by side, the last one ending at the edge."""
    return [*range(0, length - size, size), length - size] if length > size else [0]


def augment_tile(
    image: Image, labels: LabelArray | None, size: Sequence[int], rng: np.random.Generator
) -> tuple[Image, LabelArray | None]:
    """One tile of an image.

    Parameters
    ----------
    image : ndarray, (C, row, column)
        Values in 0..1.
    labels : ndarray, (row, column), or None
    size : sequence of int
        Rows and columns of the tile.
    rng : Generator

    Returns
    -------
    ndarray (C, *size) float32, ndarray (*size) or None
    """
    window = _choose(image, size, rng)
    tile = np.asarray(image[(slice(None), *window)], np.float32)
    target = None if labels is None else labels[window]
    low, high = float(tile.min()), float(tile.max())
    tile = (tile - low) / max(high - low, 1e-6)
    missing = [max(0, n - m) for n, m in zip(size, tile.shape[1:], strict=True)]
    around = [(n // 2, n - n // 2) for n in missing]
    tile = np.pad(tile, [(0, 0), *around])
    target = None if target is None else np.pad(target, around, constant_values=IGNORE)
    if rng.random() < FLIP:
        axis = int(rng.integers(2))
        tile, target = np.flip(tile, axis + 1), None if target is None else np.flip(target, axis)
    if rng.random() < TURN:
        turns = int(rng.integers(1, 4)) if size[0] == size[1] else 2
        tile, target = np.rot90(tile, turns, (1, 2)), None if target is None else np.rot90(target, turns)
    if rng.random() < NOISE:
        noise = rng.standard_normal(tile.shape, dtype=np.float32)
        tile = tile + np.float32(rng.uniform(0, DEVIATION)) * noise
    return tile, target


def _choose(image: Image, size: Sequence[int], rng: np.random.Generator) -> tuple[slice, ...]:
    """A tile at random that is not blank, if any is found."""
    window: tuple[slice, ...] = ()
    for _ in range(TRIES):
        corner = [rng.choice(tile_starts(n, m)) for n, m in zip(image.shape[1:], size, strict=True)]
        window = tuple(slice(int(c), int(c) + n) for c, n in zip(corner, size, strict=True))
        if float(image[(slice(None), *window)].mean(dtype=np.float64)) < BLANK:
            break
    return window
