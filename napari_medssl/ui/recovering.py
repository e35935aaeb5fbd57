"""Strokes that a window left behind when it died, drawn again when the case is opened; off the event loop."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..errors import MedSSLError
from ..imaging import UNSEEN
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
    beside : tuple of Leftover
        Logs whose strokes are not, for somebody saved newer labels since: see `keep_beside`.
    stranded : tuple of Leftover
        Logs whose strokes cannot be on any labels: see `said`. They stay where they are.
    damaged : tuple of Leftover
        Logs that cannot be read to their end, and whose other strokes the labels have: to be put aside.
    said : tuple of str
        Sentences about what is not on the labels, and why.
    """

    again: tuple[Leftover, ...] = ()
    beside: tuple[Leftover, ...] = ()
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
    again, beside, stranded, damaged, said = [], [], [], [], []
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
        elif not left.continues(line):
            beside.append(left)
        else:
            labels[...] = drawn
            again.append(left)
            if not left.is_whole:
                said.append(_unread(left))
    for session in {left.session for left in beside}:
        logs = [left for left in beside if left.session == session]
        if _are_kept(case, logs):  # only the end of the logs was missed
            for left in logs:
                left.discard()
            beside = [left for left in beside if left.session != session]
    return Recovered(tuple(again), tuple(beside), tuple(stranded), tuple(damaged), tuple(said))


def keep_beside(case: Case, lefts: Sequence[Leftover], classes: Collection[ClassInfo]) -> str:
    """Make drafts, kept beside the newest labels, of strokes that newer labels of somebody else passed by.

    Structures of the labels before that are none of the project's `classes` any more become *not looked at*.

    Returns
    -------
    str
        What a person is told.
    """
    newest = case.latest()
    said = []
    for (base, author, session), group in groupby(lefts, lambda one: (one.base, one.author, one.session)):
        logs = list(group)
        before = None if base is None else case.read_labels(base)
        labels = np.full(case.grid.shape, UNSEEN, np.uint8) if before is None else before.array.astype(np.uint8)
        gone = foreign_values(labels, classes)
        if gone:
            labels[np.isin(labels, gone)] = UNSEEN
        for left in logs:
            left.put_back(labels)
        run = None if base is None else case.revision(base).run
        case.save_labels(
            labels, author=author, origin="corrected" if run else "drawn", parent=base, run=run, complete=False,
            note="strokes that were not saved when the program ended", session=session,
            beside="" if newest is None else newest,
        )  # fmt: skip
        for left in logs:
            left.discard()
        whole = "" if all(left.is_whole for left in logs) else " A part of them could not be read."
        whole += " Structures that the project does not have any more are 'not looked at' in it." if gone else ""
        said.append(
            f"{case.name}: what {author or 'somebody'} drew{_at(logs[0])} was not saved when the program ended, and "
            f"newer labels have been saved since. It is kept beside them: right-click the case, History …{whole}"
        )
    return " ".join(said)


def lineage(case: Case) -> Iterator[Revision]:
    """The newest revision of a case, the one that was made from, and so on; nothing where nobody has drawn anything."""
    known = {revision.id: revision for revision in case.revisions()}
    found = case.latest()
    while found is not None:
        yield found
        found = known.pop(found.parent or "", None)


def _are_kept(case: Case, logs: Sequence[Leftover]) -> bool:
    """Whether all strokes of one window are in a revision that it saved beside newer ones."""
    if not logs[0].session or not all(left.is_whole for left in logs):
        return False
    for revision in case.revisions():
        if not revision.beside or revision.session != logs[0].session:
            continue
        try:
            kept = case.read_labels(revision)
        except MedSSLError:
            continue
        if kept is None:
            continue
        drawn = kept.array.astype(np.uint8)
        for left in logs:
            left.put_back(drawn)
        if np.array_equal(drawn, kept.array):
            return True
    return False


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
    if left.time and not left.continues(line) and left.base is not None and not case.has_revision(left.base):
        return f"{who}, and the labels that it was drawn on cannot be read any more. {kept}"
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
