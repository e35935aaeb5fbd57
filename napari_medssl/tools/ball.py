"""Grow a mask by millimetres, exactly, without a distance transform of the whole box.

A ball is a bundle of lines. The mask is lengthened along the finest axis by each length a ball has, and these are laid
over one another, shifted across. The time goes with the cross-section of the ball in voxels, and it can be stopped.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence

import numpy as np

from .scene import Mask

EDGE = 1e-6  # a voxel at the distance itself belongs to the ball, whatever the rounding


def dilate(mask: Mask, mm: float, spacing: Sequence[float], at: Callable[[float], None] = lambda share: None) -> Mask:
    """All voxels not farther than `mm` from one of the mask.

    Parameters
    ----------
    mask : array of bool
    spacing : sequence of float
        Millimetres along each axis.
    at : callable
        Told how much is done, 0 to 1.
    """
    along = int(np.argmin(spacing))
    lines = np.ascontiguousarray(np.moveaxis(mask, along, -1))
    across = [size for axis, size in enumerate(spacing) if axis != along]
    rings = _rings(mm, across, spacing[along], lines.shape)
    out = lines.copy()
    longer, length = lines.copy(), 0
    done, total = 0, sum(len(offsets) for offsets in rings.values())
    for reach in sorted(rings):
        longer = _lengthen(longer, reach - length)
        length = reach
        for offset in rings[reach]:
            at(done / total)
            done += 1
            _lay_over(out, longer, offset)
    return np.moveaxis(out, -1, along)


def erode(mask: Mask, mm: float, spacing: Sequence[float], at: Callable[[float], None] = lambda share: None) -> Mask:
    """All voxels of the mask that are farther than `mm` from what is not in it; the array's border is no outside."""
    return ~dilate(~mask, mm, spacing, at)


def _rings(
    mm: float, across: Sequence[float], along: float, sizes: Sequence[int]
) -> dict[int, list[tuple[int, ...]]]:  # fmt: skip
    """Of each half length of a line in the ball, where such lines are."""
    limit = mm * (1 + EDGE)
    spans = [min(int(limit / size), most - 1) for size, most in zip(across, sizes, strict=False)]
    rings: dict[int, list[tuple[int, ...]]] = {}
    for offset in itertools.product(*(range(-span, span + 1) for span in spans)):
        rest = limit**2 - sum((step * size) ** 2 for step, size in zip(offset, across, strict=True))
        if rest >= 0:
            reach = min(int(math.sqrt(rest) / along), sizes[-1] - 1)
            rings.setdefault(reach, []).append(offset)
    return rings


def _lengthen(lines: Mask, by: int) -> Mask:
    """Add voxels at both ends of all runs along the last axis."""
    out = lines
    while by > 0:
        step = out.copy()
        step[..., 1:] |= out[..., :-1]
        step[..., :-1] |= out[..., 1:]
        out, by = step, by - 1
    return out


def _lay_over(out: Mask, lines: Mask, offset: tuple[int, ...]) -> None:
    to = tuple(slice(max(step, 0), size + min(step, 0)) for step, size in zip(offset, out.shape, strict=False))
    of = tuple(slice(max(-step, 0), size + min(-step, 0)) for step, size in zip(offset, out.shape, strict=False))
    out[to] |= lines[of]
