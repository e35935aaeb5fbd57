"""Strokes that a window left behind when it died, drawn again when the case is opened; off the event loop."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..project.lease import is_held
from ..project.strokes import Leftover, read_leftovers

if TYPE_CHECKING:
    from ..project import Case


@dataclass(frozen=True, eq=False)
class Recovered:
    """What was left behind.

    Attributes
    ----------
    again : tuple of Leftover
        Logs whose strokes are on the labels again, and in no revision yet.
    stranded : tuple of Leftover
        Logs whose strokes are not: newer labels have been saved since. They stay where they are.
    """

    again: tuple[Leftover, ...] = ()
    stranded: tuple[Leftover, ...] = ()


def recover(case: Case, labels: NDArray[np.uint8], leases: Path, window: str = "") -> Recovered:
    """Draw again, in place, what windows that are gone had noted and not saved.

    Parameters
    ----------
    labels : uint8 array of shape grid.shape
        The newest labels of the case; 255 where nobody has drawn anything.
    leases : Path
        Folder of the windows' leases.
    window : str
        The name of this window's lease: its own strokes count as left behind, too.
    """
    latest = case.latest()
    again, stranded = [], []
    for left in read_leftovers(case.strokes_folder, case.grid.shape):
        if left.window != window and is_held(leases, left.window):
            continue  # somebody is drawing them
        drawn = labels.copy()
        left.put_back(drawn)
        if np.array_equal(drawn, labels):
            left.discard()  # a revision has them: only the end of the log was missed
        elif left.continues(latest):
            labels[...] = drawn
            again.append(left)
        else:
            stranded.append(left)
    return Recovered(tuple(again), tuple(stranded))


def say_recovered(name: str, recovered: Recovered) -> str:
    """What a person is told; empty where nothing was left behind."""
    said = []
    if recovered.again:
        since = _moment(recovered.again[0])
        said.append(f"{name}: what was drawn since {since} and not yet saved when the program ended is back.")
    said += [
        f"{name}: what {left.author} drew at {_moment(left)} was not saved, and newer labels have been saved since. "
        f"It is kept in {left.path}."
        for left in recovered.stranded
    ]
    return " ".join(said)


def _moment(left: Leftover) -> str:
    return f"{datetime.fromisoformat(left.time).astimezone():%d %b %H:%M}"
