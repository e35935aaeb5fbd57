"""Connected pieces, numbered."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def connected_pieces(array: NDArray[Any], *, corners: bool = True) -> tuple[NDArray[Any], int]:
    """Pieces of equal values other than 0, numbered from 1, and how many there are.

    Parameters
    ----------
    array : bool or integer array, 2-D or 3-D
    corners : bool
        Voxels hang together where they touch at corners and edges, too; else at sides only.

    Returns
    -------
    numbers : integer array of the same shape
    count : int
    """
    import cc3d  # not needed to read a scan

    # cc3d (4.1) numbers masks wrong in two dimensions where corners count, so they get a third; where all voxels lie in
    # one row it may run out of numbers, so such an array gets air.
    solid = array.reshape((1,) * (3 - array.ndim) + array.shape)
    in_a_row = sum(length > 1 for length in solid.shape) < 2
    roomy = np.pad(solid, [(0, 1)] * 3) if in_a_row else np.ascontiguousarray(solid)
    numbers, count = cc3d.connected_components(roomy, connectivity=26 if corners else 6, return_N=True)
    inside = numbers[tuple(slice(0, length) for length in solid.shape)]
    return np.ascontiguousarray(inside).reshape(array.shape), int(count)
