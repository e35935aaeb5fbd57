"""Labels on the lattice of their scan: turned, reversed, cropped or padded ones are recognized and brought over."""

from __future__ import annotations

from itertools import permutations, product

import nibabel as nib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from napari_medssl.imaging import UNSEEN, Grid, Labels, NiftiCodes, find_placement, way_out

SHAPE = (5, 6, 7)
MASK = np.random.default_rng(0).integers(0, 5, SHAPE).astype(np.uint8)


def oblique() -> NDArray[np.float64]:
    affine = np.eye(4)
    affine[:3, :3] = Rotation.from_euler("xyz", (12, -20, 31), degrees=True).as_matrix() * (0.7, 0.9, 3.0)
    affine[:3, 3] = -101.3, 44.7, 12.9
    return affine


SCAN = Grid(SHAPE, oblique())


def stored(order: tuple[int, ...], flips: tuple[bool, ...]) -> Labels:
    """`MASK` on `SCAN` as another program would store it, by nibabel's own arithmetic."""
    ornt = np.array([[order.index(axis), -1 if flips[axis] else 1] for axis in range(3)])
    image = nib.Nifti1Image(MASK, SCAN.affine).as_reoriented(ornt)
    array = np.asarray(image.dataobj)
    return Labels(array, Grid(array.shape, image.affine))


WAYS = [(order, flips) for order in permutations(range(3)) for flips in product((False, True), repeat=3)]


@pytest.mark.parametrize(("order", "flips"), WAYS)
def test_all_48_ways_to_store_a_mask_come_back_voxel_for_voxel(order: tuple[int, ...], flips: tuple[bool, ...]) -> None:
    labels = stored(order, flips)
    placement = find_placement(SCAN, labels.grid)
    assert placement is not None
    assert placement.is_whole
    assert placement.is_identity == (order == (0, 1, 2) and not any(flips))
    back = placement.bring(labels)
    np.testing.assert_array_equal(back.array, MASK)
    assert back.grid is SCAN
    assert placement.lost(labels) == 0
    if labels.grid.axcodes != SCAN.axcodes:
        assert f"their axes run {labels.grid.axcodes}, those of the scan {SCAN.axcodes}" in placement.words


@settings(deadline=None)
@given(
    st.sampled_from(WAYS),
    st.tuples(*[st.integers(-3, 3)] * 3),
    st.tuples(*[st.integers(1, 9)] * 3),
    st.floats(-0.02, 0.02),
)
def test_cropped_and_padded_labels_stay_where_they_are_in_the_patient(
    way: tuple[tuple[int, ...], tuple[bool, ...]],
    start: tuple[int, ...],
    shape: tuple[int, ...],
    rounding: float,
) -> None:
    whole = np.full([n + 20 for n in SHAPE], 9, np.uint8)  # the world around the scan
    whole[tuple(slice(10, 10 + n) for n in SHAPE)] = MASK
    part = whole[tuple(slice(10 + at, 10 + at + n) for at, n in zip(start, shape, strict=True))]
    affine = SCAN.affine.copy()
    affine[:3, 3] += affine[:3, :3] @ (np.array(start) + rounding)
    order, flips = way
    ornt = np.array([[order.index(axis), -1 if flips[axis] else 1] for axis in range(3)])
    image = nib.Nifti1Image(part, affine).as_reoriented(ornt)
    array = np.asarray(image.dataobj)
    labels = Labels(array, Grid(array.shape, image.affine))
    placement = find_placement(SCAN, labels.grid)
    expected = np.full(SHAPE, UNSEEN, np.uint8)
    covered = tuple(slice(max(at, 0), max(at + n, 0)) for at, n in zip(start, shape, strict=True))
    expected[covered] = MASK[covered]
    if (expected == UNSEEN).all():
        assert placement is None
        return
    assert placement is not None
    np.testing.assert_array_equal(placement.bring(labels).array, expected)
    np.testing.assert_array_equal(placement.bring(labels, outside=0).array, np.where(expected == UNSEEN, 0, expected))
    assert placement.lost(labels) == np.count_nonzero(part) - np.count_nonzero(expected[expected != UNSEEN])
    assert placement.is_whole == (shape == SHAPE and not any(start))
    assert placement.is_whole or f"of the {' × '.join(map(str, SHAPE))} voxels of the scan" in placement.words


@pytest.mark.parametrize(
    "change",
    [
        lambda a: a @ np.diag([2.0, 1, 1, 1]),  # other spacing
        lambda a: a + np.array([[0, 0, 0, 0.3], *[[0.0] * 4] * 3]),  # between the voxels
        lambda a: a @ np.block([[Rotation.from_euler("z", 2, degrees=True).as_matrix(), np.zeros((3, 1))],
                                [np.zeros((1, 3)), np.ones((1, 1))]]),
        lambda a: a + np.array([[0, 0, 0, 500.0], *[[0.0] * 4] * 3]),  # elsewhere
    ],
    ids=["spacing", "between", "turned by two degrees", "elsewhere"],
)  # fmt: skip
def test_other_lattices_are_not_recognized(change: object) -> None:
    assert callable(change)
    assert find_placement(SCAN, Grid(SHAPE, change(SCAN.affine))) is None


def test_files_without_orientation_are_never_turned() -> None:
    blind = Grid(SHAPE, SCAN.affine, header=NiftiCodes(pixdim=(1, 0.7, 0.9, 3.0)))
    assert find_placement(SCAN, blind) is None
    assert find_placement(blind, blind) is None
    assert find_placement(Grid.raster((5, 7)), Grid.raster((5, 7))) is None


def test_labels_of_another_shape_are_not_brought() -> None:
    placement = find_placement(SCAN, SCAN)
    assert placement is not None
    other = Labels(np.zeros((2, 2, 2), np.uint8), Grid((2, 2, 2), np.eye(4)))
    with pytest.raises(ValueError, match="are not on a grid"):
        placement.bring(other)


@pytest.mark.parametrize(("order", "flips"), WAYS[1:])
def test_no_remedy_mirrors_labels(order: tuple[int, ...], flips: tuple[bool, ...]) -> None:
    """A header copied over a mask whose axes run the other way shows its left on the right."""
    remedy = way_out(SCAN, stored(order, flips).grid)
    assert "header" not in remedy
    assert "resample them onto the scan" in remedy
    shifted = SCAN.affine.copy()
    shifted[:3, 3] += 0.4  # no lattice in common
    assert "header" not in way_out(Grid(SHAPE, shifted), stored(order, flips).grid)


def test_remedies_for_labels_that_cannot_be_brought_over() -> None:
    shifted = SCAN.affine.copy()
    shifted[:3, 3] += 0.4
    assert "copy the scan's header into the label file" in way_out(SCAN, Grid(SHAPE, shifted))
    blind = Grid(SHAPE, SCAN.affine, header=NiftiCodes(pixdim=(1, 0.7, 0.9, 3.0)))
    for one, other in ((SCAN, blind), (blind, SCAN)):  # axes without orientation may run any way
        assert "header" not in way_out(one, other)
        assert "resample" not in way_out(one, other)
    assert "48 × 64 pixels" in way_out(Grid.raster((48, 64)), Grid.raster((64, 48)))
