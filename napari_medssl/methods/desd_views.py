"""Views of a scan for DeSD: two large ones from one region, and small ones if asked for.

With "slabs" the published recipe for CT: a slab of 24 slices, in it a region 1.4 to 1.8 times as large as a view, in
that two views that are scaled in plane and flipped. With "volume" the same idea along all three axes, for any scan.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from .desd_intensity import FIRST, LOCAL, SECOND, Strength, change
from .desd_options import DeSDOptions

if TYPE_CHECKING:
    from ..runs.spec import Plan

Triple = tuple[int, int, int]

REGION = (1.4, 1.8)  # edge of the region that all views come from, as a multiple of a view's
GLOBAL = (0.8, 1.2)  # edge of what becomes a large view
LOCAL_EDGE = (1.5, 2.0)
SLAB, SLAB_STEP = 24, 12  # slices
WIDE, KEPT = 320, 0.8  # of planes with more voxels than this along their first axis only the middle is used
FLIP_SLABS, FLIP = 0.8, 0.5


@dataclass(frozen=True)
class DeSDViews:
    """Makes "globals" (2, C, *size) and, where there are small views, "locals" (N, C, *local_size).

    Attributes
    ----------
    ndim : int
        Of the network. For 2 the first axis of everything has length 1, and views come without it.
    size, local_size : tuple of int
        Voxels of a view along D, H, W.
    locals : int
        Number of small views.
    scaled : tuple of bool
        Axes along which the part of the scan that becomes a view varies in size.
    flips : tuple of float
        Probability that a view is mirrored, per axis.
    slab_axis : int or None
        Axis that is cut into slabs; what lies outside the scan is then 0 instead of its edge.
    slice_axis : int or None
        Axis whose slices change intensity each by itself; None changes the whole view alike.
    intensity : bool
        Change intensities at all.
    """

    ndim: int
    size: Triple
    local_size: Triple
    locals: int
    scaled: tuple[bool, bool, bool]
    flips: tuple[float, float, float]
    slab_axis: int | None = None
    slice_axis: int | None = None
    intensity: bool = True

    def __call__(
        self, image: NDArray[np.float16], spacing: tuple[float, float, float], rng: Generator
    ) -> dict[str, Tensor]:
        """Views of one scan (C, D, H, W); only the region that they come from is read."""
        region = self._region(image, rng)
        made = {"globals": [self._view(region, self.size, GLOBAL, s, rng) for s in (FIRST, SECOND)]}
        if self.locals:
            made["locals"] = [self._view(region, self.local_size, LOCAL_EDGE, LOCAL, rng) for _ in range(self.locals)]
        stacks = {name: torch.stack(views) for name, views in made.items()}
        return {name: stack[:, :, 0] if self.ndim == 2 else stack for name, stack in stacks.items()}

    def _region(self, image: NDArray[np.float16], rng: Generator) -> NDArray[np.float32]:
        """(C, *region) of the scan, no smaller than a view."""
        window, around = [], [(0, 0)]
        for axis in range(3):
            low, high = self._usable(axis, image.shape[1:], rng)
            view = self.size[axis]
            extent = max(high - low, view)
            edge = _edge(view, REGION, extent, rng) if self.scaled[axis] else extent
            before = (extent - (high - low)) // 2  # put around the scan where it is smaller than a view
            start = low - before + int(rng.integers(extent - edge + 1))
            inside = slice(max(start, low), min(start + edge, high))
            window.append(inside)
            around.append((inside.start - start, start + edge - inside.stop))
        region = np.asarray(image[(slice(None), *window)], dtype=np.float32)
        if not any(map(any, around)):
            return region
        return np.pad(region, around, mode="edge" if self.slab_axis is None else "constant")

    def _usable(self, axis: int, shape: Sequence[int], rng: Generator) -> tuple[int, int]:
        """From where to where a scan is used along an axis: all of it, or a slab, and in its plane the middle."""
        n = shape[axis]
        if self.slab_axis is None:
            return 0, n
        if axis == self.slab_axis:
            start = min(int(rng.integers(slabs(n))) * SLAB_STEP, max(0, n - SLAB))
            return start, min(n, start + SLAB)
        first = next(a for a in range(3) if a != self.slab_axis and shape[a] > 1)
        if shape[first] <= WIDE:
            return 0, n
        margin = int(n * (1 - KEPT) / 2)
        return margin, n - margin

    def _view(
        self, region: NDArray[np.float32], size: Triple, edges: tuple[float, float], strength: Strength, rng: Generator
    ) -> Tensor:
        """(C, *size): a box of the region, flipped, made as large as a view is, and changed."""
        box = []
        for axis, n in enumerate(region.shape[1:]):
            edge = _edge(size[axis], edges, n, rng) if self.scaled[axis] else size[axis]
            start = int(rng.integers(n - edge + 1))
            box.append(slice(start, start + edge))
        mirrored = tuple(axis + 1 for axis in range(3) if rng.random() < self.flips[axis])
        cut = np.ascontiguousarray(np.flip(region[(slice(None), *box)], mirrored))
        if cut.shape[1:] != size:
            cut = F.interpolate(torch.from_numpy(cut)[None], size, mode="trilinear", align_corners=False)[0].numpy()
        if self.intensity:
            cut = self._change(cut, strength, rng)
        return torch.from_numpy(np.ascontiguousarray(cut))

    def _change(self, view: NDArray[np.float32], strength: Strength, rng: Generator) -> NDArray[np.float32]:
        if self.slice_axis is None:
            return change(view, strength, rng)
        slices = np.moveaxis(view, self.slice_axis + 1, 1)
        changed = change(slices.reshape(-1, *slices.shape[2:]), strength, rng)
        return np.moveaxis(changed.reshape(slices.shape), 1, self.slice_axis + 1)


def make_views(options: DeSDOptions, plan: Plan) -> DeSDViews:
    """The views of a plan."""
    flat, slabbed, plain = plan.net.ndim == 2, options.geometry == "slabs", plan.augmentation == "none"
    size = view_size(plan.patch, options.view_part, plan.net.factor)
    whole = (1, *size) if flat else size
    # slices lie across the axis along which views are shortest, the last one of several
    depth = 0 if flat else max(range(3), key=lambda axis: (-whole[axis], axis))
    parts = [1.0 if slabbed and axis == depth else options.local_part for axis in range(3)]
    mirrored = (n > 1 and (slabbed or axis in plan.mirror_axes) and not plain for axis, n in enumerate(whole))
    chance = FLIP_SLABS if slabbed else FLIP
    a, b, c = (chance if flip else 0.0 for flip in mirrored)
    d, h, w = (n > 1 and not (slabbed and axis == depth) for axis, n in enumerate(whole))
    return DeSDViews(
        ndim=plan.net.ndim,
        size=(whole[0], whole[1], whole[2]),
        local_size=_triple(max(1, round(n * part)) for n, part in zip(whole, parts, strict=True)),
        locals=options.local_views,
        scaled=(d, h, w),
        flips=(a, b, c),
        slab_axis=depth if slabbed and not flat else None,
        slice_axis=depth if options.per_slice else None,
        intensity=not plain,
    )


def view_size(patch: Sequence[int], part: float, factor: Sequence[int]) -> tuple[int, ...]:
    """Sides of a large view: a part of the patch's, multiples of the network's total stride.

    At least two voxels are left at the deepest stage, since instance norm cannot do with one.
    """
    size = [max(f, round(n * part / f) * f) for n, f in zip(patch, factor, strict=True)]
    if all(n == f for n, f in zip(size, factor, strict=True)):
        axis = int(np.argmax(patch))
        size[axis] += factor[axis]
    return tuple(size)


def slabs(slices: int) -> int:
    """How many slabs a scan has; the last one ends with it."""
    return 1 if slices <= SLAB else 1 + -(-(slices - SLAB) // SLAB_STEP)


def _edge(view: int, scale: tuple[float, float], extent: int, rng: Generator) -> int:
    """A random multiple of a view's edge; the edge itself where that is not shorter than what there is."""
    edge = int(view * rng.uniform(*scale))
    return edge if edge < extent else view


def _triple(values: Iterable[int]) -> Triple:
    d, h, w = values
    return d, h, w
