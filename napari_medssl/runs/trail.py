"""A tuple that grows at its end: adding to it copies nothing, however long it is. No torch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, TypeVar, overload

T = TypeVar("T")


class Trail(Sequence[T]):
    """Values in the order in which they came; never changed, like a tuple, and equal to one of the same values.

    Trails that were made of one another share their values: each knows how many of them are its own.
    """

    __slots__ = ("_length", "_values")

    def __init__(self, values: Iterable[T] = ()) -> None:
        self._values = list(values)
        self._length = len(self._values)

    def plus(self, value: T) -> Trail[T]:
        """One that has `value` behind all of these; this one stays as it is."""
        values, at = self._values, self._length
        if len(values) != at:  # somebody else went on from here
            values = values[:at]
        values.append(value)
        if values[at] is not value:  # somebody else did so at the same moment
            values = [*values[:at], value]
        longer: Trail[T] = Trail.__new__(Trail)
        longer._values, longer._length = values, at + 1
        return longer

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[T]:
        return islice(self._values, self._length)

    @overload
    def __getitem__(self, at: int) -> T: ...

    @overload
    def __getitem__(self, at: slice) -> Sequence[T]: ...

    def __getitem__(self, at: int | slice) -> T | Sequence[T]:
        if isinstance(at, slice):
            return tuple(self._values[place] for place in range(*at.indices(self._length)))
        if not -self._length <= at < self._length:
            raise IndexError(at)
        return self._values[at % self._length]

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Trail):
            if self._length != other._length:
                return False
            return self._values is other._values or all(a == b for a, b in zip(self, other, strict=True))
        return isinstance(other, tuple) and tuple(self) == other

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __repr__(self) -> str:
        return f"Trail({list(self)!r})"


def plus(values: Sequence[T], value: T) -> Trail[T]:
    """`Trail.plus`, of any sequence."""
    return (values if isinstance(values, Trail) else Trail(values)).plus(value)


def thinned(values: Sequence[Any], most: int) -> Sequence[Any]:
    """At most `most` of the values, evenly spread, the first and the last among them; all, where there are no more.

    What is drawn, or asked several times a second, need not look at each of a hundred thousand points.
    """
    last = len(values) - 1
    if last < most:
        return values
    return [values[round(place * last / (most - 1))] for place in range(most)]
