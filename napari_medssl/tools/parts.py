"""Connected parts of a mask."""

from __future__ import annotations

from typing import Any

import cc3d
import numpy as np
from numpy.typing import NDArray

from .scene import Mask


def parts_of(mask: Mask, corners: bool = True) -> tuple[NDArray[Any], int]:
    """Parts by number from 1, and how many there are.

    Parameters
    ----------
    mask : array of bool
        With two or three axes.
    corners : bool
        Voxels hang together where they touch at corners and edges too; else at sides only.
    """
    # Axes of length one are left out: with them cc3d 4.1 may have too little room for its numbers, and gives up.
    lean = np.ascontiguousarray(np.atleast_2d(mask.squeeze()))
    connectivity = {(3, True): 26, (3, False): 6, (2, True): 8, (2, False): 4}[lean.ndim, corners]
    numbers, count = cc3d.connected_components(lean, connectivity=connectivity, return_N=True)
    return numbers.reshape(mask.shape), int(count)


def sizes_of(numbers: NDArray[Any], count: int) -> NDArray[np.int64]:
    """How many voxels each part has; the first number is of what is in none."""
    return np.bincount(numbers.reshape(-1), minlength=count + 1).astype(np.int64)
