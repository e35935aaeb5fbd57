"""Confusion by class: what became of the voxels of proposals. Counted once per revision, and kept in the cache."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..disk import make_folder, read_json_or_none, write_json
from ..errors import MedSSLError
from ..imaging import UNSEEN, pair_counts
from .records import Finished, last_of_each

if TYPE_CHECKING:
    from ..project import Project

CACHE_NAME = "confusion.json"


@dataclass(frozen=True)
class Confusion:
    """Voxels by what was proposed (rows) and what people made of it (columns).

    Attributes
    ----------
    names : tuple of str
        Background first, then the classes.
    table : int array of shape (classes + 1, classes + 1)
        Voxels; those that nobody looked at are left out.
    cases : int
    """

    names: tuple[str, ...]
    table: NDArray[np.int64]
    cases: int

    def shares(self) -> NDArray[np.float64]:
        """Of what was proposed as a row's class, the share that became each column's; 0 where nothing was proposed."""
        sums = self.table.sum(axis=1, keepdims=True)
        shares: NDArray[np.float64] = np.divide(
            self.table, sums, out=np.zeros(self.table.shape), where=sums > 0, dtype=np.float64
        )
        return shares


def read_confusion(
    project: Project, finished: Iterable[Finished], stop: Callable[[], bool] = lambda: False
) -> Confusion:
    """Count over the last labels of each case and run that were made from a proposal which is still there.

    Opens the masks of what is not in the cache yet, a second or so for each: not for the event loop.

    Parameters
    ----------
    stop : callable
        Asked before each; once it says so, only what is in the cache counts.
    """
    path = project.cache_folder / "progress" / CACHE_NAME
    known: Mapping[str, Any] = {}
    with suppress(OSError):
        known = read_json_or_none(path) or {}
    pairs: dict[str, list[list[int]]] = {}
    for one in last_of_each(finished):
        if one.run is None or one.run in project.retired_runs:
            continue
        key = f"{one.case}/{one.revision}"
        counted = known.get(key) or (None if stop() else _count(project, one))
        if counted is not None:
            pairs[key] = counted
    if pairs.keys() != known.keys():
        with suppress(MedSSLError, OSError):  # of a project that cannot be written to, they are counted each time
            make_folder(path.parent)
            write_json(path, pairs, indent=None)
    return sum_up(pairs, [(one.value, one.name) for one in project.classes])


def sum_up(pairs: Mapping[str, Sequence[Sequence[int]]], classes: Sequence[tuple[int, str]]) -> Confusion:
    """Add up counts of (proposed value, labelled value, voxels); values that are no class are left out."""
    index = {0: 0} | {value: number for number, (value, _) in enumerate(classes, 1)}
    table = np.zeros((len(index), len(index)), np.int64)
    for counted in pairs.values():
        for proposed, labelled, number in counted:
            if proposed in index and labelled in index:
                table[index[proposed], index[labelled]] += number
    return Confusion(("background", *(name for _, name in classes)), table, len(pairs))


def tell_confusion(confusion: Confusion) -> str:
    """The largest mix-up, in words."""
    if not confusion.cases:
        return "Nothing to show yet: correct or accept proposals, and this shows what became of their voxels."
    wrong = confusion.table.copy()
    np.fill_diagonal(wrong, 0)
    cases = f"{confusion.cases} case{'s' if confusion.cases != 1 else ''}"
    if not wrong.any():
        return f"Nothing was changed in the proposals of {cases}."
    row, column = np.unravel_index(int(wrong.argmax()), wrong.shape)
    proposed, became = confusion.names[int(row)], confusion.names[int(column)]
    return (
        f"Over {cases}, most often {proposed} became {became}: {int(wrong[row, column]):,} voxels, "
        f"{confusion.shares()[row, column]:.0%} of what was proposed as {proposed}."
    )


def _count(project: Project, one: Finished) -> list[list[int]] | None:
    """Voxels by proposed and labelled value; None where one of the two cannot be read."""
    case = project.case(one.case)
    proposal = next((found for found in case.proposals() if found.run == one.run), None)
    if proposal is None:
        return None
    try:
        labels = case.read_labels(one.revision)
        proposed = proposal.read_labels().array
    except MedSSLError:
        return None
    if labels is None or labels.array.size != proposed.size:
        return None
    counts = pair_counts(proposed.reshape(labels.array.shape), labels.array)[:UNSEEN, :UNSEEN]
    return [[int(row), int(column), int(counts[row, column])] for row, column in np.argwhere(counts)]
