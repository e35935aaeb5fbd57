"""The views that PCRLv2 compares and restores: two global ones that overlap, and local ones from the box around them.

Zhou et al., TPAMI 2023: "sub-crop". All functions work on any number of axes; a picture is a scan of two.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .pcrlv2_boxes import Box, WindowRule, common_box, draw_crop, draw_local, draw_pair
from .pcrlv2_distort import Photo, Space, Volume, cut_out, distort_photo, distort_volume, move
from .resampling import Image, resize

Standardise = Literal["none", "view", "imagenet"]

IMAGENET_MEAN, IMAGENET_SD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
GLOBAL_SHARE, LOCAL_SHARE = (0.3, 1.0), (0.05, 0.3)  # of the picture's area, without boxes
LEAST_SD = 1e-6  # of a view; a constant one stays 0


@dataclass(frozen=True)
class PairViews:
    """Makes "globals" (2, C, *size), "targets" (restored, C, *size) and "locals" (count, C, *local_size) of a scan.

    Attributes
    ----------
    size, local_size : tuple of int
        One number per axis of the network.
    count : int
        Local views.
    rule : WindowRule or None
        None draws every window by itself, with a share of the scan ("multi-crop").
    restored : int
        How many of the global views are restored: 1 or 2.
    unit : (float, float) or None
        Values of the scan that become 0 and 1.
    extra : int
        Voxels that a window is read further along the last axis; what they become is cut off.
    cubes : bool
        Rotate as though the voxels of a view were cubes.
    """

    size: tuple[int, ...]
    local_size: tuple[int, ...]
    count: int
    rule: WindowRule | None
    space: Space
    pixels: Volume | Photo
    standardise: Standardise = "none"
    restored: int = 2
    unit: tuple[float, float] | None = None
    extra: int = 0
    cubes: bool = False

    def __call__(
        self, image: NDArray[np.float16], spacing: tuple[float, float, float], rng: np.random.Generator
    ) -> dict[str, Tensor]:
        """Views of one scan (C, D, H, W), of a slice (D = 1) for a network of two axes."""
        flat = len(self.size) == 2
        scan = image[:, 0] if flat else image
        voxel = spacing[1:] if flat else spacing
        pair, inner = self._windows(scan.shape[1:], rng)
        views, targets, local_views = [], [], []
        for box in pair:
            moved = self._moved(scan, box, self.size, self.extra, voxel, rng)
            targets.append(self.standardised(moved) if self.standardise == "imagenet" else moved)
            views.append(self.distorted(moved, rng, whole=True))
        for box in inner:
            moved = self._moved(scan, box, self.local_size, 0, voxel, rng)
            local_views.append(self.distorted(moved, rng, whole=False))
        out = {"globals": _stack(views), "targets": _stack(targets[: self.restored])}
        return out | ({"locals": _stack(local_views)} if local_views else {})

    def _windows(self, shape: tuple[int, ...], rng: np.random.Generator) -> tuple[list[Box], list[Box]]:
        if self.rule is None:
            pair = [draw_crop(shape, GLOBAL_SHARE, rng) for _ in range(2)]
            return pair, [draw_crop(shape, LOCAL_SHARE, rng) for _ in range(self.count)]
        a, b = draw_pair(shape, self.rule, rng)
        around = common_box(a, b)
        return [a, b], [draw_local(around, shape, self.rule, rng) for _ in range(self.count)]

    def _moved(
        self,
        scan: NDArray[np.float16],
        box: Box,
        size: tuple[int, ...],
        extra: int,
        voxel: tuple[float, ...],
        rng: np.random.Generator,
    ) -> Image:
        window = self.in_unit(read_window(scan, box, size, extra))
        sides = [1.0] * len(size) if self.cubes else [v * n / m for v, n, m in zip(voxel, box.size, size, strict=True)]
        return move(window, self.space, sides, rng)

    def in_unit(self, image: Image) -> Image:
        """Values of the scan as views have them."""
        if self.unit is None:
            return image
        low, high = self.unit
        share: Image = np.clip((image - np.float32(low)) / np.float32(high - low), 0, 1)
        return share

    def distorted(self, image: Image, rng: np.random.Generator, whole: bool) -> Image:
        """Pixels changed; only global views lose parts."""
        if isinstance(self.pixels, Volume):
            return self.standardised(distort_volume(image, self.pixels, rng, swap=whole))
        image = self.standardised(distort_photo(image, self.pixels, rng))
        return cut_out(image, self.pixels, rng) if whole else image

    def standardised(self, image: Image) -> Image:
        """Scaled the way that `standardise` names."""
        column = (len(image), *(1,) * (image.ndim - 1))
        if self.standardise == "view":
            axes = tuple(range(1, image.ndim))
            mean, sd = image.mean(axes, keepdims=True), image.std(axes, keepdims=True)
            scaled: Image = (image - mean) / np.maximum(sd, LEAST_SD)
            return scaled
        if self.standardise == "imagenet":
            rgb = len(image) == 3
            means = IMAGENET_MEAN if rgb else (float(np.mean(IMAGENET_MEAN)),) * len(image)
            sds = IMAGENET_SD if rgb else (float(np.mean(IMAGENET_SD)),) * len(image)
            centred = image - np.asarray(means, np.float32).reshape(column)
            return centred / np.asarray(sds, np.float32).reshape(column)
        return image


def read_window(scan: NDArray[np.floating], box: Box, size: tuple[int, ...], extra: int = 0) -> Image:
    """A window of a scan at another size; only the window is read.

    Parameters
    ----------
    scan : ndarray, (C, *space)
    box : Box
    size : tuple of int
    extra : int
        Voxels read beyond the window along the last axis, and cut off after resizing (the authors' code).

    Returns
    -------
    ndarray of float32, (C, *size)
    """
    *others, last = box.slices
    further = slice(last.start, min(last.stop + extra, scan.shape[-1]))
    window = np.asarray(scan[(slice(None), *others, further)], dtype=np.float32)
    return resize(window, (*size[:-1], size[-1] + extra))[..., : size[-1]]


def _stack(views: list[Image]) -> Tensor:
    return torch.from_numpy(np.stack([np.asarray(v, np.float32) for v in views]))
