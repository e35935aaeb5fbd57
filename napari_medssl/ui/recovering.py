"""Strokes that a window left behind when it died, drawn again when the case is opened; off the event loop."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..project.classes import ClassInfo, foreign_values
from ..project.lease import is_held
from ..project.strokes import Leftover, read_leftovers

if TYPE_CHECKING:
    from ..project import Case
    from ..project.revisions import Revision


@dataclass(frozen=True, eq=False)
class Recovered:
    """What was left behind.

    Attributes
    ----------
    again : tuple of Leftover
        Logs whose strokes are on the labels again, and in no revision yet.
    stranded : tuple of Leftover
        Logs whose strokes are not: see `said`. They stay where they are.
    damaged : tuple of Leftover
        Logs that cannot be read to their end, and whose other strokes the labels have: to be put aside.
    said : tuple of str
        Sentences about what is not on the labels, and why.
    """

    again: tuple[Leftover, ...] = ()
    stranded: tuple[Leftover, ...] = ()
    damaged: tuple[Leftover, ...] = ()
    said: tuple[str, ...] = ()

    @property
    def session(self) -> str:
        """Of the window that drew last what is on the labels again; "" where there is nothing."""
        return self.again[-1].session if self.again else ""


def recover(
    case: Case, labels: NDArray[np.uint8], leases: Path, window: str = "", classes: Collection[ClassInfo] = ()
) -> Recovered:
    """Draw again, in place, what windows that are gone had noted and not saved.

    Parameters
    ----------
    labels : uint8 array of shape grid.shape
        The newest labels of the case; 255 where nobody has drawn anything.
    leases : Path
        Folder of the windows' leases.
    window : str
        The name of this window's lease: its own strokes count as left behind, too.
    classes : collection of ClassInfo
        The project's.
    """
    logs = read_leftovers(case.strokes_folder, case.grid.shape)
    line = list(lineage(case)) if logs else []
    again, stranded, damaged, said = [], [], [], []
    for left in logs:
        if left.window != window and is_held(leases, left.window):
            continue  # somebody is drawing them
        drawn = labels.copy()
        if left.shape == case.grid.shape:
            left.put_back(drawn)
        if np.array_equal(drawn, labels) and left.shape == case.grid.shape:
            if left.is_whole:
                left.discard()  # a revision has them: only the end of the log was missed
            else:
                damaged.append(left)
                said.append(_unread(left))
        elif why := _why_not(case, left, line, _foreign(drawn, classes) - _foreign(labels, classes)):
            stranded.append(left)
            said.append(why)
        else:
            labels[...] = drawn
            again.append(left)
            if not left.is_whole:
                said.append(_unread(left))
    return Recovered(tuple(again), tuple(stranded), tuple(damaged), tuple(said))


def lineage(case: Case) -> Iterator[Revision]:
    """The newest revision of a case, the one that was made from, and so on; nothing where nobody has drawn anything."""
    known = {revision.id: revision for revision in case.revisions()}
    found = case.latest()
    while found is not None:
        yield found
        found = known.pop(found.parent or "", None)


def _foreign(labels: NDArray[np.uint8], classes: Collection[ClassInfo]) -> set[int]:
    return set(foreign_values(labels, classes))


def _why_not(case: Case, left: Leftover, line: list[Revision], foreign: set[int]) -> str:
    """Why strokes are not drawn again; empty where they are."""
    who = f"what {left.author or 'somebody'} drew{_at(left)} was not saved"
    kept = f"It is kept in {left.path}."
    if left.shape != case.grid.shape:
        grid, now = (" × ".join(map(str, shape)) for shape in (left.shape, case.grid.shape))
        return f"{who}, and is on another grid ({grid}, the scan has {now} voxels). {kept}"
    if foreign:
        return f"{who}, and has structures that the project does not have any more. {kept}"
    if left.time and not left.continues(line):
        return f"{who}, and newer labels have been saved since. {kept}"
    if not left.time:
        return f"{who}, and the beginning of its record is damaged: nobody knows on which labels it was drawn. {kept}"
    return ""


def _unread(left: Leftover) -> str:
    what = f"a part ({left.unread} bytes)" if left.records else "all"
    return (
        f"{what} of a record of strokes{_at(left)} is damaged or was cut short when the program ended: look whether a "
        f"stroke is missing. The record is kept in {left.path.parent}."
    )


def say_recovered(name: str, recovered: Recovered) -> str:
    """What a person is told; empty where nothing was left behind."""
    said = []
    if recovered.again:
        since = _moment(recovered.again[0])
        said.append(f"{name}: what was drawn since {since} and not yet saved when the program ended is back.")
    return " ".join((*said, *(f"{name}: {sentence}" for sentence in recovered.said)))


def _at(left: Leftover) -> str:
    return f" at {_moment(left)}" if left.time else ""


def _moment(left: Leftover) -> str:
    return f"{datetime.fromisoformat(left.time).astimezone():%d %b %H:%M}"
