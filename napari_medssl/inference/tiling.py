"""How a scan is cut into tiles: as large as memory allows, overlapping by what a network can see."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

import numpy as np
from torch import Tensor
from torch.nn import functional as F

from ..nets.spec import NetSpec
from .sliding import Window

BYTES_PER_TILE = 1_500_000_000
VOXELS_PER_SLAB = 12_000_000  # tiles side by side: what is made of them is held until it is resampled


def windows(space: tuple[int, ...], net: NetSpec) -> Iterator[tuple[Window, Window, Window]]:
    """Windows of (D, H, W) to read, to fill, and to keep of what was read; in the order of D, then H, then W.

    They begin at multiples of the network's total stride along the axes that it strides.
    """
    size = largest_tile(space, net)
    if net.ndim == 3:
        yield from tiles(space, size, halo(net))
        return
    at_once = slices_at_once(size, net)
    for start in range(0, space[0], at_once):
        rows = slice(start, min(start + at_once, space[0]))
        for outer, inner, keep in tiles(space[1:], size, halo(net)):
            yield (rows, *outer), (rows, *inner), (slice(None), *keep)


def largest_tile(space: tuple[int, ...], net: NetSpec) -> tuple[int, ...]:
    """Size of the tiles of a scan (D, H, W), along the axes that the network looks at."""
    looked_at = space[-net.ndim :]
    size = tile_size(looked_at, net, BYTES_PER_TILE)
    if net.ndim == 2:
        return size
    rows = max(1, VOXELS_PER_SLAB // (space[1] * space[2]))
    longest = -(-rows // net.factor[0]) * net.factor[0] + 2 * halo(net)[0]
    return (min(size[0], longest), *size[1:])


def slices_at_once(size: tuple[int, ...], net: NetSpec) -> int:
    """How many slices of this size a 2-D network may be shown together."""
    return max(1, int(BYTES_PER_TILE / (bytes_per_voxel(net) * np.prod(size, dtype=float))))


def padded(batch: Tensor, net: NetSpec) -> Tensor:
    """Images (B, C, *space) whose sides the network can take, by repeating the edge at the far end."""
    space = batch.shape[2:]
    pad = [p for n, wanted in zip(space, net.fit(space), strict=True) for p in (wanted - n, 0)][::-1]
    return F.pad(batch, pad, mode="replicate") if any(pad) else batch


def halo(net: NetSpec) -> tuple[int, ...]:
    """Voxels of context per axis beyond which the network sees next to nothing.

    Half the theoretical receptive field of two 3-wide convolutions per stage down and up, rounded up to the total
    stride so that tiles keep the pooling grid's phase.
    """
    reach, scale = [0] * net.ndim, [1] * net.ndim
    for stage, stride in enumerate(net.strides):
        for axis in range(net.ndim):
            scale[axis] *= stride[axis]
            reach[axis] += (2 if stage + 1 == len(net.strides) else 4) * scale[axis]
    return tuple(-(-r // f) * f for r, f in zip(reach, net.factor, strict=True))


def bytes_per_voxel(net: NetSpec) -> int:
    """Memory that a forward pass holds at once per voxel of input, roughly: a few maps of the finest stage."""
    features = 4 * 4 * net.widths[0] + 8 * net.widths[min(1, len(net.widths) - 1)]
    return 4 * (net.classes + net.in_channels) + -(-features // math.prod(net.strides[0]))


def tile_size(space: tuple[int, ...], net: NetSpec, memory: float) -> tuple[int, ...]:
    """The largest tile within `memory` bytes: the longest side is halved until it fits, in whole total strides."""
    size, margin = list(space), halo(net)
    per_voxel = bytes_per_voxel(net)
    while np.prod(size, dtype=float) * per_voxel > memory:
        axis = int(np.argmax([s - 2 * m for s, m in zip(size, margin, strict=True)]))
        smaller = -(-(size[axis] // 2) // net.factor[axis]) * net.factor[axis]
        if smaller <= 2 * margin[axis] or smaller >= size[axis]:
            break
        size[axis] = smaller
    return tuple(size)


def tiles(
    space: tuple[int, ...], size: tuple[int, ...], margin: tuple[int, ...]
) -> Iterator[tuple[Window, Window, Window]]:
    """Tiles that cover a space: what to read, what to fill, and which part of the tile fills it."""
    per_axis = [list(_cuts(n, s, m)) for n, s, m in zip(space, size, margin, strict=True)]
    for combination in itertools.product(*per_axis):
        outer, inner, keep = zip(*combination, strict=True)
        yield outer, inner, keep


def _cuts(length: int, size: int, margin: int) -> Iterator[tuple[slice, slice, slice]]:
    if size >= length:
        yield slice(0, length), slice(0, length), slice(0, length)
        return
    start = filled = 0
    while filled < length:
        stop = min(start + size, length)
        until = length if stop == length else stop - margin
        yield slice(start, stop), slice(filled, until), slice(filled - start, until - start)
        filled, start = until, until - margin
