"""Classes: the structures a project segments, with the value, name, colour and key each has everywhere."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ProjectError
from ..imaging import UNSEEN, value_counts

#: Okabe & Ito (2008), "Color Universal Design": told apart with every kind of colour vision; black is left out
PALETTE = ("#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7")
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
#: instead of a key: the digit of the value where it has one, else none
BY_VALUE = "by value"


@dataclass(frozen=True)
class ClassInfo:
    """A structure to segment.

    Parameters
    ----------
    value : int
        Its value in label files, 1 to 254.
    name : str
        What people call it.
    colour : str
        "#rrggbb"; by default from a palette that colour-blind people can tell apart.
    key : str
        The key that picks it, "" for none; by default its value's digit, none above 9.
    locked : bool
        Its voxels are not overwritten while people draw.
    place : int
        Where it stands among the others on the screen; those of one place stand by their values.

    Raises
    ------
    ProjectError
        If a value, name, colour or key cannot be one.
    """

    value: int
    name: str
    colour: str = ""
    key: str = BY_VALUE
    locked: bool = False
    place: int = 0

    def __post_init__(self) -> None:
        if not 1 <= self.value < UNSEEN:
            raise ProjectError(
                f"Class {self.name!r} cannot have the value {self.value}: 0 is background and {UNSEEN} is "
                "'not looked at'. Choose a value from 1 to 254."
            )
        if not self.name.strip():
            raise ProjectError(f"The class of value {self.value} has no name. Give it one.")
        if not self.colour:
            object.__setattr__(self, "colour", PALETTE[(self.value - 1) % len(PALETTE)])
        if not _COLOUR.fullmatch(self.colour):
            raise ProjectError(f"Class {self.name!r}: {self.colour!r} is no colour. Write it as #rrggbb.")
        if self.key == BY_VALUE:
            object.__setattr__(self, "key", str(self.value) if self.value <= 9 else "")
        if len(self.key) > 1:
            raise ProjectError(f"Class {self.name!r}: {self.key!r} is no key. Give a single character.")

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> ClassInfo:
        """Rebuild from :meth:`to_json`."""
        return cls(
            int(values["value"]),
            str(values["name"]),
            str(values["colour"]),
            str(values.get("key", BY_VALUE)),
            bool(values.get("locked", False)),  # older projects have neither this
            int(values.get("place", 0)),  # nor this
        )

    def to_json(self) -> dict[str, Any]:
        """A dictionary of numbers and strings."""
        return asdict(self)


def check_classes(classes: Iterable[ClassInfo]) -> tuple[ClassInfo, ...]:
    """Return the classes by ascending value.

    Raises
    ------
    ProjectError
        If two share a value, a name or a key.
    """
    ordered = tuple(sorted(classes, key=lambda one: one.value))
    for what in ("value", "name", "key"):
        given = Counter(getattr(one, what) for one in ordered)
        given.pop("", None)  # several may have no key
        twice = [thing for thing, number in given.items() if number > 1]
        if twice:
            raise ProjectError(f"Two classes have the {what} {twice[0]!r}. Give each its own.")
    return ordered


def merge_classes(
    known: Iterable[ClassInfo], wanted: Iterable[ClassInfo], now: Iterable[ClassInfo]
) -> tuple[ClassInfo, ...]:
    """What somebody wants who knew the classes as they were, where others have changed some meanwhile: both changes.

    Parameters
    ----------
    known, wanted, now : iterable of ClassInfo
        As they were, as they shall be, and as they are.

    Raises
    ------
    ProjectError
        If both changed the same one, or the changes clash.
    """
    before, mine, theirs = ({one.value: one for one in classes} for classes in (known, wanted, now))
    merged = []
    for value in before.keys() | mine.keys() | theirs.keys():
        was, shall, is_now = before.get(value), mine.get(value), theirs.get(value)
        if shall not in (was, is_now) and is_now != was:
            one = is_now or was or shall
            raise ProjectError(
                f"Class {value} {one.name if one else ''!r} was changed in another window meanwhile. Look at the "
                "structures as they are now, and change them again."
            )
        kept = is_now if shall == was else shall
        if kept is not None:
            merged.append(kept)
    return check_classes(merged)


def with_free_keys(classes: Iterable[ClassInfo]) -> tuple[ClassInfo, ...]:
    """The classes, of which one whose key an earlier one has goes without a key; none is refused for its key."""
    taken = {""}
    found = []
    for one in classes:
        found.append(replace(one, key="") if one.key in taken else one)
        taken.add(one.key)
    return tuple(found)


def in_order(classes: Iterable[ClassInfo]) -> tuple[ClassInfo, ...]:
    """The classes in the order in which people want to see them."""
    return tuple(sorted(classes, key=lambda one: (one.place, one.value)))


def foreign_values(array: NDArray[np.uint8], classes: Iterable[ClassInfo]) -> tuple[int, ...]:
    """Values of a mask that are neither a class, nor background, nor *not looked at*."""
    known = {0, UNSEEN, *(one.value for one in classes)}
    return tuple(value for value in present_values(array) if value not in known)


def present_values(array: NDArray[np.uint8]) -> tuple[int, ...]:
    """The values of a mask, ascending."""
    return tuple(voxel_counts(array))


def voxel_counts(array: NDArray[np.uint8]) -> dict[int, int]:
    """Voxels of each value that occurs, by ascending value."""
    counts = value_counts(array)
    return {int(value): int(counts[value]) for value in np.flatnonzero(counts)}


def refuse_values(where: str, values: Iterable[int], classes: Iterable[ClassInfo]) -> ProjectError:
    """The error for values that are no class of the project."""
    unknown = ", ".join(str(value) for value in values)
    which = f"values {unknown} belong" if "," in unknown else f"value {unknown} belongs"
    known = ", ".join(f"{one.value} {one.name}" for one in classes) or "no classes yet"
    return ProjectError(
        f"{where}: the {which} to no class of this project ({known}). Add a class for each (--class VALUE=NAME), or "
        "map them to classes there are."
    )
