"""What differs between a proposal and another mask, as codes to be shown. Pure."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..imaging import UNSEEN

ONLY_HERE, ONLY_THERE, OTHER = 1, 2, 3  # in order of `colours.DIFFERENCE`


def difference(here: NDArray[np.uint8], there: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Where two masks differ: a structure `ONLY_HERE`, `ONLY_THERE`, or `OTHER` ones in both; 0 where they agree, and
    where nobody looked.
    """
    out = np.zeros(here.shape, np.uint8)
    out[(here != there) & (here != 0) & (there != 0)] = OTHER
    out[(here != 0) & (there == 0)] = ONLY_HERE
    out[(here == 0) & (there != 0)] = ONLY_THERE
    out[(here == UNSEEN) | (there == UNSEEN)] = 0
    return out


def counts_of(codes: NDArray[np.uint8]) -> tuple[int, int, int]:
    """How many voxels there are of each kind."""
    counts = np.bincount(codes.reshape(-1), minlength=4)
    return int(counts[ONLY_HERE]), int(counts[ONLY_THERE]), int(counts[OTHER])
