"""How a scan is cut into tiles: as large as the memory that is free allows, overlapping by what a network can see.

Where tiles with all that a network can see around them do not fit (five stages look 96 voxels far, six 192), they
overlap by the part of it that matters: what lies at the edge of what a network can see has next to no weight (Luo et
al., "Understanding the Effective Receptive Field in Deep Convolutional Neural Networks", NeurIPS 2016). What that
costs is measured in docs/benchmarks.md.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from torch import Tensor
from torch.nn import functional as F

from ..nets.spec import NetSpec
from .memory import free_memory
from .sliding import Window

BYTES_PER_TILE = 1_500_000_000
VOXELS_PER_SLAB = 12_000_000  # tiles side by side: what is made of them is held until it is resampled
SHARE, GPU_SHARE = 0.25, 0.5  # of the free memory, for a tile: the scan and what becomes of it lie beside
LARGER = {"cpu": 4, "gpu": 16}  # times larger may tiles be where smaller ones are not exact
SMALLEST = 20_000_000  # bytes; with less there is no use in trying
PARTS = (1, 2, 3, 6)  # of the halo that tiles overlap by: all of it, a half, a third, about one total stride
INNER = 0.5  # of a tile's sides is filled at least, where it can be helped: the rest is computed twice


@dataclass(frozen=True)
class Cut:
    """How a scan is cut along the axes that the network looks at.

    Attributes
    ----------
    size : tuple of int
        Of a tile.
    margin : tuple of int
        Voxels that a tile looks at beyond what it fills.
    exact : bool
        Tiles give what one pass over the whole scan gives, as far as `halo` is all that the network sees.
    """

    size: tuple[int, ...]
    margin: tuple[int, ...]
    exact: bool


@dataclass(frozen=True)
class Budget:
    """Bytes that a tile may take.

    Attributes
    ----------
    usual : float
        However much there is.
    most : float
        Where that makes exact what is not.
    """

    usual: float
    most: float


def tile_budget(device: str = "cpu", halvings: int = 0) -> Budget:
    """What a tile may take on a device, of the memory that is free there now.

    It goes in steps of two, so that two runs on one machine cut a scan alike.

    Parameters
    ----------
    halvings : int
        How often memory has run out already.
    """
    usable = SHARE * free_memory("cpu")
    if device != "cpu":  # what comes out of a tile is held beside the processor
        usable = min(GPU_SHARE * free_memory(device), free_memory("cpu"))
    most = float(BYTES_PER_TILE * LARGER["cpu" if device == "cpu" else "gpu"])
    while most > usable and most > SMALLEST:
        most /= 2
    most /= 2**halvings
    return Budget(min(most, BYTES_PER_TILE / 2**halvings), most)


def windows(
    space: tuple[int, ...], net: NetSpec, budget: Budget, opinions: int = 1
) -> Iterator[tuple[Window, Window, Window]]:
    """Windows of (D, H, W) to read, to fill, and to keep of what was read; in the order of D, then H, then W.

    They begin at multiples of the network's total stride along the axes that it strides.
    """
    cut = choose_cut(space, net, budget, opinions)
    if net.ndim == 3:
        yield from tiles(space, cut.size, cut.margin)
        return
    at_once = slices_at_once(cut.size, net, budget, opinions)
    for start in range(0, space[0], at_once):
        rows = slice(start, min(start + at_once, space[0]))
        for outer, inner, keep in tiles(space[1:], cut.size, cut.margin):
            yield (rows, *outer), (rows, *inner), (slice(None), *keep)


def choose_cut(space: tuple[int, ...], net: NetSpec, budget: Budget, opinions: int = 1) -> Cut:
    """The tiles of a scan (D, H, W): exact ones if they fit, else as nearly so as fits.

    Parameters
    ----------
    opinions : int
        Predictions that are made of each tile, by all networks, branches and looks.
    """
    looked_at = space[-net.ndim :]
    per_voxel = bytes_per_voxel(net, opinions)
    margin = halo(net)
    size = tile_size(looked_at, net, budget.usual, per_voxel)
    if np.prod(size, dtype=float) * per_voxel > budget.usual:
        most = budget.most
        less = [(1, budget.usual, INNER / 2), *((part, most, INNER) for part in PARTS), (PARTS[-1], most, 0.0)]
        for part, memory, inner in less:
            margin = halo(net, part)
            size = _shrunk(looked_at, net, memory, margin, per_voxel)
            fits = np.prod(size, dtype=float) * per_voxel <= memory
            if fits and all(s == n or s - 2 * m >= inner * s for s, n, m in zip(size, looked_at, margin, strict=True)):
                break
    return Cut(_in_slabs(size, space, net, margin), margin, size == looked_at or margin == halo(net))


def _shrunk(
    space: tuple[int, ...], net: NetSpec, memory: float, margin: tuple[int, ...], per_voxel: int
) -> tuple[int, ...]:
    """The largest tile within `memory` bytes, about as wide as long; the smallest that fills anything where none is."""
    size = list(space)
    least = [min(n, 2 * m + f) for n, m, f in zip(space, margin, net.factor, strict=True)]
    while np.prod(size, dtype=float) * per_voxel > memory and size != least:
        axis = max((a for a in range(net.ndim) if size[a] > least[a]), key=lambda a: size[a] - 2 * margin[a])
        size[axis] = max(least[axis], (-(-size[axis] // net.factor[axis]) - 1) * net.factor[axis])
    return tuple(size)


def _in_slabs(size: tuple[int, ...], space: tuple[int, ...], net: NetSpec, margin: tuple[int, ...]) -> tuple[int, ...]:
    """Tiles of so few rows that those side by side can be held."""
    if net.ndim == 2:
        return size
    rows = max(1, VOXELS_PER_SLAB // (space[1] * space[2]))
    longest = -(-rows // net.factor[0]) * net.factor[0] + 2 * margin[0]
    return (min(size[0], longest), *size[1:])


def slices_at_once(size: tuple[int, ...], net: NetSpec, budget: Budget, opinions: int = 1) -> int:
    """How many slices of this size a 2-D network may be shown together."""
    return max(1, int(budget.usual / (bytes_per_voxel(net, opinions) * np.prod(size, dtype=float))))


def padded(batch: Tensor, net: NetSpec) -> Tensor:
    """Images (B, C, *space) whose sides the network can take, by repeating the edge at the far end."""
    space = batch.shape[2:]
    pad = [p for n, wanted in zip(space, net.fit(space), strict=True) for p in (wanted - n, 0)][::-1]
    return F.pad(batch, pad, mode="replicate") if any(pad) else batch


def halo(net: NetSpec, part: int = 1) -> tuple[int, ...]:
    """Voxels of context per axis beyond which the network sees next to nothing; or a part (1/part) of them.

    Half the theoretical receptive field of two 3-wide convolutions per stage down and up, rounded up to the total
    stride so that tiles keep the pooling grid's phase.
    """
    reach, scale = [0] * net.ndim, [1] * net.ndim
    for stage, stride in enumerate(net.strides):
        for axis in range(net.ndim):
            scale[axis] *= stride[axis]
            reach[axis] += (2 if stage + 1 == len(net.strides) else 4) * scale[axis]
    return tuple(-(-r // (f * part)) * f for r, f in zip(reach, net.factor, strict=True))


def bytes_per_voxel(net: NetSpec, opinions: int = 1) -> int:
    """Memory that a prediction holds at once per voxel of a tile, within a factor of 1.5 (benchmarks/memory.py).

    A few maps of the finest stage, what networks make beside them, and the probabilities of every opinion.
    """
    features = 4 * 4 * net.widths[0] + 8 * net.widths[min(1, len(net.widths) - 1)]
    said = 4 * (net.classes * opinions + net.in_channels)
    return said + -(-features // math.prod(net.strides[0])) + _beside(net)


def _beside(net: NetSpec) -> int:
    """Bytes per voxel of what only some networks make."""
    blocks = math.prod(net.strides[0])
    if net.architecture == "desd-resnet":  # a decoder at full size; its wide first kernel is unrolled on a processor
        return 8 * net.widths[0] + 4 * net.in_channels * int(7**net.ndim) // blocks
    if net.architecture == "unet" and blocks > 1:  # blocks of voxels folded into channels, and unfolded
        return 16 * (net.classes + net.in_channels)
    return 0


def tile_size(space: tuple[int, ...], net: NetSpec, memory: float, per_voxel: int = 0) -> tuple[int, ...]:
    """The largest tile within `memory` bytes: the longest side is halved until it fits, in whole total strides.

    It is wider than twice the halo, whether that fits or not.

    Parameters
    ----------
    per_voxel : int
        By default that of a single opinion.
    """
    size, margin = list(space), halo(net)
    per_voxel = per_voxel or bytes_per_voxel(net)
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
