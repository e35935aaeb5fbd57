"""Arrays that know where they are: images (`Volume`) and class masks (`Labels`)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .counting import value_counts
from .grid import Grid

#: the value of a voxel nobody has looked at
UNSEEN = 255


@dataclass(frozen=True, eq=False)
class Volume:
    """An image, channels first.

    Parameters
    ----------
    array : array of shape (C, *grid.shape)
        Values as the file means them (slope and intercept applied), of any real dtype. Voxels that are not finite
        in the file are not finite here; see :attr:`finite` and :meth:`filled`.
    grid : Grid
        Where the voxels are.
    channels : tuple of str
        One name per channel.

    Raises
    ------
    ValueError
        If the three do not fit together.
    """

    array: NDArray[Any]
    grid: Grid
    channels: tuple[str, ...] = ("image",)

    def __post_init__(self) -> None:
        if self.array.shape != (len(self.channels), *self.grid.shape):
            raise ValueError(
                f"an array of shape {self.array.shape} does not fit {len(self.channels)} channels on {self.grid.shape}"
            )

    @cached_property
    def finite(self) -> bool:
        """Whether every voxel holds a finite number."""
        return self.array.dtype.kind != "f" or bool(np.isfinite(self.array).all())

    def filled(self) -> Volume:
        """Return a volume whose non-finite voxels hold their channel's smallest finite value, or 0 if it has none."""
        if self.finite:
            return self
        array = self.array.copy(order="K")
        for channel in array:
            bad = ~np.isfinite(channel)
            channel[bad] = channel[~bad].min() if not bad.all() else 0
        return Volume(array, self.grid, self.channels)


@dataclass(frozen=True, eq=False)
class Labels:
    """A class per voxel.

    Parameters
    ----------
    array : array of shape grid.shape, uint8
        0 is background, 255 is *not looked at*, everything between is a class.
    grid : Grid
        Where the voxels are.

    Raises
    ------
    ValueError
        If the array is of another shape or dtype.
    """

    array: NDArray[np.uint8]
    grid: Grid

    def __post_init__(self) -> None:
        if self.array.shape != self.grid.shape:
            raise ValueError(f"labels of shape {self.array.shape} do not fit a grid of {self.grid.shape}")
        if self.array.dtype != np.uint8:
            raise ValueError(f"labels are uint8, not {self.array.dtype}")

    @property
    def values(self) -> tuple[int, ...]:
        """The values that occur, ascending."""
        return tuple(int(value) for value in np.flatnonzero(value_counts(self.array)))
