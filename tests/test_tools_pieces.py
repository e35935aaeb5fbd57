"""Largest piece, islands and holes against SciPy's labelling and hole filling."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import binary_fill_holes, label
from tools_scenes import GRIDS, blobs, painted

from napari_medssl.tools.catalog import BY_NAME
from napari_medssl.tools.pieces import HolesOptions, IslandsOptions, LargestOptions
from napari_medssl.tools.scene import Scene, ToolError


def _speckled(shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Blobs of two classes with holes and islands."""
    labels = blobs(shape, values=(1, 1, 2), seed=3)
    speck = np.random.default_rng(1).random(shape)
    labels[(speck < 0.04) & (labels == 1)] = 0
    labels[(speck > 0.97) & (labels == 0)] = 1
    return labels


def _pieces(mask: NDArray[np.bool_]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    pieces, _ = label(mask, np.ones((3,) * mask.ndim))
    return pieces, np.bincount(pieces.reshape(-1))


@pytest.mark.parametrize("keep", [1, 2])
@pytest.mark.parametrize(("shape", "spacing"), GRIDS)
def test_the_largest_pieces_stay(shape: tuple[int, ...], spacing: tuple[float, ...], keep: int) -> None:
    labels = _speckled(shape)
    after = painted(labels, BY_NAME["keep_largest"].run(Scene(labels, spacing, 1), LargestOptions(keep=keep)))
    _, sizes = _pieces(labels == 1)
    _, left = _pieces(after == 1)
    assert sizes.size > keep + 1
    assert sorted(left[1:], reverse=True) == sorted(sizes[1:], reverse=True)[:keep]
    assert ((after == labels) | ((labels == 1) & (after == 0))).all()


@pytest.mark.parametrize("smallest", [0.0, 3.0, 40.0])
@pytest.mark.parametrize(("shape", "spacing"), GRIDS)
def test_islands_below_a_volume_go(shape: tuple[int, ...], spacing: tuple[float, ...], smallest: float) -> None:
    labels = _speckled(shape)
    change = BY_NAME["remove_islands"].run(Scene(labels, spacing, 1), IslandsOptions(smallest=smallest))
    pieces, sizes = _pieces(labels == 1)
    small = sizes[pieces] * np.prod(spacing) < smallest
    np.testing.assert_array_equal(painted(labels, change), np.where(small & (labels == 1), 0, labels))


@pytest.mark.parametrize(("shape", "spacing"), GRIDS)
def test_holes_are_filled_as_scipy_fills_them(shape: tuple[int, ...], spacing: tuple[float, ...]) -> None:
    labels = _speckled(shape)
    after = painted(labels, BY_NAME["fill_holes"].run(Scene(labels, spacing, 1)))
    full = binary_fill_holes(labels == 1)
    assert (full & (labels == 0)).any()
    np.testing.assert_array_equal(after, np.where(full & (labels == 0), 1, labels))


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("where", ["in each slice", "in this slice"])
def test_holes_within_slices(axis: int, where: str) -> None:
    labels = _speckled((14, 18, 16))
    full = np.stack([binary_fill_holes(part) for part in np.moveaxis(labels == 1, axis, 0)])
    index = int((full & np.moveaxis(labels == 0, axis, 0)).sum(axis=(1, 2)).argmax())
    if where == "in this slice":
        full &= (np.arange(len(full)) == index)[:, None, None]
    full = np.moveaxis(full, 0, axis)
    scene = Scene(labels, (2.0, 1.0, 1.0), 1, plane=(axis, index))
    change = BY_NAME["fill_holes"].run(scene, HolesOptions(where=where))
    assert (full & (labels == 0)).any()
    np.testing.assert_array_equal(painted(labels, change), np.where(full & (labels == 0), 1, labels))


def test_large_holes_stay_open() -> None:
    labels = np.zeros((9, 20, 20), np.uint8)
    labels[1:8, 1:19, 1:19] = 1
    labels[3, 3, 3] = 0
    labels[3:6, 8:12, 8:12] = 255
    scene = Scene(labels, (2.0, 1.0, 1.0), 1)
    assert BY_NAME["fill_holes"].run(scene, HolesOptions(largest=95.0)).places.size == 1
    assert BY_NAME["fill_holes"].run(scene, HolesOptions(largest=96.0)).places.size == 1 + 48


def test_other_structures_inside_stay() -> None:
    labels = np.zeros((5, 12, 12), np.uint8)
    labels[:, 1:11, 1:11] = 1
    labels[2, 4:8, 4:8] = 0
    labels[2, 5, 5] = 2
    after = painted(labels, BY_NAME["fill_holes"].run(Scene(labels, (1.0, 1.0, 1.0), 1)))
    assert after[2, 5, 5] == 2
    assert (after[2, 1:11, 1:11] != 0).all()


def test_nothing_of_the_structure_is_said() -> None:
    for name in ("keep_largest", "remove_islands", "fill_holes", "smooth", "grow", "shrink"):
        with pytest.raises(ToolError, match="draw some of it first"):
            BY_NAME[name].run(Scene(np.zeros((4, 5, 6), np.uint8), (1.0, 1.0, 1.0), 1))


def test_words_tell_volumes_and_areas() -> None:
    labels = np.zeros((10, 40, 40), np.uint8)
    labels[2:8, 5:30, 5:30] = 1
    labels[0, 38:, 38:] = 1
    assert BY_NAME["keep_largest"].run(Scene(labels, (2.0, 1.0, 1.0), 1)).words == (
        "Kept the largest piece: 8 mm³ less. 1 smaller piece."
    )
    assert BY_NAME["keep_largest"].run(Scene(labels[0:1].repeat(10, 0), (2.0, 1.0, 1.0), 1)).words == (
        "Kept the largest piece: nothing to change."
    )
    grown = BY_NAME["grow"].run(Scene(labels[4], (1.0, 1.0), 1))
    assert grown.words == "Grown by 1 mm: 100 mm² more."
