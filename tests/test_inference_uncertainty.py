"""Uncertainty against its plain formulas, and within its bounds whatever the probabilities."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from napari_medssl.inference.uncertainty import (
    case_score,
    disagreement,
    expected_dice,
    flip_variance,
    overlap,
    predictive_entropy,
)

SPACE = (3, 4, 2)


@st.composite
def probabilities(draw: st.DrawFn, classes: int | None = None) -> np.ndarray:
    """(K, *SPACE) float32 that sums to 1; some voxels are quite sure."""
    k = draw(st.integers(2, 5)) if classes is None else classes
    logits = draw(arrays(np.float32, (k, *SPACE), elements=st.floats(-60, 60, width=32)))
    weights = np.exp(logits - logits.max(axis=0))
    return (weights / weights.sum(axis=0)).astype(np.float32)


same_classes = st.integers(2, 4).flatmap(lambda k: st.lists(probabilities(classes=k), min_size=1, max_size=4))


@given(probabilities())
def test_entropy_is_the_formula(p: np.ndarray) -> None:
    plain = np.zeros(SPACE)
    for voxel in np.ndindex(SPACE):
        plain[voxel] = -sum(float(q) * math.log(q) for q in p[(slice(None), *voxel)] if q > 0) / math.log(len(p))
    found = predictive_entropy(p)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, plain, atol=2e-5)
    assert ((found >= 0) & (found <= 1)).all()


def test_entropy_at_its_ends() -> None:
    even, sure = np.full((4, 1), 0.25, np.float32), np.array([[1.0], [0.0], [0.0], [0.0]], np.float32)
    assert predictive_entropy(even)[0] == pytest.approx(1.0)
    assert predictive_entropy(sure)[0] == pytest.approx(0.0, abs=1e-5)


@given(same_classes)
def test_disagreement_is_the_mean_total_variation_of_pairs(members: list[np.ndarray]) -> None:
    pairs = [(a, b) for i, a in enumerate(members) for b in members[:i]]
    plain = np.mean([0.5 * np.abs(a - b).sum(axis=0) for a, b in pairs], axis=0) if pairs else np.zeros(SPACE)
    found = disagreement(members)
    np.testing.assert_allclose(found, plain, atol=1e-5)
    assert ((found >= 0) & (found <= 1 + 1e-5)).all()
    np.testing.assert_allclose(disagreement(members[::-1]), found, atol=1e-5)


@given(same_classes)
def test_flip_variance_is_the_formula(views: list[np.ndarray]) -> None:
    mean = sum(v.astype(np.float64) for v in views) / len(views)
    plain = 2 * sum(((v - mean) ** 2).sum(axis=0) for v in views) / len(views)
    found = flip_variance(views)
    np.testing.assert_allclose(found, np.clip(plain, 0, 1), atol=1e-4)
    assert ((found >= 0) & (found <= 1)).all()


def test_two_sure_members_that_differ_give_one() -> None:
    a, b = np.array([[1.0], [0.0], [0.0]]), np.array([[0.0], [0.0], [1.0]])
    assert disagreement([a, b])[0] == pytest.approx(1.0)
    assert flip_variance([a, b])[0] == pytest.approx(1.0)
    assert disagreement([a])[0] == flip_variance([a])[0] == 0.0


@given(probabilities())
def test_expected_dice_is_the_formula(p: np.ndarray) -> None:
    labels = p.argmax(axis=0)
    found = expected_dice(overlap(p, labels))
    for index in range(1, len(p)):
        inside = labels == index
        expected, predicted = float(p[index].astype(np.float64).sum()), int(inside.sum())
        if predicted == 0 and expected < 1:
            assert index not in found
        else:
            agreed = float(p[index][inside].astype(np.float64).sum())
            assert found[index] == pytest.approx(2 * agreed / (expected + predicted))
    assert 0 not in found


@given(probabilities())
def test_the_score_of_a_case_is_bounded(p: np.ndarray) -> None:
    assert 0.0 <= case_score(overlap(p, p.argmax(axis=0))) <= 1.0


@given(probabilities(classes=3), st.integers(1, 50))
def test_air_around_the_organ_does_not_change_the_score(p: np.ndarray, air: int) -> None:
    sure = np.zeros((3, air, *SPACE[1:]), np.float32)
    sure[0] = 1.0
    more = np.concatenate([p, sure], axis=1)
    plain, airy = overlap(p, p.argmax(axis=0)), overlap(more, more.argmax(axis=0))
    assert case_score(airy) == pytest.approx(case_score(plain), abs=1e-9)


def test_the_score_falls_as_the_model_gets_surer() -> None:
    labels = np.zeros((6, 6), int)
    labels[2:4, 2:4] = 1
    scores = []
    for confidence in (0.55, 0.7, 0.9, 0.99, 1.0):
        p = np.where(labels == 1, confidence, 1 - confidence)
        scores.append(case_score(overlap(np.stack([1 - p, p]), labels)))
    assert scores == sorted(scores, reverse=True)
    assert scores[-1] == 0.0


def test_a_case_where_nothing_was_found_scores_one() -> None:
    nothing = np.stack([np.ones(SPACE), np.zeros(SPACE)])
    assert case_score(overlap(nothing, np.zeros(SPACE, int))) == 1.0


@given(probabilities(), st.integers(0, SPACE[0]))
def test_the_sums_of_parts_add_up(p: np.ndarray, cut: int) -> None:
    labels = p.argmax(axis=0)
    parts = overlap(p[:, :cut], labels[:cut]) + overlap(p[:, cut:], labels[cut:])
    for name, found in vars(overlap(p, labels)).items():
        np.testing.assert_allclose(getattr(parts, name), found, atol=1e-9)


@given(probabilities(classes=3), st.data())
def test_voxels_given_to_the_background_count_no_more(p: np.ndarray, data: st.DataObject) -> None:
    labels = p.argmax(axis=0)
    lost = (labels == 1) & data.draw(arrays(bool, SPACE))
    found = overlap(p, labels).without(1, p[1][lost])
    assert expected_dice(found) == pytest.approx(expected_dice(overlap(p, np.where(lost, 0, labels))))
