"""Windows of the size of a patch, heavily overlapped, whose predictions are averaged: how papers predict.

A plan that names a `window_step` is predicted with so, as paper presets do to be comparable with published figures.
The tiles of `predictor.py` are for everyday use: they give nearly the same in a fraction of the time.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

Window = tuple[slice, ...]
Look = Callable[[Tensor], list[Tensor]]


def sliding_parts(
    look: Look, image: NDArray[np.floating], patch: Sequence[int], step: Sequence[int]
) -> Iterator[tuple[Window, list[Tensor]]]:
    """Mean of what windows say, in parts that follow each other along the first axis.

    Parameters
    ----------
    look : callable
        An image (C, *patch) float32 to probabilities (K, *patch), one tensor per opinion.
    image : ndarray, (C, *space)
        Zeros are put around it, evenly, where it is smaller than a window.
    patch, step : sequence of int
        Size of a window and step to the next, per axis. The last window ends at the edge. Published for the left
        atrium: 112 x 112 x 80 and 18, 18, 4.

    Yields
    ------
    window : tuple of slices
        Where: some rows of the first axis, all of the others.
    found : list of Tensor, (K, *window)
        Only rows that later windows still look at are held.
    """
    space = image.shape[1:]
    missing = [max(0, p - n) for p, n in zip(patch, space, strict=True)]
    before = [m // 2 for m in missing]
    if any(missing):
        image = np.pad(image, [(0, 0), *((b, m - b) for b, m in zip(before, missing, strict=True))])
    rows, *plane = _starts(image.shape[1:], patch, step)
    inside = tuple(slice(b, b + n) for b, n in zip(before[1:], space[1:], strict=True))
    total: list[Tensor] = []
    count = torch.zeros(patch[0], *image.shape[2:])
    for row, following in itertools.zip_longest(rows, rows[1:], fillvalue=image.shape[1]):
        for corner in itertools.product(*plane):
            beside = tuple(slice(s, s + p) for s, p in zip(corner, patch[1:], strict=True))
            window = image[(slice(None), slice(row, row + patch[0]), *beside)]
            opinions = look(torch.from_numpy(window.astype(np.float32)))
            total = total or [torch.zeros(len(found), *count.shape) for found in opinions]
            for sums, found in zip(total, opinions, strict=True):
                sums[(slice(None), slice(None), *beside)] += found
            count[(slice(None), *beside)] += 1
        ready = following - row  # no later window looks at these
        first, last = max(row, before[0]), min(following, before[0] + space[0])
        if first < last:
            part = (slice(first - row, last - row), *inside)
            where = (slice(first - before[0], last - before[0]), *(slice(0, n) for n in space[1:]))
            yield where, [sums[(slice(None), *part)] / count[part] for sums in total]
        total = [_moved(sums, ready, 1) for sums in total]
        count = _moved(count, ready, 0)


def sliding_probabilities(
    model: nn.Module, image: NDArray[np.floating], patch: Sequence[int], step: Sequence[int]
) -> NDArray[np.float32]:
    """All of `sliding_parts`, for one network in eval mode.

    Parameters
    ----------
    model : nn.Module
        Images (B, C, *patch) to logits (B, K, *patch).

    Returns
    -------
    ndarray, (K, *space)
    """
    with torch.inference_mode():
        parts = list(sliding_parts(lambda window: [model(window[None]).softmax(dim=1)[0]], image, patch, step))
    return torch.cat([found for _, (found,) in parts], dim=1).numpy()


def _starts(space: Sequence[int], patch: Sequence[int], step: Sequence[int]) -> list[list[int]]:
    """Where windows begin, per axis."""
    return [
        [min(s * k, n - p) for k in range(math.ceil((n - p) / s) + 1)]
        for n, p, s in zip(space, patch, step, strict=True)
    ]


def _moved(rows: Tensor, by: int, axis: int) -> Tensor:
    """Rows that are over go; empty ones come at the end."""
    length = rows.shape[axis]
    by = min(by, length)
    return torch.cat((rows.narrow(axis, by, length - by), torch.zeros_like(rows.narrow(axis, 0, by))), dim=axis)
