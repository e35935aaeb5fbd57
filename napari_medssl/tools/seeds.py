"""Grow from seeds: from strokes to regions, along the edges of the scan.

The scan's steepness is flooded from the strokes (watershed). Flooding takes microseconds per voxel, so it is done on a
coarse copy first, and then, finer and finer, only near the borders that were found.
"""

from __future__ import annotations

import functools
import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from ..imaging import UNSEEN, connected_pieces
from ..methods.options import option
from .boxes import box_of_class, region_of
from .options import ToolOptions
from .scene import Mask, Scene, ToolError, Voxels, Wanted

ENOUGH = 120_000  # voxels that are flooded at once
BLUR = 0.7  # voxels; so that noise is no edge
BAND = 2  # voxels on either side of a border of the coarser level that are flooded again
PASSES = 17  # over all voxels, of about the same time each; the first before the flood, four when it is over
NOBODY = np.int32(np.iinfo(np.int32).max)  # in the place of voxels without a seed, where the lowest is looked for
Image = NDArray[np.float32]
Seeds = NDArray[np.int32]


@dataclass(frozen=True)
class SeedsOptions(ToolOptions):
    """Of *grow from seeds*."""

    reach: float = option(
        20.0, "As far as", "How far from the strokes it may go, where no box is drawn.", low=1.0, high=500.0, unit="mm",
        advanced=False,
    )  # fmt: skip
    spread: float = option(
        0.0,
        "Values like the strokes'",
        "Only voxels whose value lies within so many standard deviations of those under the strokes; 0: all values.",
        low=0.0,
        high=20.0,
        advanced=False,
    )
    all_classes: bool = option(False, "All structures", "The other structures grow too, but for locked ones.")
    background: bool = option(False, "Background too", "What is nearer to strokes of background becomes background.")


def grow_from_seeds(scene: Scene, options: SeedsOptions) -> Wanted:
    """Part what nobody looked at between the strokes of the class in hand, other classes and background."""
    assert scene.image is not None
    region = region_of(scene)
    around = box_of_class(scene, region, options.reach)
    box = around if scene.box is None else region
    now, image = scene.labels[box], np.nan_to_num(np.asarray(scene.image[box], np.float32))
    scene.at(0.02)
    seeds = np.where(now == UNSEEN, 0, now.astype(np.int32) + 1)
    if seeds.all():
        raise ToolError(
            "Everything here has been looked at: this tool fills what is still open. Draw the box elsewhere."
        )
    if not options.spread and not ((seeds != 0) & (now != scene.value)).any():
        raise ToolError(
            "It would not know where to stop: draw a stroke of background or of another structure too, or say how far "
            "values may differ from those under the strokes."
        )
    scene.at(0.04)
    alike = _alike(image, now == scene.value, options.spread)
    found = flood(image, seeds, alike, scene)
    grown = _held_together(found == scene.value + 1, now == scene.value)
    scene.at(0.9)
    values: Voxels = np.where(grown, scene.value, now).astype(np.uint8)
    open_ = now == UNSEEN
    if options.all_classes:
        others = open_ & (found > 1) & ~grown & (found != scene.value + 1)
        others &= ~np.isin(found, [value + 1 for value in scene.locked])
        values[others] = found[others] - 1
    if options.background:
        values[open_ & (found == 1)] = 0
    return Wanted(box, values, "Grown from the strokes", background=options.background)


def flood(image: Image, seeds: Seeds, within: Mask, scene: Scene) -> Seeds:
    """Whose each voxel is, 0 for nobody's; coarse first.

    Parameters
    ----------
    image : array of float
    seeds : array of int
        0 where it is to be found.
    within : array of bool
        Where it may flow.
    scene : Scene
        For the spacing, and to be stopped.
    """
    from skimage.segmentation import watershed

    levels, work = [(image, seeds, within)], _Work(scene, image.size)
    while levels[-1][0].size > ENOUGH:
        work.did(1, levels[-1][0].size)
        levels.append(_coarser(*levels[-1]))
    found = np.zeros_like(levels[-1][1])
    for number, (picture, marks, where) in enumerate(reversed(levels)):
        steep = _steepness(picture, work)
        if number == 0:
            found = watershed(steep, marks, mask=where | (marks != 0))
            continue
        found = _finer(found, picture.shape)
        found = np.where(marks != 0, marks, np.where(where, found, 0)).astype(np.int32)
        work.did(1, picture.size)
        band = _near_borders(found) & where & (marks == 0)
        ring = _wider(band)
        begin = np.where(band | ~ring, 0, found)
        work.did(1, picture.size)
        again = watershed(steep, begin, mask=ring & (where | (marks != 0)))
        work.did(4, picture.size)
        found = np.where(band, again, found)
    return np.asarray(found, np.int32)


