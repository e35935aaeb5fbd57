"""From network space back to a case's own grid, a slab at a time: a scan of 150 million voxels has 2.5 GB of
probabilities, and nobody needs them all at once."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from ..imaging import Grid
from ..runs.spec import Plan
from .preprocess import network_shape
from .sliding import Window

BYTES_PER_SLAB = 64_000_000  # of maps at the case's spacing; resampling holds about five times as much


def slabs(parts: Iterable[tuple[Window, Tensor]], shape: tuple[int, int, int]) -> Iterator[Tensor]:
    """Join parts side by side into slabs across the first axis that is longer than one.

    Parameters
    ----------
    parts : iterable of (window, Tensor (K, d, h, w))
        In the order of `Predictor.parts`.
    shape : tuple of int
        (D, H, W) of the whole.

    Yields
    ------
    Tensor, (K, rows, H, W), or (K, 1, rows, W) where D is 1
    """
    axis = slab_axis(shape)
    for _, beside in itertools.groupby(parts, key=lambda part: part[0][axis].start):
        slab: Tensor | None = None
        for window, maps in beside:
            if slab is None:
                size = list(shape)
                size[axis] = maps.shape[axis + 1]
                slab = torch.empty(len(maps), *size)
            inside = list(window)
            inside[axis] = slice(None)
            slab[(slice(None), *inside)] = maps
        assert slab is not None
        yield slab
        slab = None  # two of them need not be in memory at once


def to_case_space(slabs: Iterable[Tensor], grid: Grid, plan: Plan) -> Iterator[tuple[Window, Tensor]]:
    """Maps of network space, on the canonical axes at the case's own spacing, interpolated linearly.

    Parameters
    ----------
    slabs : iterable of Tensor
        As `slabs` makes them, in order; together (K, D, H, W).
    grid : Grid
        The case's.
    plan : Plan

    Yields
    ------
    window : tuple of slices
        Where, on the canonical grid. Windows fill it once.
    maps : Tensor, (K, *window)
    """
    source = network_shape(grid, plan)
    axis = slab_axis(source)
    first = plan.slice_axis or 0  # network space begins with this canonical axis
    order = [first, *(a for a in range(3) if a != first)]
    order.insert(0, order.pop(axis))  # canonical axes of (rows, *plane)
    shape = grid.canonical().grid.shape
    shape = (1, *shape) if grid.ndim == 2 else shape
    rows, *plane = (shape[a] for a in order)
    back = [0, *(order.index(a) + 1 for a in range(3))]
    for found, maps in _resampled(slabs, axis + 1, source[axis], rows, plane):
        window = [slice(0, n) for n in shape]
        window[order[0]] = found
        turned = maps.permute(back)
        yield (tuple(window[1:]), turned[:, 0]) if grid.ndim == 2 else (tuple(window), turned)


def _resampled(
    slabs: Iterable[Tensor], axis: int, length: int, rows: int, plane: list[int]
) -> Iterator[tuple[slice, Tensor]]:
    """Maps whose `axis` is the first of space, `length` rows in all, to (K, some of `rows`, *plane).

    Rows are made as soon as both neighbours are there.
    """
    position = np.clip((np.arange(rows) + 0.5) * length / rows - 0.5, 0, length - 1)
    low = np.floor(position).astype(np.intp)
    high = np.minimum(low + 1, length - 1)
    weight = torch.from_numpy((position - low).astype(np.float32))
    tail: Tensor | None = None  # rows before those of the slab that are still wanted
    there = done = 0
    for slab in slabs:
        fresh = slab.movedim(axis, 1)
        begin = there  # of the slab; the tail lies before it
        there += fresh.shape[1]
        ready = int(np.searchsorted(high, there))
        step = max(1, BYTES_PER_SLAB // (4 * len(fresh) * plane[0] * plane[1]))
        for start in range(done, ready, step):
            stop = min(start + step, ready)
            at, until = int(low[start]), int(high[stop - 1]) + 1
            maps = fresh[:, max(at - begin, 0) : until - begin].float()
            if at < begin and tail is not None:
                maps = torch.cat((tail[:, at - begin :], maps), dim=1)
            if list(maps.shape[2:]) != plane:
                maps = F.interpolate(maps, plane, mode="bilinear", align_corners=False)
            if length != rows:
                below, above = maps[:, low[start:stop] - at], maps[:, high[start:stop] - at]
                maps = torch.lerp(below, above, weight[start:stop, None, None])
            else:
                maps = maps[:, : stop - start]  # its upper neighbour is not wanted
            yield slice(start, stop), maps
        done = ready
        if done < rows:
            wanted = there - int(low[done])
            if wanted > fresh.shape[1] and tail is not None:
                tail = torch.cat((tail[:, fresh.shape[1] - wanted :], fresh.float()), dim=1)
            else:
                tail = fresh[:, fresh.shape[1] - max(wanted, 0) :].float().clone()
        del slab, fresh


def slab_axis(shape: tuple[int, int, int]) -> int:
    """The axis of (D, H, W) that is cut into slabs."""
    return 1 if shape[0] == 1 else 0
