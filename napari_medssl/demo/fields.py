"""Smooth random fields and soft shapes: what the phantom's anatomy and the scanner's flaws are made of.

Shapes are given by a field that is positive inside and grows by about one per millimetre, so that a soft edge of one
voxel's width is the partial volume of a scanner.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

Field = NDArray[np.float32]


def smooth_field(rng: np.random.Generator, shape: Sequence[int], cells: Sequence[int] | int) -> Field:
    """White noise on a coarse lattice of `cells` per axis, interpolated by cubic B-splines; unit variance at the knots.

    Parameters
    ----------
    shape : sequence of int
        Voxels per axis of the result.
    cells : int or sequence of int
        Lattice cells per axis: more cells, finer structure.
    """
    counts = [cells] * len(shape) if isinstance(cells, int) else list(cells)
    field = rng.standard_normal([c + 3 for c in counts]).astype(np.float32)
    for axis, (length, count) in enumerate(zip(shape, counts, strict=True)):
        field = np.moveaxis(np.tensordot(_spline_matrix(length, count), field, axes=(1, axis)), 0, axis)
    # A cubic B-spline sums its knots with weights (1, 4, 1) / 6 per axis: give the variance back.
    return np.asarray(field / np.float32(0.5) ** (len(counts) / 2), dtype=np.float32)


def ellipsoid(points: Field, centre: ArrayLike, radii: Sequence[float]) -> Field:
    """Positive inside the ellipsoid; `points` is (3, …) in mm."""
    total = np.zeros(points.shape[1:], np.float32)
    middle = np.asarray(centre, dtype=np.float32)
    for axis in range(3):
        scaled = (points[axis] - middle[axis]) * np.float32(1.0 / radii[axis])
        total += scaled * scaled
    size = np.float32(np.prod(radii) ** (1 / 3))
    return np.asarray((1 - np.sqrt(total)) * size, dtype=np.float32)


def soft(field: Field, width: float) -> Field:
    """Share of a voxel that a shape fills: 0 outside, 1 inside, a ramp of `width` mm between."""
    share: Field = np.clip(field / np.float32(width) + np.float32(0.5), 0, 1)
    return share


def smooth_union(first: Field, second: Field, blend: float) -> Field:
    """Union of two shapes whose seam is rounded over `blend` mm."""
    mix = np.clip(0.5 + 0.5 * (first - second) / np.float32(blend), 0, 1)
    return np.asarray(second + mix * (first - second) + np.float32(blend) * mix * (1 - mix), dtype=np.float32)


def _spline_matrix(length: int, cells: int) -> Field:
    """(length, cells + 3): weights of the knots at each of `length` evenly spaced points."""
    at = np.linspace(0, cells, length, endpoint=False) + 0.5 * cells / length
    distance = np.abs(at[:, None] + 1 - np.arange(cells + 3)[None, :])
    near = (4 - 6 * distance**2 + 3 * distance**3) / 6
    far = np.clip(2 - distance, 0, None) ** 3 / 6
    weights: Field = np.where(distance < 1, near, far).astype(np.float32)
    return weights
