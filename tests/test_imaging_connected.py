"""Pieces are numbered right, also in two dimensions and where an array is no more than a row of voxels."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from napari_medssl.imaging import connected_pieces
from napari_medssl.inference.pieces import smaller_pieces

SHAPES = [(1, 1, 7), (1, 9, 1), (5, 1, 1), (1, 64), (31, 1), (1, 1, 1), (1, 6, 7), (4, 5, 6), (8, 9), (2, 1, 30)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("corners", [True, False])
def test_as_scipy_numbers_them(shape: tuple[int, ...], corners: bool) -> None:
    rng = np.random.default_rng(0)
    structure = ndimage.generate_binary_structure(len(shape), len(shape) if corners else 1)
    for _ in range(60):
        mask = rng.random(shape) < rng.random()
        numbers, count = connected_pieces(mask, corners=corners)
        wanted, pieces = ndimage.label(mask, structure)
        assert count == pieces
        assert numbers.shape == shape
        pairs = set(zip(numbers.ravel().tolist(), wanted.ravel().tolist(), strict=True))
        assert len(pairs) == count + (not mask.all())


def test_values_that_differ_are_pieces_of_their_own() -> None:
    numbers, count = connected_pieces(np.array([[1, 1, 2, 0, 2]], np.uint8))
    assert count == 3
    assert len(np.unique(numbers)) == 4


def test_what_is_a_row_of_crumbs_has_a_largest_piece() -> None:
    mask = np.zeros((3, 3, 9), bool)
    mask[1, 1, [0, 2, 4, 5, 7]] = True
    assert np.flatnonzero(smaller_pieces(mask)[1, 1]).tolist() == [0, 2, 7]
