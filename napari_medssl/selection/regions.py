"""Where in a case a person should look: the places where the proposal is most likely wrong, and why.

Pure and deterministic. Arrays are (plane, row, column) or (row, column), or any other axes that the caller likes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter
from scipy.spatial import cKDTree

from ..imaging import connected_pieces, value_counts
from .reasons import Proposed

MOST = 30  # regions of a case: more are no help
LEVEL = 0.15  # of doubt; below, a model is as sure as models get
PART = 0.35  # of the voxels above that level, the share round which doubt is greatest
SMALLEST = 4  # voxels; less is noise at the threshold
REACH = 0.2  # of the longest side of all that is proposed: how far a region reaches from its centre
SHORTEST = 3.0  # voxels, which it reaches at least
ISLAND = 0.2  # of the largest piece of its class; a smaller piece is an island
HALO = 2.0  # voxels; doubt so near an island is doubt about it
SLIGHT = 0.01  # of the expected error of the first region; less is not worth a look


@dataclass(frozen=True)
class Region:
    """A place to look at.

    Attributes
    ----------
    number : int
        1 for the largest expected error.
    key : str
        The same for the same place of the same proposal.
    box : tuple of (int, int)
        Along each axis the first voxel, and one past the last.
    centre : tuple of int
        A voxel of the region, in the midst of its doubt.
    voxels : int
        How many it has.
    volume, expected_error : float
        In cubed units of the spacing (squared in 2-D); the second is the sum of doubt × voxel.
    value : int
        The class most concerned; 0 where none is near.
    reason : str
        Why to look, as a clause.
    other : int
        The class that it borders on, where the border between the two is what is in doubt; else 0.
    """

    number: int
    key: str
    box: tuple[tuple[int, int], ...]
    centre: tuple[int, ...]
    voxels: int
    volume: float
    expected_error: float
    value: int
    reason: str
    other: int = 0


@dataclass(frozen=True, eq=False)
class Regions:
    """The regions of a case, the largest expected error first, and of each the flat places of its voxels, sorted."""

    found: tuple[Region, ...] = ()
    places: tuple[NDArray[np.intp], ...] = ()


def find_regions(
    labels: NDArray[np.uint8],
    doubt: NDArray[np.float32],
    spacing: tuple[float, ...],
    names: Mapping[int, str],
    *,
    disagreement: NDArray[np.float32] | None = None,
) -> Regions:
    """Connected places of high doubt, and islands of structures, ranked by expected error.

    A shell of doubt round a whole organ is no place to look at: what is connected over a longer way is divided round
    its most doubtful voxels.

    Parameters
    ----------
    labels : uint8 array
        The proposal.
    doubt : array of its shape
        0 (sure) to 1.
    spacing : tuple of float
        Size of a voxel along each axis.
    names : mapping
        The classes by value.
    disagreement : array of its shape, optional
        Where the model's opinions differ, 0 to 1.
    """
    islands = _islands(labels)
    wanted = _doubtful(doubt, spacing) | (islands > 0)
    if not wanted.any():
        return Regions()
    box = _box(wanted)
    parts = _divided(wanted[box], doubt[box], islands[box], np.array(spacing), _reach(labels > 0, wanted, spacing))
    corner, voxel = np.array([[side.start] for side in box]), float(np.prod(spacing))
    drafts = []
    for flat in _places(parts):
        at = np.stack(np.unravel_index(flat, parts.shape)) + corner
        places = np.ravel_multi_index(tuple(at), labels.shape)
        island = places[islands.reshape(-1)[places] > 0]
        weights = doubt.reshape(-1)[places].astype(np.float64)
        # an island is wrong as a whole or not at all, however sure the model is of single voxels in it
        error = voxel * max(float(weights.sum()), 0.5 * len(island))
        if island.size or len(places) >= SMALLEST:
            drafts.append((error, places, at, weights, island))
    drafts.sort(key=lambda draft: (-draft[0], int(draft[1][0])))
    drafts = [draft for draft in drafts if draft[0] >= SLIGHT * drafts[0][0]][:MOST]
    proposed = Proposed(labels, spacing, names, disagreement)
    found = []
    for number, (error, places, at, weights, island) in enumerate(drafts, 1):
        centre = _centre(at, weights, np.array(spacing))
        value, other, reason = proposed.reason(places, at, centre, island)
        found.append(
            Region(
                number=number,
                key=f"{'-'.join(map(str, centre))}/{len(places)}",
                box=tuple((int(axis.min()), int(axis.max()) + 1) for axis in at),
                centre=centre,
                voxels=len(places),
                volume=len(places) * voxel,
                expected_error=error,
                value=value,
                reason=reason,
                other=other,
            )
        )
    return Regions(tuple(found), tuple(draft[1] for draft in drafts))


def _doubtful(doubt: NDArray[np.float32], spacing: tuple[float, ...]) -> NDArray[np.bool_]:
    """Voxels in doubt amid doubt: every edge is a little unsure, but not over some width."""
    above = doubt >= LEVEL
    out = np.zeros(doubt.shape, bool)
    if above.any():
        box = _box(above)
        around = uniform_filter(doubt[box], [3 if side <= 2 * min(spacing) else 1 for side in spacing], mode="nearest")
        level = np.quantile(around[above[box]], 1 - PART)
        out[box] = above[box] & (around >= level)
    return out


def _islands(labels: NDArray[np.uint8]) -> NDArray[np.uint32]:
    """Small pieces that lie apart from the largest of their class, numbered from 1; 0 elsewhere."""
    out = np.zeros(labels.shape, np.uint32)
    if not labels.any():
        return out
    box = _box(labels > 0)
    inside = np.ascontiguousarray(labels[box])
    pieces, count = connected_pieces(inside)
    sizes = value_counts(pieces, count + 1)
    classes = np.zeros(count + 1, np.int64)
    classes[pieces.reshape(-1)] = inside.reshape(-1)
    largest = np.zeros(256, np.int64)
    np.maximum.at(largest, classes, sizes)
    small = (sizes < ISLAND * largest[classes]) & (classes > 0)
    numbers = np.where(small, np.cumsum(small), 0).astype(np.uint32)
    out[box] = numbers[pieces]
    return out


def _reach(proposed: NDArray[np.bool_], wanted: NDArray[np.bool_], spacing: tuple[float, ...]) -> float:
    """How far a region may reach from its centre, in the unit of the spacing."""
    box = _box(proposed if proposed.any() else wanted)
    longest = max((side.stop - side.start) * size for side, size in zip(box, spacing, strict=True))
    return float(max(REACH * longest, SHORTEST * max(spacing)))


def _divided(
    wanted: NDArray[np.bool_],
    doubt: NDArray[np.float32],
    islands: NDArray[np.uint32],
    spacing: NDArray[np.float64],
    reach: float,
) -> NDArray[np.uint32]:
    """Numbers parts of what is wanted that are connected and no longer than one can look at; 0 elsewhere."""
    at = np.stack(np.nonzero(wanted), 1)
    flat = np.ravel_multi_index(tuple(at.T), wanted.shape)
    numbers = islands.reshape(-1)[flat].astype(np.int64)
    if numbers.any():
        of_island = np.flatnonzero(numbers)
        distance, nearest = cKDTree(at[of_island]).query(at, distance_upper_bound=HALO + 1e-6)
        near = np.isfinite(distance)
        numbers[near] = numbers[of_island[nearest[near]]]
    rest = np.flatnonzero(numbers == 0)
    if rest.size:
        seeds = _seeds(at[rest] * spacing, doubt.reshape(-1)[flat[rest]], reach)
        _, nearest = cKDTree((at[rest] * spacing)[seeds]).query(at[rest] * spacing)
        numbers[rest] = numbers.max() + 1 + nearest
    parts = np.zeros(wanted.shape, np.uint32)
    parts.reshape(-1)[flat] = numbers
    return connected_pieces(parts)[0]


def _seeds(points: NDArray[np.float64], doubt: NDArray[np.float32], reach: float) -> list[int]:
    """Points of highest doubt such that every point is within reach of one, and none of them of another."""
    left = np.argsort(-doubt, kind="stable")
    points = points[left]
    seeds = []
    while left.size:
        seeds.append(int(left[0]))
        away = points - points[0]
        further = np.einsum("ij,ij->i", away, away) > reach**2
        left, points = left[further], points[further]
    return seeds


def _places(parts: NDArray[np.uint32]) -> Iterator[NDArray[np.intp]]:
    """The flat places of each part, sorted."""
    where = np.flatnonzero(parts)
    numbers = parts.reshape(-1)[where]
    order = np.argsort(numbers, kind="stable")
    yield from np.split(where[order], np.flatnonzero(np.diff(numbers[order])) + 1)


def _centre(at: NDArray[np.intp], weights: NDArray[np.float64], spacing: NDArray[np.float64]) -> tuple[int, ...]:
    """The voxel nearest to the centre of mass of doubt."""
    weights = weights + 1e-6
    away = (at - (at * weights).sum(1, keepdims=True) / weights.sum()) * spacing[:, None]
    return tuple(int(axis) for axis in at[:, int(np.argmin(np.round((away**2).sum(0), 6)))])


def _box(mask: NDArray[np.bool_]) -> tuple[slice, ...]:
    """The smallest box round a mask that is not empty."""
    sides = []
    for axis in range(mask.ndim):
        on = np.flatnonzero(mask.any(axis=tuple(other for other in range(mask.ndim) if other != axis)))
        sides.append(slice(int(on[0]), int(on[-1]) + 1))
    return tuple(sides)
