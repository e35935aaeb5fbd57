"""Augmentation of the paper presets: the left-atrium and ACDC recipes of BCP (Bai et al., CVPR 2023), in numpy.

Images are (C, *space), labels (*space) or None. Every draw comes from the generators passed in, in the order of the
authors' code, so that equal seeds give equal patches.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Image = NDArray[np.floating]
LabelArray = NDArray[np.integer]

DEGREES = 20  # rotations of slices lie in [-20, 20)


def rot_flip(image: Image, labels: LabelArray | None, rng: np.random.RandomState) -> tuple[Image, LabelArray | None]:
    """Quarter turns of the first two axes of space, then always a flip of one of them."""
    turns = int(rng.randint(0, 4))
    axis = int(rng.randint(0, 2))
    image = np.flip(np.rot90(image, turns, axes=(1, 2)), axis + 1).copy()
    if labels is not None:
        labels = np.flip(np.rot90(labels, turns, axes=(0, 1)), axis).copy()
    return image, labels


def random_crop(
    image: Image,
    labels: LabelArray | None,
    patch: Sequence[int],
    rng: np.random.RandomState,
    outside: int = 0,
) -> tuple[Image, LabelArray | None]:
    """A patch at a random place; the last place is never drawn.

    Where the volume is no larger than the patch along any axis, zeros are put around it, a few more than needed and
    also along axes that are only a little larger than the patch.

    Parameters
    ----------
    outside : int
        Label of what was put around: 0 as in the paper's code, or 255.
    """
    if any(n <= p for n, p in zip(image.shape[1:], patch, strict=True)):
        width = [max((p - n) // 2 + 3, 0) for n, p in zip(image.shape[1:], patch, strict=True)]
        around = [(w, w) for w in width]
        image = np.pad(image, [(0, 0), *around])
        labels = None if labels is None else np.pad(labels, around, constant_values=outside)
    start = [int(rng.randint(0, n - p)) for n, p in zip(image.shape[1:], patch, strict=True)]
    window = tuple(slice(s, s + p) for s, p in zip(start, patch, strict=True))
    return image[(slice(None), *window)], None if labels is None else labels[window]


def augment_volume(
    image: Image, labels: LabelArray | None, patch: Sequence[int], rng: np.random.RandomState, outside: int = 0
) -> tuple[Image, LabelArray | None]:
    """The left-atrium recipe: quarter turns and a flip, then a patch.

    Parameters
    ----------
    image : ndarray, (C, I, J, K)
    labels : ndarray, (I, J, K), or None
    patch : sequence of int
    rng : RandomState
    outside : int
        See `random_crop`.

    Returns
    -------
    ndarray (C, *patch), ndarray (*patch) or None
    """
    return random_crop(*rot_flip(image, labels, rng), patch, rng, outside)


def augment_slice(
    image: Image,
    labels: LabelArray | None,
    size: Sequence[int],
    rng: np.random.RandomState,
    coin: Callable[[], float],
) -> tuple[Image, LabelArray | None]:
    """The ACDC recipe: half of the time turns and a flip, else half of the time a rotation; then zoomed to `size`.

    Everything is nearest-neighbour, the image too.

    Parameters
    ----------
    image : ndarray, (C, row, column)
    labels : ndarray, (row, column), or None
    size : sequence of int
        Rows and columns that the slice is zoomed to.
    rng : RandomState
        Of turns and angles.
    coin : callable
        A number in [0, 1) that decides what is done (the authors draw it from another generator).

    Returns
    -------
    ndarray (C, *size), ndarray (*size) or None
    """
    planes = [*image] if labels is None else [*image, labels]
    if coin() > 0.5:
        turns, axis = int(rng.randint(0, 4)), int(rng.randint(0, 2))
        planes = [np.flip(np.rot90(plane, turns), axis) for plane in planes]
    elif coin() > 0.5:
        angle = int(rng.randint(-DEGREES, DEGREES))
        planes = [ndimage.rotate(plane, angle, order=0, reshape=False) for plane in planes]
    zoom = [n / m for n, m in zip(size, planes[0].shape, strict=True)]
    planes = [ndimage.zoom(plane, zoom, order=0) for plane in planes]
    return np.stack(planes[: len(image)]), None if labels is None else planes[-1]
