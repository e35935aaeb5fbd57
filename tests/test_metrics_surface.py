"""Metrics against a second, slow computation and against figures worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from napari_medssl.inference.metrics import (
    dice,
    mean_scores,
    score_case,
    score_class,
    surface_distances,
)

MASKS = hnp.arrays(bool, (4, 5, 3))
SPACING = st.tuples(*[st.sampled_from([0.5, 1.0, 2.5, 3.3])] * 3)


def brute_surface(mask):
    """Positions of voxels with a face neighbour outside, by looking at each neighbour in turn."""
    points = []
    for index in np.argwhere(mask):
        for axis in range(mask.ndim):
            for side in (-1, 1):
                neighbour = index.copy()
                neighbour[axis] += side
                inside = 0 <= neighbour[axis] < mask.shape[axis] and mask[tuple(neighbour)]
                if not inside:
                    points.append(tuple(index))
    return np.array(sorted(set(points)), float)


def brute_distances(first, second, spacing):
    a, b = brute_surface(first) * spacing, brute_surface(second) * spacing
    table = np.sqrt(((a[:, None] - b[None]) ** 2).sum(-1))
    return table.min(1), table.min(0)


@settings(max_examples=60, deadline=None)
@given(truth=MASKS, proposal=MASKS, spacing=SPACING)
def test_distances_equal_brute_force_on_anisotropic_grids(truth, proposal, spacing):
    if not truth.any() or not proposal.any():
        return
    got = surface_distances(truth, proposal, spacing)
    expected = brute_distances(truth, proposal, np.array(spacing))
    for one, other in zip(got, expected, strict=True):
        np.testing.assert_allclose(np.sort(one), np.sort(other), rtol=1e-6)
    both = np.concatenate(expected)
    assert score_class(truth, proposal, spacing).hd95 == pytest.approx(np.percentile(both, 95))
    assert score_class(truth, proposal, spacing, 2.5).nsd == pytest.approx(np.mean(both <= 2.5 + 1e-9))


@settings(max_examples=40, deadline=None)
@given(truth=MASKS, proposal=MASKS)
def test_measures_are_symmetric_and_perfect_only_for_equal_masks(truth, proposal):
    spacing = (1.0, 1.0, 2.5)
    assert dice(truth, proposal) == dice(proposal, truth)
    assert score_class(truth, proposal, spacing).hd95 == pytest.approx(score_class(proposal, truth, spacing).hd95)
    assert (dice(truth, proposal) == 1.0) == bool((truth == proposal).all())


def test_a_shifted_plate_has_the_shift_in_millimetres():
    truth, proposal = np.zeros((12, 12, 12), bool), np.zeros((12, 12, 12), bool)
    truth[2:10, 2:10, 4] = True
    proposal[2:10, 2:10, 6] = True
    assert score_class(truth, proposal, (1, 1, 2.5)).hd95 == pytest.approx(5.0)
    assert score_class(truth, proposal, (1, 1, 2.5), 4.9).nsd == 0.0
    assert score_class(truth, proposal, (1, 1, 2.5), 5.0).nsd == 1.0
    assert score_class(truth[:, :, 4], np.roll(truth[:, :, 4], 3, 0), (2, 1)).hd95 > 0  # two axes work too


def test_empty_masks_are_handled_as_documented():
    full, empty = np.ones((5, 5, 3), bool), np.zeros((5, 5, 3), bool)
    labels = np.where(full, 1, 0)
    both = score_case(labels, labels, (1, 1, 2), [2])[2]
    assert (both.dice, both.hd95, both.nsd, both.missed) == (1.0, 0.0, 1.0, False)
    one = score_case(labels, empty.astype(int), (1, 1, 2), [1])[1]
    assert (one.dice, one.nsd, one.missed) == (0.0, 0.0, True)
    assert one.hd95 == pytest.approx(np.sqrt(4**2 + 4**2 + 4**2))
    mean = mean_scores([{1: both}, {1: one}])
    assert (mean.dice, mean.missed, mean.cases) == (0.5, 1, 2)


def test_voxels_nobody_looked_at_count_for_nothing():
    truth = np.zeros((8, 8, 8), np.uint8)
    truth[2:6, 2:6, 2:6] = 1
    truth[6:] = 255
    proposal = truth.copy()
    proposal[6:] = 1
    found = score_case(truth, proposal, (1, 1, 1), [1])[1]
    assert (found.dice, found.hd95) == (1.0, 0.0)


def test_different_shapes_are_refused():
    with pytest.raises(ValueError, match="shape"):
        score_case(np.zeros((3, 3, 3), int), np.zeros((3, 3, 4), int), (1, 1, 1), [1])
