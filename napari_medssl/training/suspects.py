"""Which scans a bad step looked at, and where, in words for the person who will open them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch

from ..imaging import Grid
from ..methods.base import Batch, Origin
from .soundness import inputs

MOST = 3  # scans that are named


def suspects(batch: Batch) -> tuple[Origin, ...]:
    """Origins of what holds no finite number; of all of the batch, where everything does."""
    sound = [bool(torch.isfinite(one).all()) for stack in inputs(batch) for one in stack]
    if batch.views is not None and sound:  # every stack has an entry of each scan
        count = len(batch.origins)
        sound = [all(sound[at::count]) for at in range(count)]
    guilty = tuple(origin for origin, fine in zip(batch.origins, sound, strict=False) if not fine)
    return guilty or batch.origins


def tell_suspects(origins: Sequence[Origin], grid: Callable[[str], Grid], slice_axis: int | None) -> str:
    """Cases with the voxel of their files where a patch had its middle: "case-1 around voxel (10, 4, 7), case-2".

    Parameters
    ----------
    origins : sequence of Origin
    grid : callable
        Of a case's own file.
    slice_axis : int or None
        Of the plan.
    """
    told = list(dict.fromkeys(_tell(origin, grid, slice_axis) for origin in origins))
    more = f" and {len(told) - MOST} more" if len(told) > MOST else ""
    return ", ".join(told[:MOST]) + more


def _tell(origin: Origin, grid: Callable[[str], Grid], slice_axis: int | None) -> str:
    if origin.place is None:
        return origin.case
    at = voxel_at(origin.place, grid(origin.case), slice_axis)
    return f"{origin.case} around voxel ({', '.join(map(str, at))})"


def voxel_at(place: tuple[float, float, float], grid: Grid, slice_axis: int | None) -> tuple[int, ...]:
    """The voxel of a file at a place in network space, 0 to 1 along D, H, W."""
    shares = list(place)
    if slice_axis:  # the axis that is sliced was brought to the front
        shares.insert(slice_axis, shares.pop(0))
    turned = grid.canonical()
    at = [0] * grid.ndim
    for axis, share in enumerate(shares[3 - grid.ndim :]):
        length = turned.grid.shape[axis]
        index = min(length - 1, max(0, int(share * length)))
        at[turned.order[axis]] = length - 1 - index if turned.flips[axis] else index
    return tuple(at)
