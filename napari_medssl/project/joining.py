"""The label files of one case made one mask: several where each shows a structure of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..errors import BadFileError, ProjectError
from ..imaging import UNSEEN, Labels, Placement, find_placement, read_labels, way_out
from .classes import ClassInfo, foreign_values, refuse_values, voxel_counts
from .images import is_read_as_stored
from .meaning import Meaning

if TYPE_CHECKING:
    from .case import Case


class OtherGridError(BadFileError):
    """Labels on another grid than their scan; with a `placement`, they can be brought over exactly."""

    def __init__(self, path: Path, rule: str, remedy: str, placement: Placement | None) -> None:
        super().__init__(path, rule, remedy)
        self.placement = placement


@dataclass(frozen=True)
class Joined:
    """A mask on the grid of its case, what it was made of, and what a person should know of it."""

    labels: Labels
    files: tuple[Path, ...]
    skipped: tuple[tuple[Path, str], ...]
    notes: tuple[str, ...]


def join_labels(
    case: Case,
    files: Sequence[Path],
    meanings: Mapping[Path, Meaning],
    classes: Sequence[ClassInfo],
    bring_over: bool = False,
    only_whole: bool = False,
) -> Joined:
    """Read the label files of a case as one mask.

    Files that speak of different classes are joined; of those that speak of the same, the first is taken. Where two
    structures overlap, the file that comes first keeps its voxels.

    Parameters
    ----------
    bring_over : bool
        Whether labels that lie on the lattice of the scan, but turned, reversed or for a part of it only, are brought
        over, each voxel to where it is in the patient.
    only_whole : bool
        Not those for a part of it.

    Raises
    ------
    BadFileError, ProjectError
        If a file cannot be used: then none of them is, for a structure would be missing.
    """
    taken, skipped = _different(files, meanings, case.name)
    notes = [f"{file}: {meanings[file].note}." for file in taken if meanings[file].note]
    joined: NDArray[np.uint8] | None = None
    for file in taken:
        array = _on_the_case(case, file, meanings[file], classes, (bring_over, only_whole), notes)
        if joined is None:
            joined = array
            continue
        shown = (array != 0) & (array != UNSEEN)
        over = shown & (joined != 0) & (joined != UNSEEN)
        if over.any():
            notes.append(
                f"{file}: {int(over.sum()):,} of its {int(shown.sum()):,} voxels are another structure in the files "
                f"before it, and stay so (case {case.name})."
            )
        joined = np.where(shown & ~over, array, np.where((joined == 0) & (array == UNSEEN), array, joined))
    assert joined is not None  # there is a first file
    _refuse_empty(case, taken[0], joined)
    return Joined(Labels(joined, case.grid), tuple(taken), tuple(skipped), tuple(notes))


def keep_others(
    case: Case, array: NDArray[np.uint8], spoken_of: frozenset[int], classes: Sequence[ClassInfo]
) -> tuple[NDArray[np.uint8], str]:
    """Keep what the newest labels show of classes that the files do not speak of, and say so.

    Returns
    -------
    array : uint8 array
    note : str
        "" where nothing was kept.
    """
    before = case.read_labels()
    if before is None:
        return array, ""
    others = sorted(set(voxel_counts(before.array)) - {0, UNSEEN} - spoken_of)
    if not others:
        return array, ""
    kept = np.isin(before.array, others) & ((array == 0) | (array == UNSEEN))
    names = {one.value: one.name for one in classes}
    said = ", ".join(names.get(value, str(value)) for value in others)
    note = (
        f"Case {case.name}: {said} was kept as it was drawn ({int(kept.sum()):,} voxels), for the files do not show it"
    )
    lost = int(np.isin(before.array, others).sum() - kept.sum())
    over = f"; {lost:,} voxels of it are another structure now" if lost else ""
    return np.where(kept, before.array, array), f"{note}{over}."


def _different(
    files: Sequence[Path], meanings: Mapping[Path, Meaning], case: str
) -> tuple[list[Path], list[tuple[Path, str]]]:
    """Files that speak of classes of their own, and the others with why they are not taken."""
    taken: list[Path] = []
    skipped: list[tuple[Path, str]] = []
    for file in files:
        mine = meanings[file].classes
        rivals = (one for one in taken if not mine or not meanings[one].classes or mine & meanings[one].classes)
        rival = next(rivals, None)
        if rival is None:
            taken.append(file)
        else:
            skipped.append((file, f"{rival} is for case {case} too"))
    return taken, skipped


def _on_the_case(
    case: Case, file: Path, meaning: Meaning, classes: Sequence[ClassInfo], bring: tuple[bool, bool], notes: list[str]
) -> NDArray[np.uint8]:
    labels = read_labels(file, meaning.mapping, meaning.other, as_stored=is_read_as_stored(case.image_refs))
    difference = case.grid.mismatch(labels.grid)
    if difference is not None:
        placement = find_placement(case.grid, labels.grid)
        bring_over, only_whole = bring
        if placement is None or not bring_over or (only_whole and not placement.is_whole):
            rule = f"these labels are not on the grid of case {case.name} ({case.images[0]}): {difference}"
            remedy = way_out(case.grid, labels.grid)
            raise OtherGridError(file, f"{rule} (scan, labels)", remedy, placement)
        lost = placement.lost(labels)
        notes.append(
            f"{file}: {placement.words}; they were brought over to the voxels they belong to"
            + (f", and {lost:,} voxels with a structure lie outside the scan." if lost else ".")
        )
        labels = placement.bring(labels)
    foreign = foreign_values(labels.array, classes)
    if foreign:
        raise refuse_values(f"{file} (case {case.name})", foreign, classes)
    return labels.array


def _refuse_empty(case: Case, file: Path, array: NDArray[np.uint8]) -> None:
    """Refuse labels that teach nothing: no structure, and most voxels not looked at."""
    counts = voxel_counts(array)
    unseen = counts.get(UNSEEN, 0)
    if set(counts) <= {0, UNSEEN} and 2 * unseen > array.size:
        part = "no voxel of it was looked at" if unseen == array.size else "it shows no structure"
        raise ProjectError(
            f"{file} (case {case.name}): {part}, and {unseen / array.size:.0%} of it is 255, 'not looked at'. "
            "If 255 is a structure in this file, say which: --map 255=1."
        )
