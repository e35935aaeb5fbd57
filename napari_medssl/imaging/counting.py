"""Counting values of masks in bounded memory: stretch by stretch, whatever their size and order in memory.

`np.unique` and `np.bincount` of a whole mask make eight bytes of each voxel, which is 840 MB of 512 x 512 x 400 voxels.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

STRETCH = 1 << 20  # voxels that are looked at together


def stretches(*arrays: NDArray[Any]) -> Iterator[tuple[NDArray[Any], ...]]:
    """Arrays of one shape in pieces of at most about `STRETCH` voxels that lie at the same places.

    The first one is gone through as it lies in memory, which is what makes it quick.
    """
    shape = arrays[0].shape
    if 0 in shape:
        return
    if not shape:
        yield tuple(array.reshape(1) for array in arrays)
        return
    # the slowest axis; of those of one voxel, strides mean nothing
    axis = max(range(len(shape)), key=lambda a: (shape[a] > 1, abs(arrays[0].strides[a])))
    plane = arrays[0].size // shape[axis]
    if plane > STRETCH:
        for place in range(shape[axis]):
            window = (slice(None),) * axis + (place,)
            yield from stretches(*(array[window] for array in arrays))
        return
    rows = max(1, STRETCH // plane)
    for start in range(0, shape[axis], rows):
        window = (slice(None),) * axis + (slice(start, start + rows),)
        yield tuple(array[window] for array in arrays)


def value_counts(array: NDArray[Any], length: int = 256) -> NDArray[np.int64]:
    """How many voxels have each value from 0 up, (length,).

    Parameters
    ----------
    array : array of integers
        All of them below `length`.
    length : int
        256 is that of masks.
    """
    counts = np.zeros(length, np.int64)
    for (piece,) in stretches(array):
        counts += np.bincount(piece.ravel(order="K"), minlength=length)
    return counts


def pair_counts(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> NDArray[np.int64]:
    """How many voxels have each value in the first mask (rows) and in the second (columns), (256, 256)."""
    counts = np.zeros(65536, np.int64)
    for one, other in stretches(first, second):
        pairs = one.astype(np.uint16) * 256 + other
        counts += np.bincount(pairs.ravel(order="K"), minlength=65536)
    return counts.reshape(256, 256)
