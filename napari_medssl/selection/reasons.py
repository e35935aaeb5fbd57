"""Why a place of a proposal is worth a look, in words."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

END = 0.12  # of a structure's length: its end
SECOND = 0.25  # of the structure voxels of a place, for a second class to be named
DIFFERS = 0.2  # of mean disagreement


class Proposed:
    """A proposal, asked about its places.

    Parameters
    ----------
    labels : uint8 array
    spacing : tuple of float
        Size of a voxel along each axis.
    names : mapping
        The classes by value.
    disagreement : array of the labels' shape, optional
        Where the model's opinions differ, 0 to 1.
    """

    def __init__(
        self,
        labels: NDArray[np.uint8],
        spacing: tuple[float, ...],
        names: Mapping[int, str],
        disagreement: NDArray[np.float32] | None,
    ) -> None:
        self._labels, self._spacing, self._names, self._disagreement = labels, spacing, names, disagreement
        self._lengths: dict[int, tuple[int, int, int]] = {}

    def reason(
        self, places: NDArray[np.intp], at: NDArray[np.intp], centre: tuple[int, ...], island: NDArray[np.intp]
    ) -> tuple[int, int, str]:
        """The class most concerned (0: none), the one it borders on where that border is in doubt (else 0), the reason.

        Parameters
        ----------
        places, at : flat places of its voxels, and the same as (axis, voxel)
        centre : tuple of int
        island : flat places
            Those of a piece that lies apart from its structure; empty where there is none.
        """
        if island.size:
            value = int(self._labels.reshape(-1)[island[0]])
            return value, 0, f"a separate island of {_count(island.size)} of {self._name(value)}"
        here = np.bincount(self._labels.reshape(-1)[places], minlength=256)
        around = tuple(slice(max(0, int(axis.min()) - 1), int(axis.max()) + 2) for axis in at)
        near = np.bincount(self._labels[around].reshape(-1), minlength=256)
        classes = here if here[1:].any() else near
        if not classes[1:].any():
            far = ", far from all that it proposes" if self._labels.any() else ""
            return 0, 0, f"something may have been missed here: the model is unsure{far}"
        value = int(np.argmax(classes[1:])) + 1
        name = self._name(value)
        second = int(np.argmax(np.where(np.arange(256) == value, 0, here)[1:])) + 1
        other = second if here[second] and second != value and here[second] >= SECOND * here[1:].sum() else 0
        if other:
            words = f"the border between {name} and {self._name(second)} is unsure"
        elif not here[1:].any():
            words = f"{name} may reach further here"
        elif not here[0]:
            words = f"the inside of {name} is unsure"
        else:
            words = f"the edge of {name} is unsure"
        if not other and self._is_end(value, centre):
            words += f"; it is an end of {name}"
        if self._disagreement is not None and self._disagreement.reshape(-1)[places].mean() >= DIFFERS:
            words += "; the model's opinions differ"
        return value, other, words

    def _name(self, value: int) -> str:
        return self._names.get(value, f"class {value}")

    def _is_end(self, value: int, centre: tuple[int, ...]) -> bool:
        """Whether a voxel is near or beyond an end of a structure, along the longest side of its box."""
        if value not in self._lengths:
            mask = self._labels == value
            sides = []
            for axis in range(mask.ndim):
                on = np.flatnonzero(mask.any(axis=tuple(other for other in range(mask.ndim) if other != axis)))
                sides.append((int(on[0]), int(on[-1])))
            longest = int(
                np.argmax([(last - first + 1) * s for (first, last), s in zip(sides, self._spacing, strict=True)])
            )
            self._lengths[value] = (longest, *sides[longest])
        axis, first, last = self._lengths[value]
        within = END * (last - first + 1)
        return centre[axis] < first + within or centre[axis] > last - within


def _count(voxels: int) -> str:
    return "1 voxel" if voxels == 1 else f"{voxels} voxels"
