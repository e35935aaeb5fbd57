"""What the values of label files mean in a project: which class, background, or *not looked at*. Pure.

People store a mask of one structure as 0 and 1, or as 0 and 255, in a file or folder with the structure's name; and
whole atlases with values of four digits. Nothing is guessed where it could be two things.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import ProjectError
from ..imaging import UNSEEN
from .classes import ClassInfo, refuse_values
from .filenames import bare, label_stems
from .matching import plain


@dataclass(frozen=True)
class Meaning:
    """How to read a label file.

    Attributes
    ----------
    mapping : mapping of int to int
        What its values become; others stay as they are.
    other : int or None
        What all other values but 0 become.
    classes : frozenset of int
        The classes it speaks of: those that it shows, or that its name says.
    note : str
        What was taken for granted, in words; "" where nothing was.
    """

    mapping: Mapping[int, int] = field(default_factory=dict)
    other: int | None = None
    classes: frozenset[int] = frozenset()
    note: str = ""


def read_meaning(
    file: Path,
    values: Sequence[int],
    classes: Sequence[ClassInfo],
    *,
    unseen_is_used: bool,
    case: str = "",
    structure: ClassInfo | None = None,
    mapping: Mapping[int, int] | None = None,
    other: int | None = None,
) -> Meaning:
    """Say what the values of a file mean.

    Parameters
    ----------
    values : sequence of int
        Those that occur in it.
    unseen_is_used : bool
        Whether files beside it have 255 along with classes, so that it does mean *not looked at* there.
    case : str
        The case it is of, for messages.
    structure : ClassInfo, optional
        The one that the file, or its folder, is named after.
    mapping, other : optional
        What a person said; of a file that has one of these values, nothing is taken for granted.

    Raises
    ------
    ProjectError
        If the file shows nothing, or what it shows is no class of the project.
    """
    shown = set(values) - {0}
    note = ""
    said = other is not None or not shown.isdisjoint(mapping or ())
    if said:
        turned = dict(mapping or {})
    elif structure is not None and len(shown) <= 1:
        turned = {value: structure.value for value in shown}
        note = "" if shown <= {structure.value} else f"its value {min(shown)} was taken for {structure.name}"
    elif shown == {UNSEEN} and 0 in values and not unseen_is_used:
        turned = {UNSEEN: _only(file, classes).value}
        note = f"its value 255 was taken for {classes[0].name}, the only structure"
    else:
        turned, structure = {}, None
    fallback = {} if other is None else {value: other for value in shown}
    becomes = {value: {**fallback, **turned}.get(value, value) for value in values}
    if set(becomes.values()) == {UNSEEN}:
        raise ProjectError(f"{file}: no voxel of it was looked at: all are 255. {_HOW}")
    foreign = sorted(set(becomes.values()) - {0, UNSEEN, *(one.value for one in classes)})
    if foreign and max(foreign) <= UNSEEN and min(foreign) >= 0:  # others are refused by the reader, with how to map
        raise refuse_values(f"{file} (case {case})" if case else str(file), foreign, classes)
    found = set(becomes.values()) - {0, UNSEEN}
    named = {structure.value} if structure is not None and not said else set()
    return Meaning(turned, other, frozenset(found | named), note)


_HOW = "If 255 is a structure in this file, say which: --map 255=1."


def uses_unseen(values: Mapping[Path, Sequence[int]]) -> bool:
    """Whether any of these files has 255 along with a class: there it means *not looked at*."""
    return any(UNSEEN in found and set(found) - {0, UNSEEN} for found in values.values())


def structure_of(file: Path, classes: Sequence[ClassInfo], scan_folders: Collection[Path]) -> ClassInfo | None:
    """The structure that a file is named after: liver.nii.gz, ct_1_liver.nii.gz, liver/ct_1.nii.gz; else None.

    Parameters
    ----------
    scan_folders : collection of Path
        Folders with scans: their names say what is in them, not what one of their files shows.
    """
    by_name = {plain(one.name): one for one in classes}
    for stem in dict.fromkeys((bare(file), *label_stems(file))):
        if plain(stem) in by_name:
            return by_name[plain(stem)]
    folder = plain(file.parent.name)
    if folder in by_name and file.parent not in scan_folders:
        return by_name[folder]
    ends = [one for name, one in by_name.items() if plain(label_stems(file)[-1]).endswith(f"_{name}")]
    return max(ends, key=lambda one: len(one.name), default=None)


def _only(file: Path, classes: Sequence[ClassInfo]) -> ClassInfo:
    if len(classes) == 1:
        return classes[0]
    which = f"{classes[0].value} for {classes[0].name}" if classes else "1"
    add = "" if classes else "Give the structure a name (--class 1=NAME) and "
    raise ProjectError(
        f"{file}: it holds only 0 and 255, and 255 means 'not looked at', so it shows no structure. If 255 is a "
        f"structure in this file, {add.lower()}say which: --map 255={which.split()[0]}"
        + (f" ({which})." if classes else ".")
    )
