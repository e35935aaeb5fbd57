"""Keep the largest piece, take small islands away, fill holes.

Pieces hang together where voxels touch, at corners too; holes are closed where no voxel is open to a side.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..imaging import connected_pieces, value_counts
from ..methods.options import option
from .boxes import box_of_class, plane_of, region_of
from .options import TakingOptions, ToolOptions
from .scene import Mask, Scene, Wanted

WHERE = ("in 3-D", "in each slice", "in this slice")


@dataclass(frozen=True)
class LargestOptions(TakingOptions):
    """Of *keep the largest*."""

    keep: int = option(1, "Pieces to keep", "How many: 2 for a pair of organs.", low=1, high=100, advanced=False)


@dataclass(frozen=True)
class IslandsOptions(TakingOptions):
    """Of *remove islands*."""

    smallest: float = option(
        100.0,
        "Smaller than",
        "Pieces below this volume go; 1000 mm³ are 1 ml. In a single image it is an area, in mm².",
        low=0.0,
        high=1e7,
        unit="mm³",
        advanced=False,
    )


@dataclass(frozen=True)
class HolesOptions(ToolOptions):
    """Of *fill holes*."""

    where: str = option(
        "in 3-D",
        "Holes",
        "In 3-D: closed on all sides. In each slice: closed within the slice, seen along the axis on the screen.",
        choices=WHERE,
        advanced=False,
    )
    largest: float = option(
        0.0, "Not larger than", "Larger holes stay open; 0: all are filled.", low=0.0, high=1e7, unit="mm³"
    )


def keep_largest(scene: Scene, options: LargestOptions) -> Wanted:
    """Take away all pieces but the largest; of equal ones the first in the order of voxels stays."""
    box = box_of_class(scene, region_of(scene, options.only_slice))
    pieces, sizes = _pieces(scene.labels[box] == scene.value)
    order = np.argsort(-sizes[1:], kind="stable") + 1
    kept = order[: options.keep]
    gone = max(order.size - options.keep, 0)
    note = f"{gone} smaller {'piece' if gone == 1 else 'pieces'}." if gone else ""
    what = "Kept the largest piece" if options.keep == 1 else f"Kept the {options.keep} largest pieces"
    return _without(scene, options, box, pieces, np.isin(np.arange(sizes.size), kept), what, note)


def remove_islands(scene: Scene, options: IslandsOptions) -> Wanted:
    """Take away all pieces below a volume."""
    box = box_of_class(scene, region_of(scene, options.only_slice))
    pieces, sizes = _pieces(scene.labels[box] == scene.value)
    large = sizes * scene.voxel >= options.smallest
    count = int(np.count_nonzero(~large[1:]))
    note = f"{count} of {sizes.size - 1} pieces." if count else ""
    limit = f"{options.smallest:,g} {'mm²' if scene.labels.ndim == 2 else 'mm³'}"  # as it was typed
    return _without(scene, options, box, pieces, large, f"Removed islands below {limit}", note)


def fill_holes(scene: Scene, options: HolesOptions) -> Wanted:
    """Make the structure of all that it encloses, but for other structures in there."""
    flat = scene.labels.ndim == 2
    box = box_of_class(scene, region_of(scene, options.where == WHERE[2]), voxels=1)
    now = scene.labels[box]
    mask = now == scene.value
    largest = options.largest / scene.voxel if options.largest else math.inf
    if flat or options.where == WHERE[0]:
        holes = _holes(mask, largest)
    else:
        axis = plane_of(scene)[0]
        moved = np.moveaxis(mask, axis, 0)
        stack = np.zeros_like(moved)
        for index, slice_ in enumerate(moved):
            scene.at(index / len(moved))
            if slice_.any():
                stack[index] = _holes(slice_, largest)
        holes = np.moveaxis(stack, 0, axis)
    return Wanted(box, np.where(holes, scene.value, now).astype(np.uint8), "Filled holes")


def _pieces(mask: Mask) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Pieces by number from 1, and how many voxels each number has."""
    pieces, count = connected_pieces(mask)
    return pieces, _sizes(pieces, count)


def _without(
    scene: Scene, options: TakingOptions, box: tuple[slice, ...], pieces: NDArray[Any], kept: Mask, done: str, note: str
) -> Wanted:
    kept = kept.copy()
    kept[0] = True
    return Wanted(box, np.where(kept[pieces], scene.labels[box], options.left).astype(np.uint8), done, note)


def _holes(mask: Mask, largest: float) -> Mask:
    """What is not of the mask and cannot reach the border of the array by sides; at most so many voxels each."""
    rest, count = connected_pieces(~mask, corners=False)
    closed = np.ones(count + 1, bool)
    closed[0] = False
    for axis in range(mask.ndim):
        for side in (0, -1):
            closed[np.unique(rest.take(side, axis))] = False
    if closed.any() and largest < math.inf:
        closed &= _sizes(rest, count) <= largest
    holes: Mask = closed[rest]
    return holes


def _sizes(numbers: NDArray[Any], count: int) -> NDArray[np.int64]:
    """How many voxels each number has; the first is of what is in no piece."""
    return value_counts(numbers, count + 1)
