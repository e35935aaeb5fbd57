"""What is done to the views of PCRLv2: first in space (the restored image keeps it), then to their pixels.

Images are (C, *space) float32; every draw comes from the generator passed in. "Volume" distortions are those of the
authors' 3-D code, "photo" distortions those of their 2-D code.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

from .resampling import Image, blur

GREY = (0.299, 0.587, 0.114)  # weights of red, green and blue in brightness
GREY_SHARE, BLUR_SHARE = 0.2, 0.5
JITTER = 0.4


@dataclass(frozen=True)
class Space:
    """Flips with probability 1/2 per axis of `flips`; rotation up to so many degrees, scale within 1 +- `scaling`."""

    flips: tuple[int, ...] = ()
    rotation: float = 10.0
    scaling: float = 0.1
    flat: bool = False


@dataclass(frozen=True)
class Volume:
    """Highest standard deviations of blur (voxels) and noise, range of log gamma, number of swaps and their blocks."""

    blur: float = 2.0
    noise: float = 0.25
    gamma: float = 0.3
    swaps: int = 100
    block: tuple[int, ...] = (8, 4, 4)


@dataclass(frozen=True)
class Photo:
    """Highest radius of blur (pixels); squares cut out, and their side."""

    blur: float = 2.0
    cutouts: int = 3
    side: int = 32


def move(image: Image, how: Space, voxel: Sequence[float], rng: np.random.Generator) -> Image:
    """Flip, rotate and scale about the middle; linear, what comes from outside is the minimum.

    Parameters
    ----------
    image : ndarray, (C, *space)
    how : Space
    voxel : sequence of float
        Size of a voxel along each axis, so that rotation does not shear.
    rng : Generator
    """
    for axis in how.flips:
        if rng.random() < 0.5:
            image = np.flip(image, axis + 1)
    matrix = _rotation(how, image.ndim - 1, rng) @ np.diag(
        rng.uniform(1 - how.scaling, 1 + how.scaling, image.ndim - 1)
    )
    if np.allclose(matrix, np.eye(len(matrix))):
        return np.ascontiguousarray(image)
    size = np.array(image.shape[1:], float)
    # from voxels to -1..1 between the outer faces and back, in the reversed order of axes that grid_sample wants
    half = np.asarray(voxel, float) * size / 2
    theta = (np.diag(1 / half) @ matrix @ np.diag(half))[::-1, ::-1]
    full = torch.from_numpy(np.column_stack([theta, np.zeros(len(theta))]).astype(np.float32))[None]
    tensor = torch.from_numpy(np.ascontiguousarray(image))[None]
    lowest = tensor.amin()
    grid = F.affine_grid(full, list(tensor.shape), align_corners=False)
    moved = F.grid_sample(tensor - lowest, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
    out: Image = (moved + lowest)[0].numpy()
    return out


def distort_volume(image: Image, how: Volume, rng: np.random.Generator, swap: bool) -> Image:
    """Blur, noise, gamma that keeps the sign, and (with `swap`) blocks that change places."""
    image = blur(image, [rng.uniform(0, how.blur) for _ in image.shape[1:]])
    deviation = np.float32(rng.uniform(0, how.noise))
    image = image + deviation * rng.standard_normal(image.shape, dtype=np.float32)
    gamma = np.float32(math.exp(rng.uniform(-how.gamma, how.gamma)))
    image = np.sign(image) * np.abs(image) ** gamma
    return swap_blocks(image, how.swaps, how.block, rng) if swap else image


def swap_blocks(image: Image, count: int, block: Sequence[int], rng: np.random.Generator) -> Image:
    """So many times two blocks that do not overlap change places."""
    size = np.minimum(block, image.shape[1:])
    most = np.array(image.shape[1:]) - size + 1
    if (most < 1 + size).all():
        return image  # no two blocks fit side by side
    image = image.copy()
    for _ in range(count):
        a, b = rng.integers(0, most), rng.integers(0, most)
        while (np.abs(a - b) < size).all():  # some places leave no room for another: draw both anew
            a, b = rng.integers(0, most), rng.integers(0, most)
        here, there = _block(a, size), _block(b, size)
        kept = image[here].copy()
        image[here] = image[there]
        image[there] = kept
    return image


def distort_photo(image: Image, how: Photo, rng: np.random.Generator) -> Image:
    """Sometimes grey, sometimes blurred, always other colours; values stay in 0..1 as they came.

    Images that are not red, green and blue only change in brightness and contrast.
    """
    coloured = len(image) == 3
    if rng.random() < GREY_SHARE and coloured:
        image = np.repeat(_grey(image)[None], 3, axis=0)
    if rng.random() < BLUR_SHARE:
        image = blur(image, (rng.uniform(0.1, max(0.1, how.blur)),) * (image.ndim - 1))
    changes = [_brightness, _contrast, *((_saturation, _hue) if coloured else ())]
    for index in rng.permutation(len(changes)):
        image = changes[index](image, rng)
    return np.clip(image, 0, 1).astype(np.float32)


def cut_out(image: Image, how: Photo, rng: np.random.Generator) -> Image:
    """Squares set to 0; their centres lie anywhere, so some stick out."""
    image = image.copy()
    for _ in range(how.cutouts):
        centre = [int(rng.integers(n)) for n in image.shape[1:]]
        window = tuple(slice(max(0, c - how.side // 2), c + how.side // 2) for c in centre)
        image[(slice(None), *window)] = 0
    return image


def _rotation(how: Space, ndim: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """About each axis in turn; in the plane of the last two axes where it is flat or a picture."""
    matrix = np.eye(ndim)
    planes = [(ndim - 2, ndim - 1)] if ndim == 2 or how.flat else [(1, 2), (0, 2), (0, 1)]
    for a, b in planes:
        angle = math.radians(rng.uniform(-how.rotation, how.rotation))
        turn = np.eye(ndim)
        turn[a, a] = turn[b, b] = math.cos(angle)
        turn[a, b], turn[b, a] = -math.sin(angle), math.sin(angle)
        matrix = matrix @ turn
    return matrix


def _block(low: NDArray[np.integer], size: NDArray[np.integer]) -> tuple[slice, ...]:
    return (slice(None), *(slice(int(a), int(a + n)) for a, n in zip(low, size, strict=True)))


def _grey(image: Image) -> Image:
    out: Image = np.tensordot(np.asarray(GREY, np.float32), image, 1)
    return out


def _brightness(image: Image, rng: np.random.Generator) -> Image:
    out: Image = np.clip(image * np.float32(rng.uniform(1 - JITTER, 1 + JITTER)), 0, 1)
    return out


def _contrast(image: Image, rng: np.random.Generator) -> Image:
    mean = np.float32((_grey(image) if len(image) == 3 else image).mean())
    out: Image = np.clip(mean + (image - mean) * np.float32(rng.uniform(1 - JITTER, 1 + JITTER)), 0, 1)
    return out


def _saturation(image: Image, rng: np.random.Generator) -> Image:
    grey = _grey(image)
    return np.clip(grey + (image - grey) * np.float32(rng.uniform(1 - JITTER, 1 + JITTER)), 0, 1)


def _hue(image: Image, rng: np.random.Generator) -> Image:
    """Turn the colour wheel by up to `JITTER` of a full turn: brightest and darkest channel value stay."""
    high, low = image.max(axis=0), image.min(axis=0)
    span = high - low
    red, green, blue = image
    safe = np.where(span > 0, span, 1)
    hue = np.where(
        high == red,
        (green - blue) / safe % 6,
        np.where(high == green, (blue - red) / safe + 2, (red - green) / safe + 4),
    )
    hue = hue + 6 * rng.uniform(-JITTER, JITTER)
    parts = [(n + hue) % 6 for n in (5, 3, 1)]
    return np.stack([high - span * np.clip(np.minimum(k, 4 - k), 0, 1) for k in parts]).astype(np.float32)
