"""Arrays to try labelling tools on, and how their changes are written."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

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
