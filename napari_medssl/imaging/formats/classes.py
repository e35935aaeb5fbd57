"""Whether numbers can be classes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import BadFileError
from ..counting import stretches

#: slopes such as 1/255 stored in 32 bits leave this much on a whole number
_ROUNDING = 1e-3


def class_values(
    path: Path, array: NDArray[Any], mapping: Mapping[int, int] | None = None, other: int | None = None
) -> NDArray[np.uint8]:
    """Return `array` as uint8 where it holds only whole numbers from 0 to 255, of whatever dtype.

    Parameters
    ----------
    mapping : mapping of int to int, optional
        What values become, before anything is asked of them; others stay as they are.
    other : int, optional
        What all other values but 0 become.

    Raises
    ------
    BadFileError
        If it holds anything else, naming some of it.
    """
    mapped = bool(mapping) or other is not None
    if array.dtype == np.uint8 and not mapped:
        return array
    out = np.empty_like(array, dtype=np.uint8)
    beyond = _Some()
    for whole, taken in _whole_numbers(path, array, out):
        became = _mapped(whole, mapping or {}, other) if mapped else whole
        outside = (became < 0) | (became > 255)
        beyond.add(became[outside])
        taken[...] = np.where(outside, 0, became)
    if beyond:
        first = str(beyond).partition(",")[0]
        rule = f"it holds class values outside 0 to 255 ({beyond})"
        remedy = f"say what they mean (--map {first}=1, and other=0 for the rest), or renumber the classes"
        raise BadFileError(path, rule, remedy)
    return out


def values_in(path: Path, array: NDArray[Any]) -> tuple[int, ...]:
    """The whole numbers in an array of whatever dtype, ascending.

    Raises
    ------
    BadFileError
        If it holds fractions, or voxels that are not a number.
    """
    found: set[int] = set()
    for whole, _ in _whole_numbers(path, array, array):
        found.update(int(value) for value in np.unique(whole))
    return tuple(sorted(found))


def _whole_numbers(
    path: Path, array: NDArray[Any], beside: NDArray[Any]
) -> Iterator[tuple[NDArray[Any], NDArray[Any]]]:
    """Go through an array, stretch by stretch, as whole numbers, with another one beside it.

    Raises
    ------
    BadFileError
        At the end, if it holds fractions; at once, if voxels are not a number.
    """
    odd = _Some()
    for given, other in stretches(array, beside):
        whole = given
        if array.dtype.kind == "f":
            if not np.isfinite(given).all():
                rule = "it holds voxels that are not a number, so it is no class mask"
                raise BadFileError(path, rule, "export the mask again, with whole numbers")
            whole = np.rint(given)
            odd.add(given[np.abs(given - whole) > _ROUNDING])
        elif array.dtype.kind == "b":
            whole = given.astype(np.uint8)
        yield whole, other
    if odd:
        rule = f"it holds values that are not whole numbers ({odd}), so it is no class mask"
        raise BadFileError(path, rule, "give the mask, not the image or a probability map")


def _mapped(array: NDArray[Any], mapping: Mapping[int, int], other: int | None) -> NDArray[Any]:
    values, places = np.unique(array, return_inverse=True)
    became = [mapping.get(v, v if other is None or v == 0 else other) for v in map(int, values)]
    table = np.array(became) if max(map(abs, became), default=0) < 2**62 else np.array(became, np.float64)
    found: NDArray[Any] = table[places].reshape(array.shape)
    return found


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
