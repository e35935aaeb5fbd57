"""Boxes to cut and paste: masks are 1 outside the hole and 0 inside.

Bai et al., CVPR 2023, section 3.1: a zero-centred box of beta times the size of the patch, at a random place.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Mask = NDArray[np.uint8]


def hole_size(shape: Sequence[int], part: float = 2 / 3) -> tuple[int, ...]:
    """Edges of the hole: `part` of each edge, rounded down."""
    return tuple(int(n * part + 1e-9) for n in shape)


def hole_start(shape: Sequence[int], hole: Sequence[int], rng: np.random.RandomState) -> tuple[int, ...]:
    """Corner of the hole, one draw per axis in order, upper end exclusive as in the authors' code."""
    return tuple(int(rng.randint(0, max(1, n - h))) for n, h in zip(shape, hole, strict=True))


def box_mask(shape: Sequence[int], rng: np.random.RandomState, part: float = 2 / 3) -> Mask:
    """One box at a random place.

    Parameters
    ----------
    shape : sequence of int
        Of the patch, 2-D or 3-D.
    rng : RandomState
    part : float
        Edge of the box as a part of the patch's.
    """
    hole = hole_size(shape, part)
    return _cut(np.ones(tuple(shape), np.uint8), hole_start(shape, hole, rng), hole)


def cells_mask(shape: Sequence[int], rng: np.random.RandomState, part: float = 2 / 3, cells: int = 3) -> Mask:
    """Many small boxes, one in each of `cells` cells per axis (an ablation of the paper)."""
    mask = np.ones(tuple(shape), np.uint8)
    cell = tuple(n // cells for n in shape)
    hole = hole_size(cell, part)
    for place in itertools.product(range(cells), repeat=len(cell)):
        offset = hole_start(cell, hole, rng)
        _cut(mask, [p * c + o for p, c, o in zip(place, cell, offset, strict=True)], hole)
    return mask


def slab_mask(shape: Sequence[int], rng: np.random.RandomState, part: float = 2 / 3) -> Mask:
    """A slab across the whole patch that holds as many voxels as the box would (an ablation of the paper)."""
    thick = int(shape[0] * part ** len(shape) + 1e-9)
    start = int(rng.randint(0, max(1, shape[0] - thick)))
    return _cut(np.ones(tuple(shape), np.uint8), (start,), (thick,))


def mix(outside: Tensor, inside: Tensor, mask: Tensor) -> Tensor:
    """`outside` where the mask is 1, `inside` in its hole; the mask is broadcast over batch and channels."""
    return torch.where(mask != 0, outside, inside)


def halves(stack: Tensor) -> tuple[Tensor, Tensor]:
    """The groups a and b of a batch; in a batch of odd length they share its middle."""
    half = (len(stack) + 1) // 2
    return stack[:half], stack[-half:]


def _cut(mask: Mask, start: Sequence[int], size: Sequence[int]) -> Mask:
    mask[tuple(slice(s, s + n) for s, n in zip(start, size, strict=True))] = 0
    return mask
