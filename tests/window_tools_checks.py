"""What each labelling tool should have done to a case, computed another way; for `window_tools.py`."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_fill_holes, distance_transform_edt, label

UNSEEN = 255
Array = NDArray[np.uint8]
Check = Callable[[Array, Array], None]  # labels before and after


class Checks:
    """References for a case that is half done.

    Attributes
    ----------
    truth, image : array
        As shown.
    box : tuple of slice
        Where something is drawn, and some voxels round it.
    middle : int
        The slice before those that were left out.
    mm : tuple of float
        Size of a voxel.
    is_large : bool
    """

    truth: Array
    image: NDArray[np.generic]
    box: tuple[slice, ...]
    middle: int
    mm: tuple[float, ...]
    is_large: bool

    def mine(self, labels: Array) -> NDArray[np.bool_]:
        """Structure 1 near what is drawn."""
        return labels[self.box] == 1

    def at_least(self, mm: float) -> float:
        """So many millimetres, or as many as it takes for something to happen."""
        return round(max(mm, 1.2 * min(self.mm)), 1)

    def free(self, before: Array) -> NDArray[np.bool_]:
        """What may become structure 1."""
        return np.isin(before[self.box], (0, 1, UNSEEN))

    def only_here(self, before: Array, after: Array) -> None:
        """Nothing changed away from what is drawn."""
        changed = before != after
        changed[self.box] = False
        assert not changed.any()

    def filled(self, before: Array, after: Array) -> None:
        """The slices that were left out have the structure now, and only they changed."""
        planes = np.flatnonzero((before != after).any(axis=(1, 2)))
        assert planes.tolist() == [self.middle + 1, self.middle + 2], planes
        assert (after[before != after] == 1).all()
        for plane in planes:
            assert dice(after[plane] == 1, self.truth[plane] == 1) > 0.6

    def copied(self, before: Array, after: Array) -> None:
        """The next slice is as this one."""
        assert np.flatnonzero((before != after).any(axis=(1, 2))).tolist() == [self.middle + 1]
        free = np.isin(before[self.middle + 1], (0, 1, UNSEEN))
        np.testing.assert_array_equal(
            after[self.middle + 1] == 1, ((before[self.middle] == 1) & free) | (before[self.middle + 1] == 1)
        )

    def grown_from_seeds(self, before: Array, after: Array) -> None:
        """Only what nobody had looked at was filled; also in the slices that were left out."""
        assert (before[before != after] == UNSEEN).all()
        assert (after[before != after] == 1).all()
        for plane in (self.middle + 1, self.middle + 2):
            assert dice(after[plane] == 1, self.truth[plane] == 1) > 0.5
        assert label(self.mine(after))[1] <= label(self.mine(before))[1]

    def near_border(self, mm: float) -> Check:
        """What changed lies within so many millimetres of the border, and within the slices of the box."""

        def check(before: Array, after: Array) -> None:
            self.only_here(before, after)
            changed, mask = (before != after)[self.box], self.mine(before)
            away = np.where(mask, edt(mask, self.mm), edt(~mask, self.mm))
            assert away[changed].max() <= mm * 1.001
            planes = np.flatnonzero((before != after).any(axis=(1, 2)))
            assert abs(planes - self.middle).max() <= 2
            if self.is_large:  # it was drawn a little aside, and the scan has clear edges
                truth = self.truth[planes] == 1
                assert dice(after[planes] == 1, truth) > dice(before[planes] == 1, truth)

        return check

    def thresholded(self, before: Array, after: Array) -> None:
        """Brighter voxels of the box, and no others, are of the structure."""
        changed = before != after
        assert (after[changed] == 1).all()
        planes = np.flatnonzero(changed.any(axis=(1, 2)))
        assert abs(planes - self.middle).max() <= 1
        box = [slice(int(at.min()), int(at.max()) + 1) for at in np.nonzero(changed)]
        left = ~changed[tuple(box)] & np.isin(before[tuple(box)], (0, UNSEEN))
        assert self.image[changed].min() > self.image[tuple(box)][left].max()

    def smoothed(self, before: Array, after: Array) -> None:
        """Island and thorn are gone, and the surface is smaller."""
        self.only_here(before, after)
        assert faces(self.mine(after)) < faces(self.mine(before))
        assert np.isin(after[before != after], (0, 1)).all()

    def grown(self, mm: float) -> Check:
        """All that is near enough, and may, is of the structure."""

        def check(before: Array, after: Array) -> None:
            self.only_here(before, after)
            near = edt(~self.mine(before), self.mm) <= mm * (1 + 1e-6)
            np.testing.assert_array_equal(self.mine(after), near & self.free(before))

        return check

    def shrunk(self, mm: float) -> Check:
        """All that is deep enough, and no more, is left."""

        def check(before: Array, after: Array) -> None:
            self.only_here(before, after)
            np.testing.assert_array_equal(self.mine(after), edt(self.mine(before), self.mm) > mm * (1 + 1e-6))

        return check

    def largest(self, before: Array, after: Array) -> None:
        """One piece is left, the largest."""
        pieces, _ = label(self.mine(before), np.ones((3, 3, 3)))
        np.testing.assert_array_equal(self.mine(after), pieces == np.argmax(np.bincount(pieces.flat)[1:]) + 1)

    def islands(self, smallest: float) -> Check:
        """Pieces of less than so many mm³ are gone."""

        def check(before: Array, after: Array) -> None:
            pieces, _ = label(self.mine(before), np.ones((3, 3, 3)))
            sizes = np.bincount(pieces.flat) * float(np.prod(self.mm))
            assert (sizes < smallest).any()
            sizes[0] = 0
            np.testing.assert_array_equal(self.mine(after), sizes[pieces] >= smallest)

        return check

    def without_holes(self, before: Array, after: Array) -> None:
        """What is enclosed is filled."""
        self.only_here(before, after)
        np.testing.assert_array_equal(self.mine(after), binary_fill_holes(self.mine(before)) & self.free(before))


def same(now: Array, then: Array, what: str = "the labels") -> None:
    """All voxels are as they were; quicker in large arrays than numpy's own words."""
    assert np.array_equal(now, then), f"{what}: {np.count_nonzero(np.not_equal(now, then))} voxels differ"


def edt(mask: NDArray[np.bool_], mm: tuple[float, ...]) -> NDArray[np.float64]:
    """Millimetres to what is not of the mask."""
    return np.asarray(distance_transform_edt(mask, sampling=mm))


def faces(mask: NDArray[np.bool_]) -> int:
    """How many sides of voxels the surface has."""
    return sum(int(np.count_nonzero(np.diff(mask, axis=axis))) for axis in range(3))


def dice(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> float:
    """Overlap, 0 to 1."""
    return float(2 * (a & b).sum() / (a.sum() + b.sum()))
