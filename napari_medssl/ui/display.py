"""How a scan is turned to the screen, and labels back to the scan's own grid.

A scan is first brought to the closest RAS axes (i → right, j → anterior, k → superior), then shown as
(plane, row, column) running superior → inferior, anterior → posterior, right → left. So with napari's own axis
directions every plane looks as in radiology (axial: anterior on top, the patient's right on the left of the screen;
coronal and sagittal: head on top), and the volume is not mirrored. Both ways are permutations and flips: exact.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..imaging import Grid

ENDS = ("SI", "AP", "RL")  # where the shown axes begin and end
OBLIQUE = 0.35  # an edge that looks this much along an axis has its letter, too
PLANES = {"axial": (0, 1, 2), "coronal": (1, 0, 2), "sagittal": (2, 0, 1)}


@dataclass(frozen=True, eq=False)
class Display:
    """The screen's view of one grid.

    Attributes
    ----------
    grid : Grid
        The scan's own grid.
    """

    grid: Grid

    @cached_property
    def shape(self) -> tuple[int, ...]:
        """(plane, row, column), or (row, column) for a 2-D image."""
        return tuple(reversed(self.grid.canonical().grid.shape)) if self._turned else tuple(self.grid.shape)

    @cached_property
    def scale(self) -> tuple[float, ...]:
        """Voxel size along the shown axes, in `units`."""
        spacing = self.grid.canonical().grid.spacing if self._turned else self.grid.spacing
        return tuple(float(s) for s in (reversed(spacing) if self._turned else spacing))

    @cached_property
    def translate(self) -> tuple[float, ...]:
        """Place of the first shown voxel: mm towards inferior, posterior and left (exact for straight grids)."""
        if not self._turned:
            return (0.0,) * self.grid.ndim
        turned = self.grid.canonical().grid
        last = turned.affine @ np.array([*(n - 1 for n in turned.shape), 1.0])
        return tuple(float(-c) for c in last[2::-1])

    @property
    def units(self) -> tuple[str, ...]:
        """A unit per shown axis, as napari spells it."""
        return ("pixel" if self.grid.unit == "pixel" else self.grid.unit,) * self.grid.ndim

    @property
    def axis_labels(self) -> tuple[str, ...]:
        """Names of the shown axes: the directions they run in, where the file says so."""
        if not self._turned:
            return ("row", "column")[-self.grid.ndim :]
        return ("S→I", "A→P", "R→L") if self.grid.oriented else ("plane", "row", "column")

    @property
    def plane(self) -> str:
        """The plane with the finest pixels: the one to begin with."""
        if not self._turned:
            return "axial"
        scale = self.scale
        coarse = int(np.argmax(scale))
        others = [s for axis, s in enumerate(scale) if axis != coarse]
        # A scan that is nearly as fine the third way is looked at in axial planes, as usual.
        return ("axial", "coronal", "sagittal")[coarse if scale[coarse] > 1.5 * max(others) else 0]

    @property
    def spatial(self) -> dict[str, Any]:
        """Keyword arguments that place a napari layer."""
        return {
            "scale": self.scale,
            "translate": self.translate,
            "units": self.units,
            "axis_labels": self.axis_labels,
        }

    def show(self, array: np.ndarray) -> np.ndarray:
        """An array (*grid.shape) as (plane, row, column), contiguous, a copy."""
        if not self._turned:
            return np.array(array, order="C")
        turned = self.grid.canonical().apply(array)
        return np.array(turned.transpose(2, 1, 0)[::-1, ::-1, ::-1], order="C")

    def back(self, shown: np.ndarray) -> np.ndarray:
        """The inverse of `show`: (plane, row, column) to (*grid.shape), contiguous, a copy.

        Raises
        ------
        ValueError
            When the array is not of the shown shape.
        """
        if tuple(shown.shape) != self.shape:
            raise ValueError(f"an array of shape {shown.shape} is not on the shown grid {self.shape}")
        if not self._turned:
            return np.array(shown, order="C")
        turned = shown[::-1, ::-1, ::-1].transpose(2, 1, 0)
        return np.array(self.grid.canonical().undo(turned), order="C")

    def box_back(self, start: tuple[int, ...], shown: np.ndarray) -> tuple[tuple[int, ...], np.ndarray]:
        """`back` for a box of the shown array that begins at `start`: where it begins on the grid, and its values."""
        if not self._turned:
            return start, np.array(shown, order="C")
        turn = self.grid.canonical()
        turned = shown[::-1, ::-1, ::-1].transpose(2, 1, 0)
        begin = [n - a - m for n, a, m in zip(turn.grid.shape, reversed(start), turned.shape, strict=True)]
        on_grid = [0, 0, 0]
        for new, old in enumerate(turn.order):
            behind = self.grid.shape[old] - begin[new] - turned.shape[new]
            on_grid[old] = behind if turn.flips[new] else begin[new]
        return tuple(on_grid), np.array(turn.undo(turned), order="C")

    def letters(self, right: ArrayLike, up: ArrayLike) -> dict[str, str]:
        """Letters for the edges of the canvas; none for scans whose files say nothing of the patient.

        Parameters
        ----------
        right, up : array-like (3,)
            Where right and up on the canvas point, over the shown axes. Where that is oblique, an edge has several
            letters, the nearest first.
        """
        if not self._turned or not self.grid.oriented:
            return {}
        right, up = np.asarray(right), np.asarray(up)
        sides = {"right": right, "left": -right, "top": up, "bottom": -up}
        return {side: _nearest(towards) for side, towards in sides.items()}

    @property
    def _turned(self) -> bool:
        return self.grid.ndim == 3


def _nearest(towards: np.ndarray) -> str:
    """Letters of the ends of the shown axes that a direction goes to, the nearest first."""
    length = float(np.linalg.norm(towards)) or 1.0
    parts = sorted(((abs(float(part)) / length, axis) for axis, part in enumerate(towards)), reverse=True)
    first, *others = parts
    kept = [first, *(one for one in others if one[0] > OBLIQUE)]
    return "".join(ENDS[axis][int(towards[axis] > 0)] for _, axis in kept)
