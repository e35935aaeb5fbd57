"""Resizing and blurring views: one small matrix per axis, so that any number of axes costs a few products.

Images are (C, *space) float32.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.float32]

TRUNCATE = 4.0  # standard deviations of a Gaussian that count


def resize(image: Image, size: Sequence[int]) -> Image:
    """An image at another size: linear between voxel centres, smoothed before along axes that shrink.

    Gives what scikit-image's `resize(order=1, anti_aliasing=True, mode="reflect")` gives.

    Parameters
    ----------
    image : ndarray, (C, *space)
    size : sequence of int
        Of the new space.
    """
    for axis, (before, after) in enumerate(zip(image.shape[1:], size, strict=True), start=1):
        if before != after:
            image = _along(image, axis, _resize_matrix(before, after))
    return image


def blur(image: Image, deviations: Sequence[float]) -> Image:
    """An image blurred by a Gaussian with a standard deviation in voxels per axis; edges are mirrored."""
    for axis, (length, deviation) in enumerate(zip(image.shape[1:], deviations, strict=True), start=1):
        if deviation > 0 and length > 1:
            image = _along(image, axis, gaussian_matrix(length, deviation, edge_twice=True))
    return image


def gaussian_matrix(length: int, deviation: float, edge_twice: bool) -> Image:
    """Matrix (length, length) of a Gaussian filter; mirrored at the edges, with the edge voxel repeated or not."""
    radius = int(TRUNCATE * deviation + 0.5)
    offsets = np.arange(-radius, radius + 1)
    kernel = np.exp(-0.5 * (offsets / deviation) ** 2)
    kernel /= kernel.sum()
    rows = np.repeat(np.arange(length), len(offsets))
    columns = _mirrored((np.arange(length)[:, None] + offsets).ravel(), length, edge_twice)
    matrix = np.zeros((length, length))
    np.add.at(matrix, (rows, columns), np.tile(kernel, length))
    return matrix.astype(np.float32)


@lru_cache(maxsize=1024)
def _resize_matrix(before: int, after: int) -> Image:
    """Smoothing with half the factor (less one) as deviation where the axis shrinks, then interpolation."""
    factor = before / after
    place = (np.arange(after) + 0.5) * factor - 0.5
    place = np.abs(place)
    place = np.where(place > before - 1, 2 * (before - 1) - place, place)
    low = np.minimum(np.floor(place).astype(int), max(0, before - 2))
    share = np.clip(place - low, 0, 1) if before > 1 else np.zeros(after)
    matrix = np.zeros((after, before))
    matrix[np.arange(after), low] += 1 - share
    matrix[np.arange(after), np.minimum(low + 1, before - 1)] += share
    if factor > 1:
        matrix = matrix @ gaussian_matrix(before, (factor - 1) / 2, edge_twice=False)
    out = matrix.astype(np.float32)
    out.setflags(write=False)
    return out


def _along(image: Image, axis: int, matrix: Image) -> Image:
    moved = np.moveaxis(image, axis, -1)
    return np.ascontiguousarray(np.moveaxis(moved @ matrix.T, -1, axis), dtype=np.float32)


def _mirrored(index: NDArray[np.intp], length: int, edge_twice: bool) -> NDArray[np.intp]:
    if length == 1:
        return np.zeros_like(index)
    period = 2 * length if edge_twice else 2 * length - 2
    index = index % period
    return np.where(index < length, index, period - index - (1 if edge_twice else 0))
