"""Arrays to try labelling tools on, and how their changes are written."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from napari_medssl.imaging import UNSEEN
from napari_medssl.tools.scene import Change

#: Isotropic, thick slices, a 2-D image, and an array that is thin along another axis.
GRIDS = [
    ((20, 22, 24), (1.0, 1.0, 1.0)),
    ((12, 30, 26), (3.0, 0.8, 0.8)),
    ((30, 9, 28), (0.9, 2.5, 0.6)),
    ((40, 36), (0.7, 1.1)),
]


def blobs(
    shape: tuple[int, ...], values: tuple[int, ...] = (1, 2, 3), seed: int = 0, rest: int = 0
) -> NDArray[np.uint8]:
    """Ellipsoids of several values that may touch the border and one another."""
    random = np.random.default_rng(seed)
    where = np.indices(shape).reshape(len(shape), -1).T
    labels = np.full(shape, rest, np.uint8)
    for number in range(6):
        centre = random.uniform(0, np.array(shape))
        radii = random.uniform(0.12, 0.3, len(shape)) * np.array(shape) + 1
        inside = (((where - centre) / radii) ** 2).sum(axis=1).reshape(shape) <= 1
        labels[inside] = values[number % len(values)]
    return labels


def painted(labels: NDArray[np.uint8], change: Change) -> NDArray[np.uint8]:
    """The labels after a change."""
    after = labels.copy()
    after.reshape(-1)[change.places] = change.values
    return after


def half_done(truth: NDArray[np.uint8], spacing: tuple[float, float, float]) -> NDArray[np.uint8]:
    """Labels as somebody leaves them half way, so that each tool has something to do.

    Parameters
    ----------
    truth : array of uint8 (plane, row, column)
        Structures 1 and 2. Half of 1 is another structure, 3.
    spacing : tuple of float
        Millimetres.

    Returns
    -------
    array of uint8
        What is far from structures was not looked at; round them is a shell of background, at a distance. Structure 1
        is drawn too far to the right, with slices left out, a hole, a thorn and an island.
    """
    mine = np.roll(truth == 1, 1, axis=2)
    first, last = _ends(mine, 0)
    middle, gap = (first + last) // 2, (first + last) // 2 + 2
    away = distance_transform_edt(~mine, sampling=spacing)
    step = max(spacing)
    labels = np.full(truth.shape, UNSEEN, np.uint8)
    labels[(away > 3 * step) & (away <= 5 * step)] = 0
    labels[truth == 2] = 2
    labels[mine] = 1
    labels[mine & (np.arange(len(mine)) <= (first + middle) // 2)[:, None, None]] = 3
    labels[gap : gap + 2][mine[gap : gap + 2]] = UNSEEN
    deep = distance_transform_edt(labels == 1, sampling=spacing)
    labels[np.unravel_index(np.argmax(deep), deep.shape)] = 0
    rows = np.flatnonzero(mine[middle].any(axis=1))
    row = int(rows[len(rows) // 2])
    right = int(np.flatnonzero(mine[middle, row])[-1])
    labels[middle, row, right + 1 : right + 4] = 1  # a thorn
    island = _ends(mine, 1)[1] + max(2, round(4 * step / spacing[1]))
    labels[middle, island : island + 2, right] = 1
    return labels


def _ends(mask: NDArray[np.bool_], axis: int) -> tuple[int, int]:
    there = np.flatnonzero(mask.any(axis=tuple(other for other in range(mask.ndim) if other != axis)))
    return int(there[0]), int(there[-1])
