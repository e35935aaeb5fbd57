"""Augmentation of patches: what is turned, scaled and bent, and what is left alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from fixtures import plan_for

from napari_medssl.methods.base import IGNORE
from napari_medssl.training.augment import NONE, Augmentation, cut
from napari_medssl.training.patches import augmentation

SHAPE = (24, 28, 26)


def positions() -> np.ndarray:
    """An image whose three channels say where a voxel lies, D, H and W."""
    return np.stack(np.meshgrid(*(np.arange(n) for n in SHAPE), indexing="ij")).astype(np.float16)


def look(augmentation: Augmentation, seed: int, spacing: tuple[float, float, float] = (1.0, 1.0, 1.0)) -> np.ndarray:
    """Source voxels (3, 8, 8, 8) of a patch in the middle, found from what it shows."""
    middle = (np.array(SHAPE) - 1) / 2
    image, _ = cut(positions(), None, middle, (8, 8, 8), spacing, augmentation, np.random.default_rng(seed))
    return image.numpy()


def steps(seen: np.ndarray) -> np.ndarray:
    """Mean source step (axis of the scan, axis of the patch)."""
    return np.stack([np.diff(seen, axis=axis + 1).mean(axis=(1, 2, 3)) for axis in range(3)], axis=1)


SPACE = replace(NONE, space=1.0)


def test_none_is_the_scan_itself() -> None:
    assert np.allclose(steps(look(NONE, 0)), np.eye(3), atol=1e-3)


def test_rotation_and_scale_keep_right_angles() -> None:
    matrix = steps(look(SPACE, 1))
    assert np.allclose(matrix.T @ matrix, np.eye(3) * (matrix.T @ matrix)[0, 0], atol=0.02)
    assert abs(matrix - np.diag(np.diag(matrix))).max() > 0.05


def test_flat_leaves_the_first_axis_alone() -> None:
    flat = replace(SPACE, scale=(1.0, 1.0), flat=True)
    for seed in range(5):
        matrix = steps(look(flat, seed, (4.0, 1.0, 1.0)))
        assert np.allclose(matrix[0], (1, 0, 0), atol=1e-2)
        assert np.allclose(matrix[:, 0], (1, 0, 0), atol=1e-2)
        assert abs(matrix[1, 2]) > 0.01


def test_stretch_is_another_for_each_axis() -> None:
    stretched = replace(SPACE, rotation=0.0, scale=(1.0, 1.0), stretch=0.2)
    factors = np.array([np.diag(steps(look(stretched, seed))) for seed in range(12)])
    assert abs(np.log(factors).std() - 0.2) < 0.08
    assert (factors.std(axis=1) > 0.02).all(), "not one factor for all axes"
    flat = steps(look(replace(stretched, flat=True), 0))
    assert abs(flat[0, 0] - 1) < 1e-2


def test_elastic_bends_smoothly() -> None:
    bent = look(replace(NONE, elastic=1.0), 3)
    away = bent - look(NONE, 0)
    assert abs(away).max() > 0.5
    assert max(abs(np.diff(away, axis=axis)).max() for axis in (1, 2, 3)) < abs(away).max()


def test_outside_the_scan_nobody_has_looked() -> None:
    labels = np.ones(SHAPE, np.uint8)
    corner = np.full(3, 0.5)
    _, target = cut(positions(), labels, corner, (8, 8, 8), (1.0, 1.0, 1.0), NONE, np.random.default_rng(0))
    assert target is not None
    inside = (slice(3, None),) * 3
    assert (target[inside] == 1).all()
    assert (target != IGNORE).sum() == 5**3


def test_easier_keeps_what_the_scanner_does_and_changes_shapes_less() -> None:
    full = Augmentation()
    begin, middle = full.easier(0.0), full.easier(0.5)
    assert full.easier(1.0) == full
    assert begin.stretch == 0.0 < middle.stretch < full.stretch
    assert 0.0 < begin.elastic < middle.elastic < full.elastic
    assert full.bend[0] < begin.bend[1] < middle.bend[1] < full.bend[1]
    assert (begin.rotation, begin.scale, begin.intensity) == (full.rotation, full.scale, full.intensity)


def test_distortions_grow_with_the_steps() -> None:
    plan = plan_for(2, (8, 8, 8))
    grown = [augmentation(plan, step).stretch for step in (0, 250, 500, 5000)]
    assert grown[0] == 0.0 < grown[1] < grown[2] == grown[3] == Augmentation().stretch
