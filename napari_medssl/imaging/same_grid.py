"""Whether two grids are one: where the corners of their volumes come to lie, in parts of a voxel.

Programs round affines: to 32 bits, to six digits, to hundredths of a millimetre. What that does is counted in voxels,
for a hundredth of a millimetre is nothing in a scan of the head and many voxels under a microscope.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from .grid import Grid

#: the farthest that two corners of one grid may lie apart, in voxels along the axes of either grid
SAME_VOXEL = 0.05


def corners_apart(one: Grid, other: Grid) -> float:
    """How far the corners of two volumes of one shape lie apart: the largest distance along a voxel axis, in voxels.

    Measured along the axes of both grids; the larger number counts, which is that of the smaller voxel.
    """
    moved = (one.affine - other.affine)[:-1] @ _corners(one.shape)
    return max(float(np.abs(np.linalg.solve(grid.affine[:-1, :-1], moved)).max()) for grid in (one, other))


def difference(one: Grid, other: Grid, tolerance: float = SAME_VOXEL) -> str | None:
    """Say in a clause, with the numbers of `one` first, why two grids are not the same; None where they are.

    Parameters
    ----------
    tolerance : float
        The farthest that corners may lie apart, in voxels.
    """
    if one.shape != other.shape:
        return f"the shapes differ: {times(one.shape)} and {times(other.shape)} voxels"
    if one.unit != other.unit:
        return f"one is in {one.unit}, the other in {other.unit}"
    if one.unit == "mm" and one.oriented != other.oriented:
        return "one carries an orientation, the other carries none"
    apart = corners_apart(one, other)
    return None if apart <= tolerance else _why(one, other, apart, tolerance)


def _why(one: Grid, other: Grid, apart: float, tolerance: float) -> str:
    """What moves the corners most plainly: spacing, directions, origin, or all of them a little."""
    finer = np.minimum(one.spacing, other.spacing)
    lengths = np.array(one.shape) * np.maximum(one.spacing, other.spacing)
    if (np.abs(np.subtract(one.spacing, other.spacing)) * one.shape / finer).max() > tolerance:
        return "the spacings differ: {} and {} {}".format(*_numbers(one.spacing, other.spacing), one.unit)
    turned = np.linalg.norm(one.directions - other.directions, axis=0)
    if (turned * lengths).max() / finer.min() > tolerance:
        if one.axcodes != other.axcodes:
            return f"the directions differ: axes run {one.axcodes} and {other.axcodes}"
        return f"the directions differ by {_angle(one.directions, other.directions):.3g} degrees"
    mine, theirs = one.affine[:-1, -1], other.affine[:-1, -1]
    if np.abs(np.linalg.solve(one.affine[:-1, :-1], mine - theirs)).max() > tolerance:
        away = float(np.linalg.norm(mine - theirs))
        return "the origins differ by {:.4g} {}: {} and {}".format(away, one.unit, *_numbers(mine, theirs))
    return f"the corners of the volumes lie {apart:.2g} voxels apart"


def times(shape: Sequence[int]) -> str:
    """A shape for people: "10 × 20 × 30"."""
    return " × ".join(str(length) for length in shape)


def _corners(shape: Sequence[int]) -> NDArray[np.float64]:
    """Outer corners of a volume in voxels, as columns of homogeneous coordinates."""
    ends = [(-0.5, length - 0.5) for length in shape]
    return np.array([(*corner, 1.0) for corner in product(*ends)]).T


def _numbers(one: Iterable[float], other: Iterable[float]) -> tuple[str, str]:
    """Two rows of numbers, with as many digits as tell them apart."""
    rows = [list(values) for values in (one, other)]
    for digits in (5, 8, 12):
        texts = ["(" + ", ".join(f"{value:.{digits}g}" for value in row) + ")" for row in rows]
        if texts[0] != texts[1]:
            break
    return texts[0], texts[1]


def _angle(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    cosines = np.clip((one * other).sum(axis=0), -1.0, 1.0)
    return float(np.degrees(np.arccos(cosines)).max())
