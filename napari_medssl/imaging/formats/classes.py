"""Whether numbers can be classes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import BadFileError

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
    if array.dtype.kind == "f":
        if not np.isfinite(array).all():
            rule = "it holds voxels that are not a number, so it is no class mask"
            raise BadFileError(path, rule, "export the mask again, with whole numbers")
        whole = np.rint(array)
        odd = np.abs(array - whole) > _ROUNDING
        if odd.any():
            rule = f"it holds values that are not whole numbers ({_some(array[odd])}), so it is no class mask"
            raise BadFileError(path, rule, "give the mask, not the image or a probability map")
        array = whole
    beyond = (array < 0) | (array > 255)
    if beyond.any():
        rule = f"it holds class values outside 0 to 255 ({_some(array[beyond])})"
        raise BadFileError(path, rule, "renumber the classes to 1, 2, 3, …")
    return array.astype(np.uint8)


def _some(values: NDArray[Any]) -> str:
    found = np.unique(values)
    return ", ".join(f"{value:g}" for value in found[:5]) + (", …" if found.size > 5 else "")
