"""Boxes: where a tool has to look, so that the rest of a large scan costs nothing."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from .scene import NEEDS, Box, Mask, Scene, ToolError

Sizes = tuple[int, ...]


def start_of(box: Box) -> Sizes:
    """First voxel of a box along each axis."""
    return tuple(int(side.start or 0) for side in box)


def whole(shape: Sizes) -> Box:
    """All of an array."""
    return tuple(slice(0, size) for size in shape)


def region_of(scene: Scene, only_slice: bool = False) -> Box:
    """Where a tool works: the box, else everything; of that the slice on the screen where the person wants no more.

    Raises
    ------
    ToolError
        When no slice is on the screen, or one that is outside the box.
    """
    shape = scene.labels.shape
    box = whole(shape) if scene.box is None else scene.box
    sides = [slice(*side.indices(size)[:2]) for side, size in zip(box, shape, strict=True)]
    if only_slice and len(shape) == 3:
        axis, index = plane_of(scene)
        if not sides[axis].start <= index < sides[axis].stop:
            raise ToolError("The slice on the screen is outside the box: go to a slice that the box reaches.")
        sides[axis] = slice(index, index + 1)
    return tuple(sides)


def plane_of(scene: Scene) -> tuple[int, int]:
    """Axis and number of the slice on the screen.

    Raises
    ------
    ToolError
        When there is none.
    """
    if scene.plane is None:
        raise ToolError(NEEDS["slice"])
    return scene.plane


def box_around(mask: Mask) -> Box | None:
    """The smallest box with all that is true in it; None where nothing is."""
    sides: list[slice] = []
    for axis in range(mask.ndim):
        there = np.flatnonzero(mask.any(axis=tuple(other for other in range(mask.ndim) if other != axis)))
        if not there.size:
            return None
        side = slice(int(there[0]), int(there[-1]) + 1)
        sides.append(side)
        mask = mask[(slice(None),) * axis + (side,)]
    return tuple(sides)


def wider(box: Box, by: Sequence[int], region: Box) -> Box:
    """A box with so many voxels more on each side, as far as the region goes."""
    return tuple(
        slice(max(side.start - more, limit.start), min(side.stop + more, limit.stop))
        for side, more, limit in zip(box, by, region, strict=True)
    )


def box_of_class(scene: Scene, region: Box, margin: float = 0.0, voxels: int = 0) -> Box:
    """Where the class in hand is, with a margin in mm and some voxels, within a region.

    Raises
    ------
    ToolError
        When nothing of the class is there.
    """
    found = box_around(scene.labels[region] == scene.value)
    if found is None:
        raise ToolError("There is nothing of the structure in hand here: draw some of it first, or choose another.")
    moved = tuple(
        slice(side.start + limit.start, side.stop + limit.start) for side, limit in zip(found, region, strict=True)
    )
    return wider(moved, [math.ceil(margin / mm) + voxels for mm in scene.spacing], region)


def too_near(scene: Scene, region: Box, mm: float) -> str:
    """Why nothing can come of so few millimetres, as a sentence; nothing where something can."""
    apart = [size for size, side in zip(scene.spacing, region, strict=True) if side.stop - side.start > 1]
    least = min(apart, default=0.0)
    return "" if mm >= least else f"Voxels are {least:.3g} mm apart here: nothing happens below that."
