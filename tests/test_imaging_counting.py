"""Values of masks are counted in bounded memory, whatever the order of their voxels."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_medssl.imaging import Grid, Labels, counting, pair_counts, stretches, value_counts
from napari_medssl.imaging.formats.classes import class_values
from napari_medssl.inference.metrics import score_class
from napari_medssl.inference.pieces import smaller_pieces
from napari_medssl.project.classes import foreign_values, voxel_counts
from napari_medssl.project.origins import compare
from napari_medssl.selection.regions import _islands
from napari_medssl.training.cache import POINTS_PER_CLASS, _spread_points

SHAPE = (200, 160, 250)
VOXELS = int(np.prod(SHAPE))


@st.composite
def layouts(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    shape = tuple(draw(st.lists(st.integers(0, 9), min_size=0, max_size=4)))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    made = []
    for _ in range(2):
        array = np.asarray(rng.integers(0, 256, shape, dtype=np.uint8), order=draw(st.sampled_from("CF")))
        steps = tuple(slice(None, None, draw(st.sampled_from((1, -1)))) for _ in shape)
        made.append(np.asarray(array[steps]))
    return made[0], made[1]


@given(layouts(), st.sampled_from((1, 5, 64, 1 << 20)))
@settings(max_examples=150, deadline=None)
def test_counts_are_those_of_the_whole(pair: tuple[np.ndarray, np.ndarray], stretch: int) -> None:
    one, other = pair
    before, counting.STRETCH = counting.STRETCH, stretch
    try:
        np.testing.assert_array_equal(value_counts(one), np.bincount(one.reshape(-1), minlength=256))
        table = np.zeros((256, 256), np.int64)
        np.add.at(table, (one.reshape(-1), other.reshape(-1)), 1)
        np.testing.assert_array_equal(pair_counts(one, other), table)
        assert all(piece.size <= max(stretch, 1) for piece, _ in stretches(one, other))
    finally:
        counting.STRETCH = before


def mask(order: str = "F") -> np.ndarray:
    """Two structures, a third of the scan, and stray voxels, as NIfTI files lie in memory."""
    array = np.zeros(SHAPE, np.uint8, order=order)
    array[40:120, 30:130, 50:200] = 1
    array[130:170, 40:100, 60:160] = 2
    array[::50, ::40, ::50] = 2
    return array


def extra(work: Callable[[], object]) -> float:
    """Bytes per voxel that work takes beside what is there, at its peak."""
    work()  # what is imported at the first use is no part of it
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1] / VOXELS
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("order", ["C", "F"])
def test_counting_takes_next_to_nothing(order: str) -> None:
    labels, other = mask(order), mask("F")
    turned = labels[::-1, :, ::-1]
    assert extra(lambda: voxel_counts(labels)) < 12 * counting.STRETCH / VOXELS
    assert extra(lambda: foreign_values(turned, ())) < 12 * counting.STRETCH / VOXELS
    assert extra(lambda: Labels(labels, Grid(SHAPE, np.eye(4))).values) < 12 * counting.STRETCH / VOXELS
    assert extra(lambda: compare(labels, other)) < 16 * counting.STRETCH / VOXELS


@pytest.mark.parametrize("kind", ["<i2", "<f4", "<f8", "<i8"])
def test_masks_of_wide_numbers_become_bytes_without_a_second_copy(kind: str) -> None:
    wide = mask().astype(kind, order="K")
    found = class_values(Path("x.nii"), wide)
    np.testing.assert_array_equal(found, mask())
    assert found.flags.f_contiguous
    assert extra(lambda: class_values(Path("x.nii"), wide)) < 1 + 50 * counting.STRETCH / VOXELS


def test_pieces_points_and_surfaces_take_a_few_bytes() -> None:
    labels = mask("C")
    assert extra(lambda: smaller_pieces(labels == 2)) < 8
    assert extra(lambda: _islands(labels)) < 12
    assert extra(lambda: score_class(labels == 1, np.roll(labels, 3, 0) == 1, (1.0, 1.0, 1.0))) < 8


def test_points_are_spread_as_if_all_were_looked_at_together() -> None:
    labels = mask("C")
    found = _spread_points(labels)
    for index in (0, 1, 2):
        flat = np.flatnonzero(labels == index)
        expected = flat[:: max(1, flat.size // POINTS_PER_CLASS)][:POINTS_PER_CLASS]
        np.testing.assert_array_equal(
            np.ravel_multi_index(tuple(found[found[:, 0] == index, 1:].T), labels.shape), expected
        )
    assert extra(lambda: _spread_points(labels)) < 1 + 16 * counting.STRETCH / VOXELS
