"""What happens to the voxels when a person says "this case is done"."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

NOT_LOOKED_AT = 255


def finished_labels(
    drawn: NDArray[np.uint8], proposal: NDArray[np.uint8] | None = None, *, whole: bool = True
) -> NDArray[np.uint8]:
    """The labels of a finished case.

    Parameters
    ----------
    drawn : array of uint8
        What the person drew; 255 where nobody looked. It always wins.
    proposal : array of uint8, optional
        An accepted proposal on the same grid: fills what was not drawn.
    whole : bool
        The person looked at the whole scan: what is still not looked at is background.

    Returns
    -------
    array of uint8
        A new array.
    """
    done = drawn.copy()
    open_voxels = done == NOT_LOOKED_AT
    if proposal is not None:
        done[open_voxels] = proposal[open_voxels] if whole else np.where(
            proposal[open_voxels] == 0, NOT_LOOKED_AT, proposal[open_voxels]
        )  # fmt: skip
    elif whole:
        done[open_voxels] = 0
    return done


def agreement(proposal: NDArray[np.uint8], labels: NDArray[np.uint8]) -> float | None:
    """Mean Dice of a proposal against what a person made of it, over classes that are in either; None without any.

    Voxels that nobody looked at do not count.
    """
    looked = labels != NOT_LOOKED_AT
    ours = np.bincount(proposal[looked].ravel(), minlength=256)
    theirs = np.bincount(labels[looked].ravel(), minlength=256)
    same = np.bincount(labels[looked & (proposal == labels)].ravel(), minlength=256)
    scores = [2.0 * same[c] / (ours[c] + theirs[c]) for c in range(1, NOT_LOOKED_AT) if ours[c] + theirs[c]]
    return float(np.mean(scores)) if scores else None
