"""Turning volumes so that i runs to the right, j to the front and k to the head, and back, without resampling."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from .grid import Grid


@dataclass(frozen=True, eq=False)
class Reorientation:
    """A permutation of the voxel axes and flips, so exact and undone exactly.

    Parameters
    ----------
    order : tuple of int
        New axis ``n`` is old axis ``order[n]``.
    flips : tuple of bool
        Whether new axis ``n`` runs against the old one.
    grid : Grid
        The grid after :meth:`apply`.
    """

    order: tuple[int, ...]
    flips: tuple[bool, ...]
    grid: Grid

    @property
    def is_identity(self) -> bool:
        """Whether nothing has to move."""
        return self.order == tuple(range(len(self.order))) and not any(self.flips)

    def apply(self, array: NDArray[Any]) -> NDArray[Any]:
        """Return a view of `array` (spatial axes last, any axes before them) on the new grid."""
        lead = array.ndim - len(self.order)
        moved = array.transpose(*range(lead), *(lead + axis for axis in self.order))
        turned: NDArray[Any] = moved[self._steps()]
        return turned

    def undo(self, array: NDArray[Any]) -> NDArray[Any]:
        """Return a view of `array` (on the new grid, spatial axes last) back on the old grid."""
        lead = array.ndim - len(self.order)
        back = np.argsort(self.order)
        unflipped: NDArray[Any] = array[self._steps()]
        return unflipped.transpose(*range(lead), *(lead + int(axis) for axis in back))

    def _steps(self) -> tuple[Any, ...]:
        return (..., *(slice(None, None, -1) if flip else slice(None) for flip in self.flips))


def closest_axes(affine: NDArray[np.float64]) -> tuple[tuple[int, ...], tuple[bool, ...]]:
    """Find the voxel axes that run closest to right, front and head.

    The assignment with the largest sum of absolute direction cosines wins, so two voxel axes never claim one world
    axis, however oblique or sheared the scan.

    Parameters
    ----------
    affine : array of shape (4, 4)
        Voxel to mm, RAS+, not singular.

    Returns
    -------
    order : tuple of int
        The voxel axis for each of right, front, head.
    against : tuple of bool
        Whether that voxel axis runs to the left, back or feet instead.
    """
    linear = affine[:3, :3]
    cosines = linear / np.linalg.norm(linear, axis=0)
    order = max(permutations(range(3)), key=lambda axes: float(np.abs(cosines[range(3), axes]).sum()))
    return order, tuple(bool(cosines[world, axis] < 0) for world, axis in enumerate(order))


def affine_fault(affine: NDArray[np.float64]) -> str | None:
    """Say what makes an affine unusable, as a clause, or return None."""
    if not np.isfinite(affine).all():
        return "has numbers that are not finite"
    spacing = np.linalg.norm(affine[:-1, :-1], axis=0)
    if (spacing < 1e-9).any():
        return f"has a spacing of zero along axis {int(np.argmin(spacing))}"
    # Columns of unit length span a volume between 0 (flat) and 1 (orthogonal), whatever the units.
    if abs(float(np.linalg.det(affine[:-1, :-1] / spacing))) < 1e-4:
        return "is singular: two axes run the same way"
    return None
