"""What completing a case made of voxels that nobody had looked at, so that it can be taken back. No Qt."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..imaging import UNSEEN

PROBES = 64  # voxels that tell whether the step was undone


def completed_labels(live: NDArray[np.uint8], proposal: NDArray[np.uint8] | None, *, whole: bool) -> NDArray[np.uint8]:
    """The labels of a case that is completed: a copy.

    Parameters
    ----------
    live : array of uint8
        As drawn.
    proposal : array of uint8, optional
        Taken wherever nobody drew.
    whole : bool
        What is left is background; else it stays *not looked at*.
    """
    after = live.copy()
    if proposal is not None:
        where = (after == UNSEEN) & (proposal != 0)
        after[where] = proposal[where]
    if whole:
        after[after == UNSEEN] = 0
    return after


@dataclass(frozen=True, eq=False)
class Completed:
    """A case that was completed: which voxels that filled, and how it stood before.

    Attributes
    ----------
    case : str
    filled : array of uint8
        Packed bits: the voxels of the labels as shown that were *not looked at* before and are something after.
    after : array of uint8
        The labels as completed.
    based_on : str or None
        The run whose proposal the labels began as before.
    copied, complete : bool
        Whether the proposal had been copied, and the case had been complete.
    """

    case: str
    filled: NDArray[np.uint8]
    after: NDArray[np.uint8]
    based_on: str | None
    copied: bool
    complete: bool

    def before(self, live: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The labels with what completing filled taken back, but for what was drawn since: a copy."""
        back = live.copy()
        back[self._mask() & (live == self.after)] = UNSEEN
        return back

    def is_undone(self, live: NDArray[np.uint8]) -> bool:
        """Whether somebody undid the step in which it was filled."""
        flat = live.reshape(-1)[self._probes()]
        return bool((flat == UNSEEN).any())

    def _mask(self) -> NDArray[np.bool_]:
        return np.unpackbits(self.filled, count=self.after.size).view(np.bool_).reshape(self.after.shape)

    def _probes(self) -> NDArray[np.intp]:
        places = np.flatnonzero(self._mask())
        return places[:: max(1, places.size // PROBES)]


def completed(
    case: str, live: NDArray[np.uint8], after: NDArray[np.uint8], based_on: str | None, copied: bool, complete: bool
) -> Completed:
    """Remember how a case stood: `live` before it was completed, and `after`."""
    filled = (live == UNSEEN) & (after != UNSEEN)
    return Completed(case, np.packbits(filled), after, based_on, copied, complete)
