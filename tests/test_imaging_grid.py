"""Grids: where voxels are, what differs between two of them, and turning to RAS and back."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nibabel.orientations import aff2axcodes
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from napari_medssl.imaging import Grid, NiftiCodes

patient = settings(deadline=None)
angles = st.floats(-180, 180)
lengths = st.floats(0.2, 8)


@st.composite
def affines(draw: st.DrawFn) -> NDArray[np.float64]:
    """Any rotation and reflection, spacing and origin."""
    rotation = Rotation.from_euler("xyz", [draw(angles) for _ in range(3)], degrees=True).as_matrix()
    signs = [draw(st.sampled_from((-1.0, 1.0))) for _ in range(3)]
    affine = np.eye(4)
    affine[:3, :3] = rotation * signs * [draw(lengths) for _ in range(3)]
    affine[:3, 3] = [draw(st.floats(-300, 300)) for _ in range(3)]
    return affine


shapes = st.tuples(*[st.integers(1, 7)] * 3)


@patient
@given(affines(), shapes)
def test_turning_moves_voxels_but_not_what_they_show(affine: NDArray[np.float64], shape: tuple[int, int, int]) -> None:
    grid = Grid(shape, affine)
    turn = grid.canonical()
    array = np.arange(2 * np.prod(shape)).reshape(2, *shape)
    turned = turn.apply(array)
    assert turned.shape[1:] == turn.grid.shape
    np.testing.assert_array_equal(turn.undo(turned), array)
    # A voxel's place in the patient is the same on either grid.
    indices = np.stack(np.meshgrid(*(np.arange(n) for n in shape), indexing="ij"))
    places = np.einsum("xi,i...->x...", affine[:3, :3], indices) + affine[:3, 3].reshape(3, 1, 1, 1)
    new = np.stack(np.meshgrid(*(np.arange(n) for n in turn.grid.shape), indexing="ij"))
    new_places = np.einsum("xi,i...->x...", turn.grid.affine[:3, :3], new) + turn.grid.affine[:3, 3].reshape(3, 1, 1, 1)
    np.testing.assert_allclose(turn.apply(places), new_places, atol=1e-9)
    assert turn.grid.canonical().is_identity


@patient
@given(affines(), shapes)
def test_axes_after_turning_run_closest_to_ras(affine: NDArray[np.float64], shape: tuple[int, int, int]) -> None:
    turn = Grid(shape, affine).canonical()
    assert (np.diag(turn.grid.directions) >= -1e-12).all()
    assert turn.grid.axcodes == "RAS"
    assert sorted(turn.grid.spacing) == pytest.approx(sorted(Grid(shape, affine).spacing))


@patient
@given(affines(), shapes)
def test_axis_letters_are_those_of_nibabel_unless_a_scan_lies_between_two_axes(
    affine: NDArray[np.float64], shape: tuple[int, int, int]
) -> None:
    grid = Grid(shape, affine)
    strongest = np.sort(np.abs(grid.directions), axis=0)
    if (strongest[2] > 0.75).all():
        assert grid.axcodes == "".join(aff2axcodes(affine))


@patient
@given(affines(), shapes)
def test_grids_survive_json_exactly(affine: NDArray[np.float64], shape: tuple[int, int, int]) -> None:
    grid = Grid(shape, affine, header=NiftiCodes.from_affine(affine))
    back = Grid.from_json(json.loads(json.dumps(grid.to_json())))
    assert back.shape == grid.shape
    np.testing.assert_array_equal(back.affine, grid.affine)
    assert back.header == grid.header
    assert grid.mismatch(back, tolerance=0) is None


def test_mismatch_says_what_differs_with_numbers() -> None:
    affine = np.diag([-2.0, 2.0, 3.0, 1.0])
    grid = Grid((10, 20, 30), affine)
    assert grid.mismatch(Grid((10, 20, 30), affine + 1e-5)) is None
    assert "10 × 20 × 30 and 9 × 20 × 30" in str(grid.mismatch(Grid((9, 20, 30), affine)))
    assert "(2, 2, 3) and (2, 2, 4) mm" in str(grid.mismatch(Grid((10, 20, 30), np.diag([-2.0, 2, 4, 1]))))
    assert "LAS and RAS" in str(grid.mismatch(Grid((10, 20, 30), np.diag([2.0, 2, 3, 1]))))
    moved = affine.copy()
    moved[:3, 3] = (3, 0, 4)
    assert "origins differ by 5 mm" in str(grid.mismatch(Grid((10, 20, 30), moved)))
    turned = affine.copy()
    turned[:3, :3] = Rotation.from_euler("z", 5, degrees=True).as_matrix() @ affine[:3, :3]
    assert "by 5 degrees" in str(grid.mismatch(Grid((10, 20, 30), turned)))
    blind = Grid((10, 20, 30), affine, header=NiftiCodes(pixdim=(1, 2, 2, 3)))
    assert "carries none" in str(grid.mismatch(blind))
    assert not blind.oriented


def test_raster_grids_have_no_patient() -> None:
    grid = Grid.raster((5, 7))
    assert (grid.axcodes, grid.oriented, grid.spacing) == ("", False, (1.0, 1.0))
    assert grid.canonical().is_identity
    assert Grid.from_json(grid.to_json()).mismatch(grid) is None
    assert "shapes differ" in str(grid.mismatch(Grid.raster((7, 5))))
    array = np.zeros((3, 5, 7))
    assert grid.canonical().apply(array).shape == (3, 5, 7)


@pytest.mark.parametrize(
    ("affine", "rule"),
    [
        (np.diag([1.0, 0, 1, 1]), "spacing of zero along axis 1"),
        (np.diag([1.0, np.nan, 1, 1]), "not finite"),
        (np.array([[1.0, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]), "singular"),
        (np.eye(3), "does not fit"),
    ],
)
def test_impossible_affines_are_refused(affine: NDArray[np.float64], rule: str) -> None:
    with pytest.raises(ValueError, match=rule):
        Grid((2, 2, 2), affine)


def test_a_grid_cannot_be_changed_by_its_maker() -> None:
    affine = np.eye(4)
    grid = Grid((2, 2, 2), affine)
    affine[0, 0] = 9
    assert grid.spacing == (1.0, 1.0, 1.0)
    with pytest.raises(ValueError, match="read-only"):
        grid.affine[0, 0] = 9


@pytest.mark.parametrize(
    ("spacing", "shift", "same"),
    [
        ((0.9, 0.9, 3.0), (0.0005, 0, 0), True),
        ((0.9, 0.9, 3.0), (0.002, 0, 0), True),
        ((0.9, 0.9, 3.0), (0.01, 0, 0), True),
        ((0.9, 0.9, 3.0), (0, 0, -0.1), True),  # a thirtieth of a thick slice
        ((0.9, 0.9, 3.0), (0.09, 0, 0), False),
        ((0.9, 0.9, 3.0), (0, 0, 0.3), False),
        ((0.0005, 0.0005, 0.002), (0.0005, 0, 0), False),
        ((0.0005, 0.0005, 0.002), (0, 0.00001, 0), True),
        ((5.0, 5.0, 5.0), (0.2, 0, 0), True),
    ],
)
def test_rounding_is_counted_in_voxels(spacing: tuple[float, ...], shift: tuple[float, ...], same: bool) -> None:
    affine = np.diag([*spacing, 1.0])
    affine[:3, 3] = -10, -20, 30
    moved = affine.copy()
    moved[:3, 3] += shift
    one, other = Grid((24, 24, 12), affine), Grid((24, 24, 12), moved)
    assert (one.mismatch(other) is None) is same
    assert (other.mismatch(one) is None) is same
    if not same:
        numbers = re.findall(r"\(.*?\)", str(one.mismatch(other)))
        assert len(numbers) == 2
        assert numbers[0] != numbers[1]


def test_a_spacing_counts_by_what_it_does_at_the_far_corner() -> None:
    long, short = Grid((512, 512, 40), np.diag([0.7, 0.7, 3, 1.0])), Grid((20, 20, 4), np.diag([0.7, 0.7, 3, 1.0]))
    rounded = np.diag([0.7003, 0.7, 3, 1.0])
    assert short.mismatch(Grid((20, 20, 4), rounded)) is None
    assert "(0.7, 0.7, 3) and (0.7003, 0.7, 3) mm" in str(long.mismatch(Grid((512, 512, 40), rounded)))
    tiny = Grid((24, 24, 12), np.diag([0.0005, 0.0005, 0.002, 1]))
    assert "spacings differ" in str(tiny.mismatch(Grid((24, 24, 12), np.diag([0.0009, 0.0005, 0.002, 1]))))
    single = Grid((24, 24, 1), np.diag([1.0, 1, 3, 1]))
    assert "spacings differ" in str(single.mismatch(Grid((24, 24, 1), np.diag([1.0, 1, 6, 1]))))


def test_a_turn_counts_by_what_it_does_at_the_far_corner() -> None:
    def turned(shape: tuple[int, int, int], degrees: float) -> Grid:
        affine = np.eye(4)
        affine[:3, :3] = Rotation.from_euler("z", degrees, degrees=True).as_matrix()
        return Grid(shape, affine)

    assert turned((32, 32, 32), 0).mismatch(turned((32, 32, 32), 0.03)) is None
    assert "0.03 degrees" in str(turned((512, 512, 32), 0).mismatch(turned((512, 512, 32), 0.03)))


@patient
@given(affines(), shapes, st.floats(-0.01, 0.01), st.integers(0, 2))
def test_a_hundredth_of_a_voxel_is_the_same_grid_everywhere(
    affine: NDArray[np.float64], shape: tuple[int, int, int], part: float, axis: int
) -> None:
    moved, far = affine.copy(), affine.copy()
    moved[:3, 3] += affine[:3, axis] * part
    far[:3, 3] += affine[:3, axis] * (0.2 if part > 0 else -0.2)
    assert Grid(shape, affine).mismatch(Grid(shape, moved)) is None
    assert Grid(shape, affine).mismatch(Grid(shape, far)) is not None
