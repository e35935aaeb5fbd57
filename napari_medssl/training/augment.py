"""Augmentation of one patch, as a pure function of its generator.

Space (rotation, scale, stretch along each axis, elastic) is sampled once, in millimetres, straight from the
memory-mapped volume: only the voxels under the transformed patch are read. What lies outside the scan repeats its edge
and counts as not looked at. Intensity follows: contrast, brightness, gamma, blur, a smooth bias and noise.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from ..methods.base import IGNORE


@dataclass(frozen=True)
class Augmentation:
    """How far to go. Angles in degrees, probabilities per patch.

    Attributes
    ----------
    stretch : float
        Standard deviation of the logarithm of the scale along each axis, beside the common `scale`.
    elastic : float
        Probability of a smooth displacement; the deviation of its knots is drawn from `bend`, in voxels.
    flat : bool
        Restrict all of it to the plane of the last two axes (slices, and voxels much thicker than wide).
    """

    rotation: float = 30.0
    scale: tuple[float, float] = (0.75, 1.3)
    stretch: float = 0.1
    elastic: float = 0.5
    bend: tuple[float, float] = (0.5, 3.0)
    space: float = 0.8
    intensity: float = 1.0
    mirror_axes: tuple[int, ...] = ()
    flat: bool = False

    def easier(self, share: float) -> Augmentation:
        """The same with shapes changed less, as is better for a network that knows little yet.

        Parameters
        ----------
        share : float
            0 is how a training begins; 1 is all of it.
        """
        low, high = self.bend
        return replace(
            self,
            stretch=share * self.stretch,
            elastic=(0.6 + 0.4 * share) * self.elastic,
            bend=(low, (2 + share) / 3 * high),
        )


NONE = Augmentation(space=0.0, stretch=0.0, intensity=0.0, elastic=0.0)


def cut(
    image: NDArray[np.float16],
    labels: NDArray[np.uint8] | None,
    centre: NDArray[np.floating],
    patch: tuple[int, int, int],
    spacing: tuple[float, float, float],
    augmentation: Augmentation,
    rng: np.random.Generator,
) -> tuple[Tensor, Tensor | None]:
    """One augmented patch.

    Parameters
    ----------
    image : (C, D, H, W); labels : (D, H, W) or None
    centre : (3,)
        Voxel at the middle of the patch.
    patch, spacing
        Size in voxels and voxel size of the (D, H, W) axes.

    Returns
    -------
    Tensor (C, *patch) float32, Tensor (*patch) int64 or None
    """
    coordinates = _coordinates(centre, patch, spacing, augmentation, rng)
    shape = np.array(image.shape[1:])
    low = np.clip(np.floor(coordinates.min(axis=(1, 2, 3))).astype(int), 0, shape - 1)
    high = np.clip(np.ceil(coordinates.max(axis=(1, 2, 3))).astype(int) + 1, low + 1, shape)
    window = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    source = torch.from_numpy(np.asarray(image[(slice(None), *window)], dtype=np.float32))[None]
    # grid_sample wants (x, y, z) in -1..1 between the centres of the first and last voxel
    extent = np.maximum(high - low - 1, 1).reshape(3, 1, 1, 1)
    relative = (coordinates - low.reshape(3, 1, 1, 1)) * (2.0 / extent) - 1.0
    grid = torch.from_numpy(np.ascontiguousarray(np.moveaxis(relative[::-1], 0, -1), dtype=np.float32))[None]
    out = F.grid_sample(source, grid, mode="bilinear", padding_mode="border", align_corners=True)[0]
    if augmentation.intensity > 0:
        out = _intensity(out, augmentation.intensity, rng)
    if labels is None:
        return out, None
    nearest = np.rint(coordinates).astype(np.intp)
    outside = ((nearest < 0) | (nearest >= shape.reshape(3, 1, 1, 1))).any(axis=0)
    nearest = np.clip(nearest, 0, (shape - 1).reshape(3, 1, 1, 1))
    target = np.asarray(labels[window])[tuple(n - a for n, a in zip(nearest, low, strict=True))].astype(np.int64)
    target[outside] = IGNORE
    return out, torch.from_numpy(target)


def _coordinates(
    centre: NDArray[np.floating],
    patch: tuple[int, int, int],
    spacing: tuple[float, float, float],
    augmentation: Augmentation,
    rng: np.random.Generator,
) -> NDArray[np.float32]:
    """Source voxel (3, *patch) of every voxel of the patch."""
    axes = [np.arange(n, dtype=np.float32) - np.float32((n - 1) / 2) for n in patch]
    offset = np.stack(np.meshgrid(*axes, indexing="ij"))
    for axis in augmentation.mirror_axes:
        if rng.random() < 0.5:
            offset[axis] = -offset[axis]
    if rng.random() < augmentation.space:
        stretch = np.exp(rng.normal(0.0, augmentation.stretch, 3))
        stretch[0] = 1.0 if augmentation.flat else stretch[0]
        matrix = _rotation(augmentation, rng) * (rng.uniform(*augmentation.scale) * stretch)
        size = np.array(spacing)
        offset = np.einsum("ab,b...->a...", (matrix * size / size[:, None]).astype(np.float32), offset)
    if rng.random() < augmentation.elastic:
        offset = offset + _elastic(patch, augmentation, rng)
    return offset + np.asarray(centre, np.float32).reshape(3, 1, 1, 1)


def _rotation(augmentation: Augmentation, rng: np.random.Generator) -> NDArray[np.float64]:
    """Rotation in millimetres about each axis in turn; only about the first when flat."""
    matrix = np.eye(3)
    for axis in (0,) if augmentation.flat else (0, 1, 2):
        angle = np.deg2rad(rng.uniform(-augmentation.rotation, augmentation.rotation))
        a, b = [k for k in range(3) if k != axis]
        turn = np.eye(3)
        turn[a, a] = turn[b, b] = np.cos(angle)
        turn[a, b], turn[b, a] = -np.sin(angle), np.sin(angle)
        matrix = matrix @ turn
    return matrix


def _elastic(patch: tuple[int, int, int], augmentation: Augmentation, rng: np.random.Generator) -> NDArray[np.float32]:
    """A smooth displacement in voxels: a coarse random grid, blown up."""
    knots = tuple(1 if n == 1 else max(3, n // 12) for n in patch)
    coarse = rng.normal(0.0, rng.uniform(*augmentation.bend), (1, 3, *knots)).astype(np.float32)
    if augmentation.flat:
        coarse[:, 0] = 0
    smooth = F.interpolate(torch.from_numpy(coarse), patch, mode="trilinear", align_corners=True)
    out: NDArray[np.float32] = smooth[0].numpy()
    return out


def _intensity(image: Tensor, strength: float, rng: np.random.Generator) -> Tensor:
    """Change how the scanner might have seen it; `image` (C, D, H, W), z-scored."""
    if rng.random() < 0.15 * strength:
        image = _blur(image)
    if rng.random() < 0.3 * strength:
        gamma = float(np.exp(rng.uniform(-0.45, 0.45)))
        low, high = image.amin(dim=(1, 2, 3), keepdim=True), image.amax(dim=(1, 2, 3), keepdim=True)
        span = (high - low).clamp_min(1e-6)
        flipped = rng.random() < 0.25
        unit = (high - image if flipped else image - low) / span
        curved = unit.pow(gamma) * span
        image = high - curved if flipped else low + curved
    if rng.random() < 0.3 * strength:
        coarse = torch.from_numpy(rng.normal(0.0, 0.15, (1, 1, 3, 3, 3)).astype(np.float32))
        bias = F.interpolate(coarse, image.shape[1:], mode="trilinear", align_corners=True)[0]
        image = image * (1 + bias)
    if rng.random() < 0.5 * strength:
        image = image * rng.uniform(0.75, 1.3) + rng.uniform(-0.2, 0.2)
    if rng.random() < 0.25 * strength:
        generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
        image = image + torch.randn(image.shape, generator=generator) * rng.uniform(0.02, 0.2)
    return image


def _blur(image: Tensor) -> Tensor:
    """A 1-2-1 kernel along every axis that is longer than one voxel."""
    kernel = torch.tensor([0.25, 0.5, 0.25])
    out = image[:, None]
    for axis in range(3):
        if image.shape[axis + 1] > 1:
            shape, pad = [1, 1, 1, 1, 1], [0] * 6
            shape[axis + 2] = 3
            pad[2 * (2 - axis)] = pad[2 * (2 - axis) + 1] = 1
            out = F.conv3d(F.pad(out, pad, mode="replicate"), kernel.reshape(shape))
    return out[:, 0]
