"""Threshold inside a box."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..methods.options import option
from .boxes import region_of
from .options import TakingOptions
from .scene import Scene, ToolError, Wanted

HOW = ("brighter part", "darker part", "from … to")
MOST = 2_000_000  # voxels looked at to find a threshold; more change nothing


@dataclass(frozen=True)
class ThresholdOptions(TakingOptions):
    """Of *threshold*."""

    how: str = option(
        "brighter part",
        "Take",
        "The brighter or darker part: the values in the box are parted in two by Otsu's rule. From … to: by the two "
        "numbers below, both included.",
        choices=HOW,
        advanced=False,
    )
    low: float = option(0.0, "From", "Lowest value, in the units of the scan.", advanced=False)
    high: float = option(0.0, "To", "Highest value, in the units of the scan.", advanced=False)
    clear: bool = option(False, "Take the rest away", "The structure loses what has other values, in the box.")


def threshold(scene: Scene, options: ThresholdOptions) -> Wanted:
    """Make the structure of all voxels in the box whose value is in the range."""
    assert scene.image is not None
    box = region_of(scene, options.only_slice)
    image, now, note = scene.image[box], scene.labels[box], ""
    if options.how == HOW[2]:
        if options.low > options.high:
            raise ToolError(f"The range is empty: {options.low:g} is more than {options.high:g}. Change one of them.")
        taken = (image >= options.low) & (image <= options.high)
        done = f"Took values from {options.low:g} to {options.high:g}"
    else:
        limit = otsu(scene.image[region_of(scene)])
        brighter = options.how == HOW[0]
        taken = image > limit if brighter else image <= limit
        done = f"Took values {'above' if brighter else 'up to'} {limit:.4g}"
        if options.low or options.high:
            note = f"From and To did not count: choose '{HOW[2]}' for them."
    values = np.where(taken, scene.value, now)
    if options.clear:
        values[(now == scene.value) & ~taken] = options.left
    return Wanted(box, values.astype(np.uint8), done, note)


def otsu(image: NDArray[np.floating]) -> float:
    """The value that parts these values best in two (Otsu 1979).

    Raises
    ------
    ToolError
        When they are all the same.
    """
    from skimage.filters import threshold_otsu

    values = image.reshape(-1)[:: max(image.size // MOST, 1)]
    values = values[np.isfinite(values)]
    if not values.size or values.min() == values.max():
        raise ToolError("All values in the box are the same: draw a larger box.")
    return float(threshold_otsu(values))
