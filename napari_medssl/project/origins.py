"""Where each voxel of a label revision comes from, and how far it is from the proposal it was made from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..imaging import UNSEEN, pair_counts

#: codes of an origin map; 0 is *not looked at*
NONE, DRAWN, ACCEPTED, IMPORTED, INTERPOLATED = range(5)
ORIGIN_CODES = {"drawn": DRAWN, "accepted": ACCEPTED, "imported": IMPORTED, "interpolated": INTERPOLATED}


@dataclass(frozen=True)
class Comparison:
    """A revision beside the proposal it was made from.

    Parameters
    ----------
    dice : float or None
        Mean over the classes that occur in either of 2|A∩B| / (|A|+|B|) (Dice 1945), over voxels that were looked at;
        None where no class occurs at all.
    changes : dict
        Voxels "added" (background made a class), "removed" (the reverse), "relabelled" (one class made another).
    """

    dice: float | None
    changes: dict[str, int]


def compare(proposal: NDArray[np.uint8], labels: NDArray[np.uint8]) -> Comparison:
    """Compare two masks of one shape; voxels that are 255 in either are left out."""
    table = pair_counts(proposal, labels)[:UNSEEN, :UNSEEN]
    in_proposal, in_labels = table.sum(axis=1), table.sum(axis=0)
    sizes = (in_proposal + in_labels)[1:]
    occurs = sizes > 0
    dices = 2 * np.diagonal(table)[1:][occurs] / sizes[occurs]
    inner = table[1:, 1:]
    changes = {
        "added": int(table[0, 1:].sum()),
        "removed": int(table[1:, 0].sum()),
        "relabelled": int(inner.sum() - np.trace(inner)),
    }
    return Comparison(float(dices.mean()) if occurs.any() else None, changes)


def origins_from_proposal(proposal: NDArray[np.uint8], labels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Accepted where the labels are the proposal's, drawn where they are not, nothing where nobody looked."""
    codes = np.where(proposal == labels, np.uint8(ACCEPTED), np.uint8(DRAWN))
    codes[labels == UNSEEN] = NONE
    return codes


def uniform_origins(labels: NDArray[np.uint8], origin: str) -> NDArray[np.uint8]:
    """One origin for every voxel that was looked at ("corrected" ones count as drawn)."""
    return np.where(labels == UNSEEN, np.uint8(NONE), np.uint8(ORIGIN_CODES.get(origin, DRAWN)))


def inherited_origins(
    line: Iterable[tuple[NDArray[np.uint8], NDArray[np.uint8] | None, str]],
) -> NDArray[np.uint8] | None:
    """Origins of the last of a line of revisions; a voxel that one left as its parent had it keeps the parent's.

    Parameters
    ----------
    line : iterable of (labels, origins, origin)
        Oldest first: the masks, the origin of each voxel where it was kept, else that of the whole revision counts.
    """
    codes: NDArray[np.uint8] | None = None
    earlier: NDArray[np.uint8] | None = None
    for labels, kept, origin in line:
        own = uniform_origins(labels, origin) if kept is None else kept
        codes = own if kept is not None or codes is None or earlier is None else np.where(earlier == labels, codes, own)
        earlier = labels
    return codes
