"""Grow and shrink against Euclidean distance transforms."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import distance_transform_edt
from tools_scenes import GRIDS, blobs, painted

from napari_medssl.tools.catalog import BY_NAME
from napari_medssl.tools.margin import GrowOptions, ShrinkOptions
from napari_medssl.tools.scene import Scene


@pytest.mark.parametrize(("shape", "spacing"), GRIDS)
@pytest.mark.parametrize("mm", [0.5, 2.0, 3.3, 7.0])
def test_growing_adds_what_is_near_enough(shape: tuple[int, ...], spacing: tuple[float, ...], mm: float) -> None:
    labels = blobs(shape, values=(1,))
    after = painted(labels, BY_NAME["grow"].run(Scene(labels, spacing, 1), GrowOptions(mm=mm)))
    near = distance_transform_edt(labels != 1, sampling=spacing) <= mm * (1 + 1e-6)
    assert near.sum() > (labels == 1).sum() or mm < min(spacing)
    np.testing.assert_array_equal(after, np.where(near, 1, labels))


@pytest.mark.parametrize(("shape", "spacing"), GRIDS)
@pytest.mark.parametrize("mm", [0.5, 2.0, 3.3])
def test_shrinking_takes_away_what_is_near_the_outside(
    shape: tuple[int, ...], spacing: tuple[float, ...], mm: float
) -> None:
    labels = blobs(shape, values=(1,))
    after = painted(labels, BY_NAME["shrink"].run(Scene(labels, spacing, 1), ShrinkOptions(mm=mm)))
    deep = distance_transform_edt(labels == 1, sampling=spacing) > mm * (1 + 1e-6)
    np.testing.assert_array_equal(after, np.where((labels == 1) & ~deep, 0, labels))


def test_the_border_of_the_scan_is_no_outside() -> None:
    labels = np.ones((6, 7, 8), np.uint8)
    assert BY_NAME["shrink"].run(Scene(labels, (1.0, 1.0, 1.0), 1), ShrinkOptions(mm=2.0)).places.size == 0


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_only_the_slice_on_the_screen(axis: int) -> None:
    labels = blobs((14, 16, 18), values=(1,))
    spacing = (2.0, 1.0, 0.7)
    scene = Scene(labels, spacing, 1, plane=(axis, 7))
    after = painted(labels, BY_NAME["grow"].run(scene, GrowOptions(mm=2.0, only_slice=True)))
    flat = tuple(size for other, size in enumerate(spacing) if other != axis)
    shown = labels.take(7, axis)
    near = distance_transform_edt(shown != 1, sampling=flat) <= 2.0
    np.testing.assert_array_equal(after.take(7, axis), np.where(near, 1, shown))
    np.testing.assert_array_equal(np.delete(after, 7, axis), np.delete(labels, 7, axis))


def test_what_is_taken_away_may_become_not_looked_at() -> None:
    labels = blobs((20, 20, 20), values=(1,))
    change = BY_NAME["shrink"].run(Scene(labels, (1.0, 1.0, 1.0), 1), ShrinkOptions(becomes="not looked at"))
    assert set(change.values.tolist()) == {255}


def test_less_than_a_voxel_is_told() -> None:
    labels = blobs((14, 16, 18), values=(1,))
    scene = Scene(labels, (1.0, 2.5, 2.0), 1, plane=(0, 7))
    for name, options in (("grow", GrowOptions), ("shrink", ShrinkOptions)):
        words = BY_NAME[name].run(scene, options(mm=1.5, only_slice=True)).words
        assert words.endswith("nothing to change. Voxels are 2 mm apart here: nothing happens below that.")
        assert "apart" not in BY_NAME[name].run(scene, options(mm=1.5)).words
