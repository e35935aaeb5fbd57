"""Whether numbers can be classes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import BadFileError
from ..counting import stretches

#: slopes such as 1/255 stored in 32 bits leave this much on a whole number
_ROUNDING = 1e-3


def class_values(path: Path, array: NDArray[Any]) -> NDArray[np.uint8]:
    """Return `array` as uint8 where it holds only whole numbers from 0 to 255, of whatever dtype.

    Raises
    ------
    BadFileError
        If it holds anything else, naming some of it.
    """
    if array.dtype == np.uint8:
        return array
    if array.dtype.kind == "b":
        return array.astype(np.uint8)
    out = np.empty_like(array, dtype=np.uint8)
    odd, beyond = _Some(), _Some()
    for given, taken in stretches(array, out):
        whole = given
        if array.dtype.kind == "f":
            if not np.isfinite(given).all():
                rule = "it holds voxels that are not a number, so it is no class mask"
                raise BadFileError(path, rule, "export the mask again, with whole numbers")
            whole = np.rint(given)
            odd.add(given[np.abs(given - whole) > _ROUNDING])
        outside = (whole < 0) | (whole > 255)
        beyond.add(whole[outside])
        taken[...] = np.where(outside, 0, whole)
    if odd:
        rule = f"it holds values that are not whole numbers ({odd}), so it is no class mask"
        raise BadFileError(path, rule, "give the mask, not the image or a probability map")
    if beyond:
        rule = f"it holds class values outside 0 to 255 ({beyond})"
        raise BadFileError(path, rule, "renumber the classes to 1, 2, 3, …")
    return out


class _Some:
    """The smallest few of many values, as examples."""

    def __init__(self) -> None:
        self._found: NDArray[Any] = np.empty(0)

    def add(self, values: NDArray[Any]) -> None:
        if values.size:
            self._found = np.unique(np.concatenate([self._found, np.unique(values)]))[:6]

    def __bool__(self) -> bool:
        return self._found.size > 0

    def __str__(self) -> str:
        return ", ".join(f"{value:g}" for value in self._found[:5]) + (", …" if self._found.size > 5 else "")
