"""How unsure a model is: pure functions of class probabilities. Numpy only.

All maps lie between 0 (sure) and 1. Probabilities are (K, *space), class 0 being background.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

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


@dataclass(frozen=True)
class Overlap:
    """Sums over a scan, or a part of it (parts add up), by class index: (K,) each.

    Parameters
    ----------
    expected : ndarray of float64
        Probability of the class: its expected size in voxels.
    predicted : ndarray of float64
        Voxels that were given to it.
    agreed : ndarray of float64
        Probability of the class in these voxels.
    """

    expected: NDArray[np.float64]
    predicted: NDArray[np.float64]
    agreed: NDArray[np.float64]

    def __add__(self, other: Overlap) -> Overlap:
        return Overlap(self.expected + other.expected, self.predicted + other.predicted, self.agreed + other.agreed)

    def without(self, index: int, probabilities: NDArray[np.floating]) -> Overlap:
        """Some voxels of a class, of these probabilities, are given to the background after all."""
        one = np.arange(len(self.expected)) == index
        return replace(
            self,
            predicted=self.predicted - one * len(probabilities),
            agreed=self.agreed - one * probabilities.sum(dtype=np.float64),
        )


def overlap(probabilities: Array, labels: NDArray[np.integer]) -> Overlap:
    """What `expected_dice` and `case_score` need to know.

    Parameters
    ----------
    probabilities : (K, *space)
    labels : (*space)
        The hard prediction, class indices.
    """
    inside = [labels == index for index in range(len(probabilities))]
    return Overlap(
        np.array([p.sum(dtype=np.float64) for p in probabilities]),
        np.array([np.count_nonzero(y) for y in inside], np.float64),
        np.array([p[y].sum(dtype=np.float64) for p, y in zip(probabilities, inside, strict=True)]),
    )


def expected_dice(sums: Overlap) -> dict[int, float]:
    """Dice per foreground class that the probabilities themselves promise.

    For class c with hard labels y: 2 sum(p_c y) / (sum(p_c) + sum(y)), the expectation of Dice's numerator over that of
    its denominator when every voxel is of class c with probability p_c. A class that is neither predicted nor expected
    (less than one voxel of probability) is left out.
    """
    return {
        index: float(2.0 * sums.agreed[index] / (sums.expected[index] + sums.predicted[index]))
        for index in range(1, len(sums.expected))
        if sums.predicted[index] or sums.expected[index] >= 1.0
    }


def case_score(sums: Overlap) -> float:
    """One score per case: the *expected error*, 1 minus the mean expected Dice of its classes.

    Unlike the mean or sum of a voxel map it does not depend on how much air surrounds the organ or how large the scan
    is. 1 when nothing was found at all.
    """
    dice = expected_dice(sums)
    return 1.0 - float(np.mean(list(dice.values()))) if dice else 1.0
