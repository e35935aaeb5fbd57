"""Filling between slices against analytic shapes and a brute-force distance; copying a slice."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.spatial.distance import cdist
from tools_scenes import painted

from napari_medssl.tools.catalog import BY_NAME
from napari_medssl.tools.scene import Scene, ToolError
from napari_medssl.tools.slices import CopyOptions, FillOptions

FILL, COPY = BY_NAME["fill_between"], BY_NAME["copy_slice"]
SPACINGS = [(1.0, 1.0, 1.0), (3.0, 0.7, 0.7), (2.5, 0.6, 1.2)]


def _dice(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> float:
    return float(2 * (a & b).sum() / (a.sum() + b.sum()))


def _signed(mask: NDArray[np.bool_], spacing: tuple[float, ...]) -> NDArray[np.float64]:
    """Distance to the nearest voxel of the other kind, by comparing all with all; positive inside."""
    framed = np.pad(mask, 1)
    where = np.argwhere(np.ones_like(framed)) * spacing
    inside = framed.reshape(-1)
    pairs = cdist(where, where)
    to_outside, to_inside = pairs[:, ~inside].min(axis=1), pairs[:, inside].min(axis=1)
    return np.where(inside, to_outside, -to_inside).reshape(framed.shape)[1:-1, 1:-1]


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("spacing", SPACINGS)
def test_the_blend_of_signed_distances(spacing: tuple[float, ...], axis: int) -> None:
    random = np.random.default_rng(axis)
    stack = np.full((9, 14, 15), 255, np.uint8)
    for index in (1, 5, 8):
        stack[index] = 0
        low = random.integers(1, 4, 2)
        stack[index, low[0] : low[0] + 6 + index % 3, low[1] : low[1] + 7] = 1
        stack[index, 11:13, 12 - index % 3 : 14] = 1  # a second piece: the shapes are not moved along
    across = tuple(mm for other, mm in enumerate(spacing) if other != axis)
    expected = stack.copy()
    for a, b in ((1, 5), (5, 8)):
        first, last = _signed(stack[a] == 1, across), _signed(stack[b] == 1, across)
        for index in range(a + 1, b):
            share = (index - a) / (b - a)
            expected[index][(1 - share) * first + share * last > 1e-5] = 1
    labels = np.ascontiguousarray(np.moveaxis(stack, 0, axis))
    after = painted(labels, FILL.run(Scene(labels, spacing, 1, plane=(axis, 0))))
    assert (after != labels).any()
    np.testing.assert_array_equal(np.moveaxis(after, axis, 0), expected)


@pytest.mark.parametrize("spacing", SPACINGS)
def test_a_ball_comes_back_from_every_fourth_slice(spacing: tuple[float, ...]) -> None:
    shape = tuple(int(44 / mm) for mm in spacing)
    where = np.indices(shape).reshape(3, -1).T * spacing
    ball = (np.linalg.norm(where - 21.5, axis=1) < 16).reshape(shape)
    labels = np.where(ball, 1, 0).astype(np.uint8)
    every = 4 if spacing[0] == 1 else 2
    labels[np.arange(shape[0]) % every != 0] = 255
    after = painted(labels, FILL.run(Scene(labels, spacing, 1, plane=(0, 0))))
    drawn = np.flatnonzero((labels == 1).any(axis=(1, 2)))
    between = slice(drawn[0], drawn[-1] + 1)
    assert _dice(after[between] == 1, ball[between]) > 0.96
    outside = np.r_[0 : drawn[0], drawn[-1] + 1 : shape[0]]
    np.testing.assert_array_equal(after[outside], labels[outside])


@pytest.mark.parametrize(("follow", "least", "most"), [(True, 0.9, 1.0), (False, 0.0, 0.5)])
def test_a_slanting_vessel_is_followed(follow: bool, least: float, most: float) -> None:
    planes, rows, columns = np.indices((13, 40, 60))
    vessel = (rows - 20) ** 2 + (columns - 10 - 3.2 * planes) ** 2 < 25
    labels = np.where(vessel & (planes % 6 == 0), 1, 255).astype(np.uint8)
    after = painted(labels, FILL.run(Scene(labels, (1.0, 1.0, 1.0), 1, plane=(0, 0)), FillOptions(follow=follow)))
    gap = planes % 6 != 0
    assert least <= _dice((after == 1) & gap, vessel & gap) <= most


def test_long_gaps_stay_open_and_are_told() -> None:
    labels = np.full((20, 12, 12), 255, np.uint8)
    labels[[0, 4, 15], 3:9, 3:9] = 1
    scene = Scene(labels, (5.0, 1.0, 1.0), 1, plane=(0, 0))
    change = FILL.run(scene, FillOptions(longest=30.0))
    assert change.words == "Filled 1 gap: 0.54 ml more. A gap of 50 mm is longer than 30 mm and left open."
    assert set(np.unravel_index(change.places, labels.shape)[0].tolist()) == {1, 2, 3}
    everything = FILL.run(scene, FillOptions(longest=0.0))
    assert set(np.unravel_index(everything.places, labels.shape)[0].tolist()) == set(range(1, 15)) - {4}


def test_without_a_gap_nothing_changes() -> None:
    labels = np.zeros((6, 8, 8), np.uint8)
    labels[2:5, 2:6, 2:6] = 1
    change = FILL.run(Scene(labels, (1.0, 1.0, 1.0), 1, plane=(0, 3)))
    assert change.places.size == 0
    assert "no gap" in change.words


def test_only_within_a_box() -> None:
    labels = np.full((9, 10, 10), 255, np.uint8)
    labels[[0, 8], 1:9, 1:9] = 1
    box = (slice(0, 9), slice(0, 10), slice(4, 10))
    change = FILL.run(Scene(labels, (1.0, 1.0, 1.0), 1, plane=(0, 0), box=box))
    assert change.places.size
    assert np.unravel_index(change.places, labels.shape)[2].min() >= 4


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize(("source", "step"), [("previous", -1), ("next", 1)])
def test_the_neighbour_is_copied(axis: int, source: str, step: int) -> None:
    random = np.random.default_rng(axis)
    labels = random.choice(np.array([0, 1, 2, 255], np.uint8), (7, 8, 9))
    before, there = labels.take(3, axis), labels.take(3 + step, axis)
    scene = Scene(labels, (2.0, 1.0, 1.0), 1, plane=(axis, 3))
    for replace, lost in ((False, before), (True, np.where(before == 1, 0, before))):
        after = painted(labels, COPY.run(scene, CopyOptions(source=source, replace=replace)))
        expected = np.where((there == 1) & (before != 2), 1, lost)
        np.testing.assert_array_equal(after.take(3, axis), expected)
        np.testing.assert_array_equal(np.delete(after, 3, axis), np.delete(labels, 3, axis))


def test_all_structures_are_copied() -> None:
    labels = np.array([[[1, 2, 0, 255, 1, 2]], [[0, 255, 3, 3, 2, 1]]], np.uint8)
    scene = Scene(labels, (2.0, 1.0, 1.0), 1, plane=(0, 1))
    added = painted(labels, COPY.run(scene, CopyOptions(all_classes=True)))
    assert added[1].tolist() == [[1, 2, 3, 3, 2, 2]]
    replaced = painted(labels, COPY.run(scene, CopyOptions(all_classes=True, replace=True)))
    assert replaced[1].tolist() == [[1, 2, 0, 0, 1, 2]]


def test_the_first_slice_has_none_before_it_and_an_empty_one_nothing_to_copy() -> None:
    labels = np.zeros((3, 4, 4), np.uint8)
    with pytest.raises(ToolError, match="no previous slice"):
        COPY.run(Scene(labels, (1.0, 1.0, 1.0), 1, plane=(0, 0)))
    with pytest.raises(ToolError, match="nothing of the structure"):
        COPY.run(Scene(labels, (1.0, 1.0, 1.0), 1, plane=(0, 1)))


@pytest.mark.parametrize("tool", [FILL, COPY])
def test_a_slice_is_needed(tool: object) -> None:
    assert tool in (FILL, COPY)
    with pytest.raises(ToolError, match="slice"):
        tool.run(Scene(np.ones((4, 5), np.uint8), (1.0, 1.0), 1))  # type: ignore[attr-defined]
