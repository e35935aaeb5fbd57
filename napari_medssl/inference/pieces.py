"""Structures that are one piece in people."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..imaging import connected_pieces, value_counts


def smaller_pieces(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """What is not of a mask's largest connected piece.

    Parameters
    ----------
    mask : ndarray of bool, 2-D or 3-D
    """
    out = np.zeros_like(mask)
    if not mask.any():
        return out
    box = tuple(
        slice(int(found[0]), int(found[-1]) + 1)
        for axis in range(mask.ndim)
        if len(found := np.flatnonzero(mask.any(axis=tuple(a for a in range(mask.ndim) if a != axis))))
    )
    pieces, count = connected_pieces(mask[box])
    sizes = value_counts(pieces, count + 1)
    sizes[0] = 0
    out[box] = mask[box] & (pieces != int(np.argmax(sizes)))
    return out
