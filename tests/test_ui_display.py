"""Scans are shown the right way round, and what is drawn on the shown array comes back voxel for voxel."""

from __future__ import annotations

from itertools import permutations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_medssl.imaging import Grid
from napari_medssl.ui.display import Display

ORIENTATIONS = [(order, flips) for order in permutations(range(3)) for flips in product((1, -1), repeat=3)]


def grid_of(order: tuple[int, ...], flips: tuple[int, ...], shape: tuple[int, ...], tilt: float = 0.0) -> Grid:
    """A grid whose voxel axis n runs along world axis order[n], against it where flips[n] is -1, tilted by radians."""
    affine = np.eye(4)
    affine[:3, :3] = 0
    for axis, (world, sign) in enumerate(zip(order, flips, strict=True)):
        affine[world, axis] = sign * (1.0 + axis)
    cos, sin = np.cos(tilt), np.sin(tilt)
    affine[:3, :3] = np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]]) @ affine[:3, :3]
    affine[:3, 3] = (5.0, -7.0, 11.0)
    return Grid(shape, affine)


@given(
    orientation=st.sampled_from(ORIENTATIONS),
    shape=st.tuples(*[st.integers(1, 6)] * 3),
    tilt=st.floats(-0.5, 0.5),
    seed=st.integers(0, 99),
)
@settings(max_examples=60, deadline=None)
def test_back_undoes_show_in_every_orientation(
    orientation: tuple[tuple[int, ...], tuple[int, ...]], shape: tuple[int, ...], tilt: float, seed: int
) -> None:
    display = Display(grid_of(*orientation, shape, tilt))
    array = np.random.default_rng(seed).integers(0, 255, shape, dtype=np.uint8)
    shown = display.show(array)
    assert shown.shape == display.shape
    assert shown.flags.c_contiguous
    assert shown.flags.writeable
    np.testing.assert_array_equal(display.back(shown), array)
    assert not np.shares_memory(shown, array)


@given(
    orientation=st.sampled_from(ORIENTATIONS),
    corners=st.tuples(*[st.tuples(st.integers(0, 5), st.integers(1, 6))] * 3),
    seed=st.integers(0, 99),
)
@settings(max_examples=100, deadline=None)
def test_a_box_goes_back_like_the_whole(
    orientation: tuple[tuple[int, ...], tuple[int, ...]], corners: tuple[tuple[int, int], ...], seed: int
) -> None:
    shape = tuple(a + n for a, n in corners)
    display = Display(grid_of(*orientation, shape))
    array = np.random.default_rng(seed).integers(0, 255, shape, dtype=np.uint8)
    shown = display.show(array)
    start = tuple(a % n for (a, _), n in zip(corners, shown.shape, strict=True))
    box = tuple(slice(a, None) for a in start)
    changed = shown.copy()
    changed[box] = 255 - changed[box]
    there, values = display.box_back(start, changed[box])
    array[tuple(slice(a, a + n) for a, n in zip(there, values.shape, strict=True))] = values
    np.testing.assert_array_equal(array, display.back(changed))


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_shown_axes_run_to_the_feet_the_back_and_the_left(
    orientation: tuple[tuple[int, ...], tuple[int, ...]],
) -> None:
    shape = (4, 5, 6)
    grid = grid_of(*orientation, shape)
    display = Display(grid)
    voxels = np.stack([*np.indices(shape), np.ones(shape)])
    world = np.einsum("ij,j...->i...", grid.affine, voxels)[:3]  # right, anterior, superior in mm
    for axis, (along, name) in enumerate(((world[2], "S→I"), (world[1], "A→P"), (world[0], "R→L"))):
        shown = display.show(along)
        assert display.axis_labels[axis] == name
        assert (np.diff(shown, axis=axis) < 0).all(), "the coordinate falls along the shown axis"
        np.testing.assert_allclose(-np.diff(shown, axis=axis), display.scale[axis])
        np.testing.assert_allclose(-shown.take(0, axis), display.translate[axis])


def test_the_screen_is_right_handed() -> None:
    """Right × down must point away from the viewer: napari's depth axis points towards, and it runs to the feet."""
    right, down, towards = np.array([-1, 0, 0]), np.array([0, -1, 0]), np.array([0, 0, -1])  # L, P, I in RAS
    np.testing.assert_array_equal(np.cross(right, down), -towards)


def test_an_oblique_edge_has_several_letters_and_a_scan_without_a_patient_none() -> None:
    display = Display(grid_of((0, 1, 2), (1, 1, 1), (4, 5, 6)))
    letters = display.letters((0, 0, 1), (-0.8, -0.6, 0))
    assert letters == {"left": "R", "right": "L", "top": "SA", "bottom": "IP"}
    assert display.letters((0, 0, 1), (-0.98, -0.2, 0))["top"] == "S"
    assert Display(Grid.raster((4, 5))).letters((0, 1), (1, 0)) == {}