class _Work:
    """Tells how much is done, by voxels times what is done to each."""

    def __init__(self, scene: Scene, size: int) -> None:
        self._scene, self._done = scene, size
        self._all = PASSES * size * 8 / 7  # all levels together are 8/7 of the first

    def did(self, passes: int, size: int) -> None:
        """So many passes over so many voxels are done."""
        self._done += passes * size
        self._scene.at(min(self._done / self._all, 0.99))


def _alike(image: Image, strokes: Mask, spread: float) -> Mask:
    if not spread:
        return np.ones(image.shape, bool)
    under = image[strokes].astype(np.float64)
    width = spread * max(float(under.std()), 1e-6 * float(np.abs(under).max()))
    return np.asarray(np.abs(image - under.mean()) <= width)


def _held_together(grown: Mask, strokes: Mask) -> Mask:
    """Without parts that hang together with no stroke."""
    grown = grown | strokes
    pieces, count = connected_pieces(grown, corners=False)
    kept = np.zeros(count + 1, bool)
    kept[np.unique(pieces[strokes])] = True
    kept[0] = False
    return np.asarray(kept[pieces])


def _steepness(image: Image, work: _Work) -> Image:
    steep = np.zeros(image.shape, np.float32)
    soft = image
    axes = [axis for axis in range(image.ndim) if image.shape[axis] > 1]
    for axis in axes:
        soft = gaussian_filter1d(soft, BLUR, axis, mode="nearest")
        work.did(1, image.size)
    for axis in axes:
        steep += np.gradient(soft, axis=axis) ** 2
        work.did(1, image.size)
    return np.sqrt(steep)


def _coarser(image: Image, seeds: Seeds, within: Mask) -> tuple[Image, Seeds, Mask]:
    """Half as fine along all axes that are longer than a few voxels.

    A block with seeds of two kinds has none: the finer level knows better.
    """
    factors = [2 if size >= 8 else 1 for size in image.shape]
    pads = [(0, -size % factor) for size, factor in zip(image.shape, factors, strict=True)]
    corners = [
        tuple(slice(first, None, factor) for first, factor in zip(offset, factors, strict=True))
        for offset in itertools.product(*map(range, factors))
    ]

    def blocked(array: NDArray[Any]) -> list[NDArray[Any]]:
        padded = np.pad(array, pads, mode="edge")
        return [padded[corner] for corner in corners]

    highest = functools.reduce(np.maximum, blocked(seeds))
    lowest = functools.reduce(np.minimum, blocked(np.where(seeds == 0, NOBODY, seeds)))
    marks = np.where(lowest == highest, highest, 0).astype(np.int32)
    mean = np.asarray(sum(blocked(image)) / np.float32(len(corners)), np.float32)
    return mean, marks, functools.reduce(np.logical_or, blocked(within))


def _finer(found: Seeds, shape: tuple[int, ...]) -> Seeds:
    for axis, size in enumerate(shape):
        if found.shape[axis] != size:
            found = np.repeat(found, 2, axis=axis)
    return found[tuple(slice(0, size) for size in shape)]


def _near_borders(found: Seeds) -> Mask:
    near = np.zeros(found.shape, bool)
    for axis in range(found.ndim):
        low = (slice(None),) * axis + (slice(None, -1),)
        high = (slice(None),) * axis + (slice(1, None),)
        differ = found[low] != found[high]
        near[low] |= differ
        near[high] |= differ
    for _ in range(BAND):
        near = _wider(near)
    return near


def _wider(mask: Mask) -> Mask:
    """With the neighbours along all axes."""
    out = mask.copy()
    for axis in range(mask.ndim):
        low = (slice(None),) * axis + (slice(None, -1),)
        high = (slice(None),) * axis + (slice(1, None),)
        out[low] |= mask[high]
        out[high] |= mask[low]
    return out
