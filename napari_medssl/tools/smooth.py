"""Smooth the surface of a structure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d

from ..methods.options import option
from .ball import dilate, erode
from .boxes import box_of_class, region_of
from .options import TakingOptions
from .scene import Mask, Scene, Wanted

HOW = ("even out", "cut thin parts", "close narrow gaps")
REACH = 3.0  # standard deviations; what is farther away does not count


@dataclass(frozen=True)
class SmoothOptions(TakingOptions):
    """Of *smooth*."""

    mm: float = option(1.5, "By", "Details of about this size go.", low=0.1, high=20.0, unit="mm", advanced=False)
    how: str = option(
        "even out",
        "How",
        "Even out: bumps and dents go. Cut thin parts: what a ball of that radius does not fit into goes. Close narrow "
        "gaps: what such a ball cannot enter from outside is filled.",
        choices=HOW,
        advanced=False,
    )


def smooth(scene: Scene, options: SmoothOptions) -> Wanted:
    """Blur the structure and keep what is more than half there; or roll a ball along it, inside or outside."""
    margin = options.mm * (REACH if options.how == HOW[0] else 1.0)
    box = box_of_class(scene, region_of(scene, options.only_slice), margin, voxels=1)
    now = scene.labels[box]
    mask = now == scene.value
    if options.how == HOW[0]:
        after = _even(scene, mask, options.mm)
    else:
        steps = (erode, dilate) if options.how == HOW[1] else (dilate, erode)
        after = steps[0](mask, options.mm, scene.spacing, lambda share: scene.at(share / 2))
        after = steps[1](after, options.mm, scene.spacing, lambda share: scene.at(0.5 + share / 2))
    values = np.where(mask & ~after, options.left, now)
    values[after] = scene.value
    return Wanted(box, values.astype(np.uint8), f"Smoothed by {options.mm:g} mm")


def _even(scene: Scene, mask: Mask, mm: float) -> Mask:
    blurred = mask.astype(np.float32)
    for axis, spacing in enumerate(scene.spacing):
        scene.at(axis / mask.ndim)
        if mask.shape[axis] > 1:
            blurred = gaussian_filter1d(blurred, mm / spacing, axis, mode="nearest", truncate=REACH)
    return np.asarray(blurred > 0.5)
