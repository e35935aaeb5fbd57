"""Where voxels are: the shape of an array and the affine that places it in the patient."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from .codes import NiftiCodes
from .orientation import Reorientation, affine_fault, closest_axes
from .same_grid import SAME_VOXEL, difference


@dataclass(frozen=True, eq=False)
class Grid:
    """Shape and affine of a volume or an image.

    Parameters
    ----------
    shape : tuple of int
        Voxels per axis: (i, j, k) of a medical volume, (row, column) of a raster image.
    affine : array of shape (ndim + 1, ndim + 1)
        Voxel to mm, RAS+ (x to the right, y to the front, z to the head). Raster images: the identity, in pixels.
    unit : {"mm", "pixel"}
        Unit of the affine.
    header : NiftiCodes, optional
        The NIfTI fields this grid was read from, so that a mask is written with the same ones.

    Raises
    ------
    ValueError
        If shape and affine do not belong together, or the affine is singular or not finite.
    """

    shape: tuple[int, ...]
    affine: NDArray[np.float64]
    unit: Literal["mm", "pixel"] = "mm"
    header: NiftiCodes | None = None

    def __post_init__(self) -> None:
        affine = np.array(self.affine, dtype=np.float64)
        affine.setflags(write=False)
        object.__setattr__(self, "shape", tuple(int(length) for length in self.shape))
        object.__setattr__(self, "affine", affine)
        if affine.shape != (self.ndim + 1, self.ndim + 1):
            raise ValueError(f"an affine of shape {affine.shape} does not fit a grid of {self.ndim} axes")
        if self.unit == "mm" and self.ndim != 3:
            raise ValueError(f"a grid in mm has three axes, not {self.ndim}")
        fault = affine_fault(affine)
        if fault is not None:
            raise ValueError(f"the affine {fault}")

    @classmethod
    def raster(cls, shape: Sequence[int]) -> Grid:
        """Return the grid of an image without a place in a patient: pixels, identity."""
        return cls(tuple(shape), np.eye(len(shape) + 1), unit="pixel")

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Grid:
        """Rebuild from :meth:`to_json`."""
        header = values.get("header")
        return cls(
            tuple(values["shape"]),
            np.array(values["affine"], dtype=np.float64),
            unit=values.get("unit", "mm"),
            header=None if header is None else NiftiCodes.from_json(header),
        )

    def to_json(self) -> dict[str, Any]:
        """Return a dictionary of numbers, strings and lists that gives back exactly this grid."""
        return {
            "shape": list(self.shape),
            "affine": self.affine.tolist(),
            "unit": self.unit,
            "header": None if self.header is None else self.header.to_json(),
        }

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def spacing(self) -> tuple[float, ...]:
        """Distance between voxel centres along each axis, in `unit`."""
        return tuple(float(length) for length in np.linalg.norm(self.affine[:-1, :-1], axis=0))

    @property
    def directions(self) -> NDArray[np.float64]:
        """Unit vectors along the voxel axes, as columns."""
        directions: NDArray[np.float64] = self.affine[:-1, :-1] / np.array(self.spacing)
        return directions

    @property
    def oriented(self) -> bool:
        """Whether left, right, front and head are known."""
        return self.unit == "mm" and (self.header is None or self.header.source != "pixdim")

    @property
    def axcodes(self) -> str:
        """Letters of where each axis runs to, such as "RAS"; empty for raster images."""
        if self.unit != "mm":
            return ""
        order, against = closest_axes(self.affine)
        letters = {axis: "LPI"[world] if against[world] else "RAS"[world] for world, axis in enumerate(order)}
        return "".join(letters[axis] for axis in range(self.ndim))

    def mismatch(self, other: Grid, tolerance: float = SAME_VOXEL) -> str | None:
        """Say how another grid differs from this one.

        Parameters
        ----------
        other : Grid
            The grid to compare with.
        tolerance : float
            The farthest that the corners of the two volumes may lie apart and be one, in voxels of the smaller voxel.

        Returns
        -------
        str or None
            None where both are the same space, else a clause with this grid's numbers first.
        """
        return difference(self, other, tolerance)

    def canonical(self) -> Reorientation:
        """Return the permutation and flips that bring the axes closest to right, front, head (RAS+).

        Raster images stay as they are.
        """
        if self.unit != "mm":
            return Reorientation(tuple(range(self.ndim)), (False,) * self.ndim, self)
        order, flips = closest_axes(self.affine)
        shape = tuple(self.shape[axis] for axis in order)
        turn = np.zeros((4, 4))  # new voxel -> old voxel
        turn[3, 3] = 1.0
        for new, old in enumerate(order):
            turn[old, new] = -1.0 if flips[new] else 1.0
            turn[old, 3] = self.shape[old] - 1 if flips[new] else 0.0
        if order == (0, 1, 2) and not any(flips):
            return Reorientation(order, flips, self)
        return Reorientation(order, flips, Grid(shape, self.affine @ turn))
