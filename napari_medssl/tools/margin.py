"""Grow and shrink a structure by millimetres."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..methods.options import option
from .ball import dilate, erode
from .boxes import box_of_class, region_of, too_near
from .options import SliceOptions, TakingOptions
from .scene import Scene, Wanted


@dataclass(frozen=True)
class GrowOptions(SliceOptions):
    """Of *grow*."""

    mm: float = option(
        1.0, "By", "How far the border moves, in all directions.", low=0.1, high=50.0, unit="mm", advanced=False
    )


@dataclass(frozen=True)
class ShrinkOptions(TakingOptions):
    """Of *shrink*."""

    mm: float = option(
        1.0, "By", "How far the border moves, from all directions.", low=0.1, high=50.0, unit="mm", advanced=False
    )


def grow(scene: Scene, options: GrowOptions) -> Wanted:
    """Add all voxels whose centre is not farther than that from one of the class."""
    region = region_of(scene, options.only_slice)
    box = box_of_class(scene, region, options.mm)
    now = scene.labels[box]
    grown = dilate(now == scene.value, options.mm, scene.spacing, scene.at)
    values = np.where(grown, scene.value, now).astype(np.uint8)
    return Wanted(box, values, f"Grown by {options.mm:g} mm", too_near(scene, region, options.mm))


def shrink(scene: Scene, options: ShrinkOptions) -> Wanted:
    """Take away all voxels whose centre is not farther than that from one outside; the scan's border is no outside."""
    region = region_of(scene, options.only_slice)
    box = box_of_class(scene, region, voxels=1)
    now = scene.labels[box]
    mask = now == scene.value
    kept = erode(mask, options.mm, scene.spacing, scene.at)
    values = np.where(mask & ~kept, options.left, now).astype(np.uint8)
    return Wanted(box, values, f"Shrunk by {options.mm:g} mm", too_near(scene, region, options.mm))
