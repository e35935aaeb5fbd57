"""How unsure a model is: pure functions of class probabilities. Numpy only.

All maps lie between 0 (sure) and 1. Probabilities are (K, *space), class 0 being background.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]


def predictive_entropy(probabilities: Array) -> NDArray[np.float32]:
    """Entropy of the mean prediction divided by its maximum, ln K: the map to look at first.

    Parameters
    ----------
    probabilities : (K, *space)
    """
    p = np.clip(probabilities.astype(np.float32), 1e-7, 1.0)
    out: NDArray[np.float32] = -(p * np.log(p)).sum(axis=0) / np.float32(np.log(len(p)))
    return np.clip(out, 0.0, 1.0)


def disagreement(members: Sequence[Array]) -> NDArray[np.float32]:
    """Mean total-variation distance between every two members (student and teacher; three branches): the part of
    probability that two models put on different classes.

    Parameters
    ----------
    members : sequence of (K, *space)
    """
    total = np.zeros(members[0].shape[1:], np.float32)
    pairs = 0
    for i, a in enumerate(members):
        for b in members[i + 1 :]:
            total += 0.5 * np.abs(a.astype(np.float32) - b.astype(np.float32)).sum(axis=0)
            pairs += 1
    return total / np.float32(max(pairs, 1))


def flip_variance(views: Sequence[Array]) -> NDArray[np.float32]:
    """Variance of the probabilities over mirrored views of the scan, summed over classes, scaled to 0..1.

    Two views that are sure of different classes give 1, the largest value there is (a variance of 1/4 in two classes).

    Parameters
    ----------
    views : sequence of (K, *space)
        The plain prediction and the mirrored ones, mirrored back.
    """
    stack = np.stack([v.astype(np.float32) for v in views])
    out: NDArray[np.float32] = np.clip(2.0 * stack.var(axis=0).sum(axis=0), 0.0, 1.0)
    return out


def expected_dice(probabilities: Array, labels: NDArray[np.integer]) -> dict[int, float]:
    """Dice per foreground class that the probabilities themselves promise.

    For class c with hard labels y: 2 sum(p_c y) / (sum(p_c) + sum(y)), the expectation of Dice's numerator over that of
    its denominator when every voxel is of class c with probability p_c. A class that is neither predicted nor expected
    (less than one voxel of probability) is left out.

    Parameters
    ----------
    probabilities : (K, *space)
    labels : (*space)
        The hard prediction, class indices.
    """
    out = {}
    for index in range(1, len(probabilities)):
        p, y = probabilities[index], labels == index
        expected, predicted = float(p.sum(dtype=np.float64)), int(y.sum())
        if predicted or expected >= 1.0:
            out[index] = 2.0 * float(p[y].sum(dtype=np.float64)) / (expected + predicted)
    return out


def case_score(probabilities: Array, labels: NDArray[np.integer]) -> float:
    """One score per case: the *expected error*, 1 minus the mean expected Dice of its classes.

    Unlike the mean or sum of a voxel map it does not depend on how much air surrounds the organ or how large the scan
    is.
    1 when nothing was found at all.
    """
    dice = expected_dice(probabilities, labels)
    return 1.0 - float(np.mean(list(dice.values()))) if dice else 1.0
