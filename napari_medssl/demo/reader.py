"""A simulated reader: corrects a proposal as a careful person would, with the truth for eyes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..imaging import UNSEEN

SPECK_VOXELS = 6


def correct(proposal: NDArray[np.uint8], truth: NDArray[np.uint8], speck: int = SPECK_VOXELS) -> NDArray[np.uint8]:
    """What the reader makes of a proposal.

    Errors are repaired where they are as large as a person would see; specks of fewer than `speck` connected voxels
    stay as proposed. So the result is as good as careful work, and no better.

    Parameters
    ----------
    proposal, truth : array (i, j, k) of uint8

    Returns
    -------
    array (i, j, k) of uint8
        A new array.
    """
    from scipy import ndimage

    wrong = (proposal != truth) & (truth != UNSEEN)
    pieces, count = ndimage.label(wrong)
    sizes = np.bincount(pieces.ravel(), minlength=count + 1)
    seen = sizes >= speck
    seen[0] = False  # the background of `pieces`: where nothing is wrong
    corrected: NDArray[np.uint8] = np.where(seen[pieces], truth, proposal).astype(np.uint8)
    return corrected
