"""What the Label page says of tools, of drawing within a range, and of how much was looked at. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ..imaging import UNSEEN

Where = Literal["slice", "view", "region", "scan"]


@dataclass(frozen=True)
class ToolFacts:
    """What is known of tools and the case on the screen.

    Attributes
    ----------
    within : (float, float) or None
        Drawing tools write only where the scan is between these.
    looked : str
        How much was looked at, in words.
    whole, background : bool
        Whether all was looked at; whether something of it is background.
    running : str
        Title of the tool that works, or "".
    share : float
        How far it has come, 0 to 1.
    """

    within: tuple[float, float] | None = None
    looked: str = ""
    whole: bool = False
    background: bool = False
    running: str = ""
    share: float = 0.0


@dataclass(frozen=True)
class ToolState:
    """What the page draws; `can_use` with a case on the screen, `has_region` with a region of its proposal gone to."""

    facts: ToolFacts = ToolFacts()
    can_use: bool = False
    has_region: bool = False


@dataclass(frozen=True)
class Looked:
    """Voxels that were looked at: of the scan, and of each slice along each axis; whether some are background."""

    seen: int
    size: int
    slices: tuple[tuple[int, ...], ...]
    background: bool = False


def count_looked(labels: NDArray[np.uint8]) -> Looked:
    """Count what was looked at; two passes over the scan."""
    seen = labels != UNSEEN
    if seen.ndim == 2:
        rows, columns = seen.sum(1, dtype=np.int64), seen.sum(0, dtype=np.int64)
        flat = (tuple(rows.tolist()), tuple(columns.tolist()))
        return Looked(int(rows.sum()), seen.size, flat, bool((labels == 0).any()))
    lines, across = seen.sum(2, dtype=np.int32), seen.sum(1, dtype=np.int32)
    counts = (lines.sum(1), lines.sum(0), across.sum(0))
    slices = tuple(tuple(count.tolist()) for count in counts)
    return Looked(int(counts[0].sum()), seen.size, slices, bool((labels == 0).any()))


def looked_text(looked: Looked, at: tuple[int, int] | None, complete: bool) -> str:
    """How much was looked at, in words.

    Parameters
    ----------
    at : (int, int) or None
        Axis and number of the slice on the screen.
    complete : bool
        The person said to be done with the case.
    """
    if complete and looked.seen == looked.size:
        return "Looked at: the whole scan, as you said."
    words = f"Looked at: {percent(looked.seen, looked.size)} of the scan"
    if at is None:
        return f"{words}."
    counts = looked.slices[at[0]]
    return f"{words}, {percent(counts[at[1]], looked.size // len(counts))} of this slice."


def percent(part: int, whole: int) -> str:
    """A share in words: 100 % is all, and 0 % nothing."""
    if 0 < part < whole / 100:
        return "under 1 %"
    return f"{100 * part // whole} %"
