"""What a tool is given, and what it gives back. Nothing is written by a tool.

Arrays are (plane, row, column) or (row, column). Label 0 is background, 255 is *not looked at*.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import MedSSLError

Box = tuple[slice, ...]
Mask = NDArray[np.bool_]
Voxels = NDArray[np.uint8]


#: What a tool may need, and what to do where it is missing.
NEEDS = {
    "class": "Choose a structure to draw with first.",
    "slice": "Show slices of a 3-D scan first: this tool works from the slice on the screen.",
    "box": "Draw a box round the place first.",
    "image": "Show a channel of the scan first: this tool looks at its values.",
    "probability": "This needs a proposal of a model with its probabilities: train, and open the case again.",
}


class ToolError(MedSSLError):
    """A tool cannot do anything here; the message says what it needs."""


class StoppedError(Exception):
    """Somebody asked the tool to give up."""


def _never() -> bool:
    return False


def _silent(share: float) -> None:
    pass


@dataclass(frozen=True, eq=False)
class Scene:
    """What is on the screen when a tool is used.

    Attributes
    ----------
    labels : array of uint8
        The labels; never changed by a tool.
    spacing : tuple of float
        Millimetres from voxel to voxel along each axis. Distances are measured as if axes were at right angles.
    value : int
        The class in hand.
    image : array of float, optional
        The channel on the screen; of the shape of the labels, and known only within the box.
    plane : (int, int), optional
        Axis and number of the slice on the screen.
    box : tuple of slice, optional
        Nothing outside changes.
    locked : frozenset of int
        Values whose voxels stay as they are.
    probability : array of float, optional
        The model's probability of the class in hand, 0 to 1; of the shape of the labels, and known only within the box.
    stop : callable
        Whether to give up; asked often.
    progress : callable
        Told how much is done, 0 to 1.
    upright : float
        Volume of a voxel as a part of that of a box of its sides: 1 where axes are at right angles, less where not.
    """

    labels: Voxels
    spacing: tuple[float, ...]
    value: int
    image: NDArray[np.floating] | None = None
    plane: tuple[int, int] | None = None
    box: Box | None = None
    locked: frozenset[int] = frozenset()
    probability: NDArray[np.floating] | None = None
    stop: Callable[[], bool] = _never
    progress: Callable[[float], None] = _silent
    upright: float = 1.0

    @property
    def voxel(self) -> float:
        """Volume of a voxel in mm³, or area of a pixel in mm²."""
        return self.upright * math.prod(self.spacing)

    def at(self, share: float) -> None:
        """Tell how much is done.

        Raises
        ------
        StoppedError
            When it is to be given up.
        """
        if self.stop():
            raise StoppedError
        self.progress(share)


@dataclass(frozen=True, eq=False)
class Change:
    """What shall change.

    Attributes
    ----------
    places : array of int64
        Flat places of the labels, sorted; only those that become something else.
    values : array of uint8
        What each of them becomes.
    words : str
        What was done, as a sentence.
    """

    places: NDArray[np.int64]
    values: Voxels
    words: str


@dataclass(frozen=True, eq=False)
class Wanted:
    """What a tool would like the labels to be; `rules.settle` makes a `Change` of it.

    Attributes
    ----------
    box : tuple of slice
        Where.
    values : array of uint8
        The labels there, as the tool would have them.
    done : str
        What was done, as the beginning of a sentence: "Filled 2 gaps".
    note : str
        A sentence to come after it, where there is more to say.
    over_others : bool
        Voxels of other classes may change too, where they are not locked.
    background : bool
        The person asked for background where nobody looked.
    """

    box: Box
    values: Voxels
    done: str
    note: str = ""
    over_others: bool = False
    background: bool = False
