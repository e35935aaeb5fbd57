"""A scan piece by piece through a network, and what comes out of one of its stages back on the case's grid."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..imaging import Grid
from ..inference.case_space import slab_axis, to_case_space
from ..inference.preprocess import network_shape
from ..inference.sliding import Window
from ..inference.tiling import padded, tile_budget, windows
from ..nets.spec import NetSpec
from ..runs.spec import Plan

BYTES_PER_SLAB = 64_000_000
CELLS = 20  # along the second longest axis: what a picture needs to be recognised
# Encoders that halve by pooling, or with kernels as wide as the stride: a value stands for the voxels that it covers.
# In all others it looks at the first of them with voxels on both sides.
COVERING = ("vnet", "bcp-unet2d", "pcrl-unet3d")
FOLDING = "unet"  # its first stage covers blocks of voxels; every later one looks at the first of the blocks before it


@dataclass(frozen=True)
class Piece:
    """A part of a scan as a network takes it.

    `batch` is (B, C, *space), the slices of a 2-D network side by side; `inner` the window of (D, H, W) that it fills,
    `keep` which part of what comes out fills it.
    """

    batch: Tensor
    inner: Window
    keep: Window


def pieces(image: NDArray[np.floating], plan: Plan) -> Iterator[Piece]:
    """The parts of a scan (C, D, H, W) in network space that a network is shown, as large as memory allows.

    Networks whose answer depends on how much they see get windows of the size that they learnt from.
    """
    space = image.shape[1:]
    fixed = plan.net.sees_whole_input
    cuts = _fixed(space, plan) if fixed else windows(space, plan.net, tile_budget(plan.device))
    for outer, inner, keep in cuts:
        tile = torch.from_numpy(np.asarray(image[(slice(None), *outer)], dtype=np.float32))
        batch = tile[None] if plan.net.ndim == 3 else tile.movedim(1, 0)
        yield Piece(padded(batch, plan.net).to(plan.device), inner, keep)


def stage_part(piece: Piece, found: Tensor, strides: tuple[int, int, int]) -> tuple[Window, Tensor]:
    """What a network made of a piece, (B, K, *space), where it lies on the grid of a stage: (K, *window)."""
    values = found[0] if len(found.shape) == 5 else found.movedim(0, 1)
    keep = tuple(_coarse(part, stride) for part, stride in zip(piece.keep, strides, strict=True))
    where = tuple(_coarse(part, stride) for part, stride in zip(piece.inner, strides, strict=True))
    kept: Any = (slice(None), *keep)
    return where, values[kept].float().cpu()


def strides_of(net: NetSpec) -> list[tuple[int, int, int]]:
    """Voxels of (D, H, W) network space per value of each stage, finest first."""
    total, found = [1] * net.ndim, []
    for stride in net.strides:
        total = [t * s for t, s in zip(total, stride, strict=True)]
        found.append((total[-3] if net.ndim == 3 else 1, total[-2], total[-1]))
    return found


def stage_shape(space: tuple[int, ...], strides: tuple[int, int, int]) -> tuple[int, ...]:
    """Size of a stage's grid."""
    return tuple(-(-n // s) for n, s in zip(space, strides, strict=True))


def usual_stage(space: tuple[int, ...], net: NetSpec) -> int:
    """The deepest stage of which a picture can still be recognised; the second at least. Counted from 1."""
    recognisable = [
        number
        for number, strides in enumerate(strides_of(net), start=1)
        if sorted(stage_shape(space, strides))[-2] >= CELLS
    ]
    return min(len(net.strides), max(2, *recognisable, 0))


def covered(stride: int, net: NetSpec, axis: int) -> int:
    """How many voxels along an axis (-3 to -1) a value stands for, of the stride's: the first ones."""
    if net.architecture in COVERING or stride == 1:
        return stride
    return net.strides[0][axis] if net.architecture == FOLDING and -axis <= net.ndim else 1


def sample(values: NDArray[Any], strides: tuple[int, int, int], net: NetSpec) -> NDArray[Any]:
    """The voxels of (..., D, H, W) that the values of a stage stand for, or stand in the middle of."""
    found = values
    for axis, stride in enumerate(strides, start=values.ndim - 3):
        middle = covered(stride, net, axis - values.ndim) // 2
        at = np.arange(-(-values.shape[axis] // stride)) * stride + middle
        found = np.take(found, np.minimum(at, values.shape[axis] - 1), axis)
    return found


def on_case(maps: Tensor, strides: tuple[int, int, int], grid: Grid, plan: Plan) -> NDArray[np.float16]:
    """Maps of a stage, interpolated linearly, in the axis order of the case's file.

    Parameters
    ----------
    maps : Tensor, (K, d, h, w)
        On the grid of a stage; with strides of 1 on that of network space.

    Returns
    -------
    ndarray of float16, (K, *grid.shape)
    """
    out = np.empty((len(maps), *grid.shape), np.float16)
    turned = grid.canonical().apply(out)
    fine = _enlarged(maps, strides, network_shape(grid, plan), plan.net)
    for window, values in to_case_space(fine, grid, plan):
        turned[(slice(None), *window)] = values.numpy()
    return out


def _enlarged(
    maps: Tensor, strides: tuple[int, int, int], shape: tuple[int, int, int], net: NetSpec
) -> Iterator[Tensor]:
    """Maps of a stage at the resolution of network space, slab by slab."""
    cut = slab_axis(shape)
    rows = max(1, BYTES_PER_SLAB * shape[cut] // (4 * len(maps) * int(np.prod(shape))))
    for start in range(0, shape[cut], rows):
        slab = maps
        for axis in (cut, *(a for a in range(3) if a != cut)):
            first, last = (start, min(start + rows, shape[cut])) if axis == cut else (0, shape[axis])
            size = covered(strides[axis], net, axis - 3)
            slab = _interpolated(slab, axis + 1, torch.arange(first, last), strides[axis], (size - 1) / 2)
        yield slab


def _interpolated(maps: Tensor, axis: int, voxels: Tensor, stride: int, middle: float) -> Tensor:
    """The values at some voxels along an axis; each stands `middle` voxels behind the first of its stride."""
    if stride == 1:
        return maps.index_select(axis, voxels)
    length = maps.shape[axis]
    place = ((voxels - middle) / stride).clamp(0, length - 1)
    low = place.floor().long()
    weight = (place - low).reshape([-1 if a == axis else 1 for a in range(maps.ndim)])
    below, above = maps.index_select(axis, low), maps.index_select(axis, (low + 1).clamp(max=length - 1))
    return torch.lerp(below, above, weight.to(maps.dtype))


def _fixed(space: tuple[int, ...], plan: Plan) -> Iterator[tuple[Window, Window, Window]]:
    """Windows of the size of a patch side by side; the last ones reach back to be as large."""
    patch = plan.patch if plan.net.ndim == 3 else (1, *plan.patch)
    factor = plan.net.factor if plan.net.ndim == 3 else (1, *plan.net.factor)
    starts = []
    for n, p, f in zip(space, patch, factor, strict=True):
        last = max(0, -(-n // f) * f - p)
        starts.append([*range(0, last, p), last])
    for d in starts[0]:
        for h in starts[1]:
            for w in starts[2]:
                window = tuple(slice(at, min(at + p, n)) for at, p, n in zip((d, h, w), patch, space, strict=True))
                yield window, window, tuple(slice(0, part.stop - part.start) for part in window)


def _coarse(part: slice, stride: int) -> slice:
    return part if part.start is None else slice(part.start // stride, -(-part.stop // stride))
