"""Boxes in a scan: windows that overlap, the smallest box around them, and smaller windows in it. No pixels.

Everything is in voxels, half open and for any number of axes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

Containment = Literal["full", "corner"]

TRIES = 500  # about one pair of windows in 23 overlaps enough in a chest CT
SLACK = 3  # voxels that a corner may lie outside the box around both windows


@dataclass(frozen=True)
class Box:
    """From `low` to before `high`."""

    low: tuple[int, ...]
    high: tuple[int, ...]

    @property
    def size(self) -> tuple[int, ...]:
        """Voxels per axis."""
        return tuple(b - a for a, b in zip(self.low, self.high, strict=True))

    @property
    def slices(self) -> tuple[slice, ...]:
        """To index an array with."""
        return tuple(slice(a, b) for a, b in zip(self.low, self.high, strict=True))


@dataclass(frozen=True)
class WindowRule:
    """How windows are drawn.

    Attributes
    ----------
    sizes : tuple of sizes
        Of a global window, one is drawn; cut to the scan.
    local_sizes : tuple of sizes
        Of a local window.
    margins : tuple of int
        Voxels along each axis that global windows keep away from the scan's ends, as far as the scan is large enough.
    overlap : float
        Least intersection over union of two global windows, not reached by it.
    containment : str
        "full": local windows lie in the box around the global ones. "corner": only their first corner is drawn there,
        with `SLACK`, as in the authors' code; they are cut at the end of the scan.
    """

    sizes: tuple[tuple[int, ...], ...]
    local_sizes: tuple[tuple[int, ...], ...]
    margins: tuple[int, ...]
    overlap: float = 0.3
    containment: Containment = "full"


def intersection_over_union(a: Box, b: Box) -> float:
    """Share of the joint volume that both boxes have, 0 to 1."""
    sides = zip(a.low, a.high, b.low, b.high, strict=True)
    both = math.prod(max(0, min(ah, bh) - max(al, bl)) for al, ah, bl, bh in sides)
    return both / (math.prod(a.size) + math.prod(b.size) - both)


def common_box(a: Box, b: Box) -> Box:
    """The smallest box that holds both."""
    return Box(
        tuple(min(pair) for pair in zip(a.low, b.low, strict=True)),
        tuple(max(pair) for pair in zip(a.high, b.high, strict=True)),
    )


def draw_window(shape: Sequence[int], rule: WindowRule, rng: np.random.Generator) -> Box:
    """One global window."""
    size = _one(rule.sizes, shape, rng)
    low = []
    for extent, side, margin in zip(shape, size, rule.margins, strict=True):
        spare = min(margin, (extent - side) // 2)
        low.append(int(rng.integers(spare, extent - side - spare + 1)))
    return _at(low, size)


def draw_pair(shape: Sequence[int], rule: WindowRule, rng: np.random.Generator) -> tuple[Box, Box]:
    """Two global windows that overlap enough; both are drawn afresh until they do.

    After `TRIES` tries the pair that overlaps most is taken.
    """
    best: tuple[Box, Box] | None = None
    highest = -1.0
    for _ in range(TRIES):
        pair = draw_window(shape, rule, rng), draw_window(shape, rule, rng)
        overlap = intersection_over_union(*pair)
        if overlap > highest:
            best, highest = pair, overlap
        if overlap > rule.overlap:
            break
    assert best is not None
    return best


def local_starts(box: Box, shape: Sequence[int]) -> tuple[tuple[int, int], ...]:
    """Where the first corner of a local window may lie, in the authors' code: from, and before, per axis."""
    return tuple(
        (max(low - SLACK, 0), min(high + SLACK, n)) for low, high, n in zip(box.low, box.high, shape, strict=True)
    )


def cut_off(low: Sequence[int], size: Sequence[int], shape: Sequence[int]) -> Box:
    """The window of that size from there on, as far as the scan goes."""
    return Box(tuple(low), tuple(min(a + n, end) for a, n, end in zip(low, size, shape, strict=True)))


def draw_local(box: Box, shape: Sequence[int], rule: WindowRule, rng: np.random.Generator) -> Box:
    """A local window of the box around both global ones."""
    if rule.containment == "corner":
        low = [int(rng.integers(a, b)) for a, b in local_starts(box, shape)]
        return cut_off(low, rule.local_sizes[int(rng.integers(len(rule.local_sizes)))], shape)
    size = _one(rule.local_sizes, box.size, rng)
    low = [int(rng.integers(a, b - n + 1)) for a, b, n in zip(box.low, box.high, size, strict=True)]
    return _at(low, size)


def draw_crop(shape: Sequence[int], share: tuple[float, float], rng: np.random.Generator, tries: int = 10) -> Box:
    """A window with a share of the scan's area or volume and sides between 3/4 and 4/3 of each other's proportion.

    The common "random resized crop", for any number of axes; the whole scan where `tries` windows do not fit.
    """
    for _ in range(tries):
        part = rng.uniform(*share)
        ratios = np.exp(rng.uniform(math.log(3 / 4), math.log(4 / 3), len(shape) - 1) / 2)
        stretch = np.array([*ratios, 1 / math.prod(ratios)])
        edge = (part * math.prod(shape)) ** (1 / len(shape))
        size = np.maximum(1, np.rint(edge * stretch)).astype(int)
        if (size <= np.array(shape)).all():
            low = [int(rng.integers(0, n - s + 1)) for n, s in zip(shape, size, strict=True)]
            return _at(low, [int(s) for s in size])
    return Box((0,) * len(shape), tuple(shape))


def _one(sizes: Sequence[Sequence[int]], most: Sequence[int], rng: np.random.Generator) -> list[int]:
    chosen = sizes[int(rng.integers(len(sizes)))]
    return [min(a, b) for a, b in zip(chosen, most, strict=True)]


def _at(low: Sequence[int], size: Sequence[int]) -> Box:
    return Box(tuple(low), tuple(a + n for a, n in zip(low, size, strict=True)))
