"""A labels layer of somebody else, held against the case on the screen: where it lies, and what it would change. Pure.

It is compared in the space of the patient, as label files are: what lies on the voxels of the scan is taken, voxel for
voxel, also where it covers a part of them or runs backwards; what does not is refused.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import MedSSLError
from ..imaging import UNSEEN, Grid, Labels, Placement, find_placement, stretches
from .display import Display

MM = {"meter": 1e3, "centimeter": 10.0, "millimeter": 1.0, "micrometer": 1e-3, "nanometer": 1e-6}
LEAVE = UNSEEN  # where a layer that is handed over leaves the labels as they are
_WAY_OUT = (
    "Right-click the layer of the scan ▸ Copy scale and transforms, and paste them onto it where it belongs there."
)


@dataclass(frozen=True, eq=False)
class Offered:
    """A labels layer as it is.

    Attributes
    ----------
    name : str
    array : array of integers
    affine : array of shape (ndim + 1, ndim + 1)
        Voxel to napari's world, in mm where it says a unit of length.
    """

    name: str
    array: NDArray[Any]
    affine: NDArray[np.float64]

    @property
    def is_placed(self) -> bool:
        """Whether anybody said where it lies."""
        return not np.allclose(self.affine, np.eye(len(self.affine)))


def offered(layer: Any) -> Offered:
    """A napari layer; its array is that of the layer, not a copy."""
    array = layer.data[0] if layer.multiscale else layer.data
    return Offered(str(layer.name), array, affine_of(layer))


def affine_of(layer: Any) -> NDArray[np.float64]:
    """Voxel to napari's world, in mm where the layer says a unit of length."""
    zero = np.asarray(layer.world_to_data(np.zeros(layer.ndim)), float)
    columns = [np.asarray(layer.world_to_data(axis), float) - zero for axis in np.eye(layer.ndim)]
    inverse = np.eye(layer.ndim + 1)
    inverse[:-1, :-1], inverse[:-1, -1] = np.stack(columns, axis=1), zero
    units = [MM.get(str(unit), 1.0) for unit in layer.units or ()] or [1.0] * layer.ndim
    affine: NDArray[np.float64] = np.diag([*units, 1.0]) @ np.linalg.inv(inverse)
    return affine


def place(display: Display, layer: Offered, *, as_it_is: bool = False) -> Placement | None:
    """Where a layer lies on the case on the screen; None: voxel for voxel.

    Parameters
    ----------
    as_it_is : bool
        A person said that its first voxel is the first one of the scan as shown, wherever it lies.

    Raises
    ------
    MedSSLError
        If it is not on the voxels of the scan.
    """
    shape = tuple(layer.array.shape)
    if len(shape) != len(display.shape):
        rule = f"it has {len(shape)} axes, and the scan has {len(display.shape)}"
        raise MedSSLError(f"The layer “{layer.name}” cannot be used: {rule}.")
    if as_it_is and shape == display.shape:
        return None
    target, source = _grid(display.shape, _affine(display)), _grid(shape, layer.affine)
    difference = target.mismatch(source)
    if difference is None:
        return None
    placement = find_placement(target, source)
    if placement is None:
        rule = f"it is not on the voxels of the scan: {difference} (scan, layer)"
        raise MedSSLError(f"The layer “{layer.name}” cannot be used: {rule}. {_WAY_OUT}")
    return placement


def could_be_as_it_is(display: Display, layer: Offered) -> bool:
    """Whether a layer has the size of the scan as shown and nobody said where it lies, as many plugins leave it."""
    return tuple(layer.array.shape) == display.shape and not layer.is_placed


def count_values(array: NDArray[Any]) -> dict[int, int]:
    """How many voxels have each value but 0, by ascending value.

    Raises
    ------
    MedSSLError
        If there are very many values: then they are no structures.
    """
    found: dict[int, int] = {}
    for (piece,) in stretches(np.asarray(array)):
        for value, n in zip(*np.unique(piece, return_counts=True), strict=True):
            found[int(value)] = found.get(int(value), 0) + int(n)
        if len(found) > 1 << 16:
            raise MedSSLError("The layer has more than 65,536 values: these are no structures.")
    return {value: found[value] for value in sorted(found) if value}


def wanted(layer: Offered, meaning: Mapping[int, int], where: Placement | None) -> NDArray[np.uint8]:
    """What a layer makes of the voxels of the case as shown: classes, and `LEAVE` for all that it leaves as it is.

    Parameters
    ----------
    meaning : mapping of int to int
        What its values are; others are left.
    """
    array = np.asarray(layer.array)
    made = np.full(array.shape, LEAVE, np.uint8)
    for piece, out in stretches(array, made):
        for value, becomes in meaning.items():
            out[piece == value] = becomes
    return made if where is None else where.bring(Labels(made, where.source), LEAVE).array


def count_outside(layer: Offered, meaning: Mapping[int, int], made: NDArray[np.uint8]) -> int:
    """How many voxels of a layer with these values lie outside the scan; `made` is what `wanted` gave."""
    counts = count_values(layer.array)
    return sum(counts.get(value, 0) for value in meaning) - int(np.count_nonzero(made != LEAVE))


def changes(
    now: NDArray[np.uint8], wanted: NDArray[np.uint8], locked: Collection[int]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Where labels would change, and where of these something is drawn; never in locked structures.

    Masks and no places: a liver has millions of voxels, and the screen waits.
    """
    may = (wanted != LEAVE) & (wanted != now)
    for value in locked:
        may &= now != value
    return may, may & (now != UNSEEN)


def guess(name: str, counts: Mapping[int, int], classes: Mapping[int, str]) -> dict[int, int | None]:
    """What the values of a layer are, to begin with: the structure that its name says, else that of the value."""
    words = " ".join(name.casefold().replace("_", " ").split())
    named = [value for value, said in classes.items() if said.casefold() and said.casefold() in words]
    if len(counts) == 1 and (len(named) == 1 or len(classes) == 1):
        return dict.fromkeys(counts, named[0] if len(named) == 1 else next(iter(classes)))
    return {value: value if value in classes else None for value in counts}


def _affine(display: Display) -> NDArray[np.float64]:
    affine = np.diag([*display.scale, 1.0])
    affine[:-1, -1] = display.translate
    return affine


def _grid(shape: Sequence[int], affine: NDArray[np.float64]) -> Grid:
    """A grid of the shown axes; in 3-D they run to inferior, posterior and left, in the space of the patient."""
    if len(shape) != 3:
        return Grid(tuple(shape), affine, unit="pixel")
    turn = np.zeros((4, 4))
    turn[0, 2] = turn[1, 1] = turn[2, 0] = -1.0
    turn[3, 3] = 1.0
    return Grid(tuple(shape), turn @ affine)
