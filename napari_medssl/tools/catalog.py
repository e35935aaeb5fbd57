"""The tools there are: the page and its keys are made from this list."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..imaging import UNSEEN
from . import margin, pieces, seeds, slices, smooth, snap, threshold
from .options import ToolOptions
from .rules import settle
from .scene import NEEDS, Change, Scene, StoppedError, ToolError, Wanted

GROUPS = ("Slices", "Scan", "Border", "Pieces")


@dataclass(frozen=True)
class Tool:
    """One tool.

    Attributes
    ----------
    name : str
        Its name in code and files.
    title, help : str
        The words on its button, and what it does in one sentence.
    group : str
        One of `GROUPS`: tools of one group stand together.
    options : type of ToolOptions
        A frozen dataclass; the metadata of its fields is the form.
    work : callable
        What it does.
    needs, uses : frozenset of str
        What must be there, and what is used where it is there; keys of `NEEDS`.
    """

    name: str
    title: str
    help: str
    group: str
    options: type[ToolOptions]
    work: Callable[[Scene, Any], Wanted]
    needs: frozenset[str] = frozenset({"class"})
    uses: frozenset[str] = frozenset()

    def missing(self, scene: Scene) -> tuple[str, ...]:
        """What it needs and is not there."""
        there = {
            "class": 0 < scene.value < UNSEEN,
            "slice": scene.plane is not None and scene.labels.ndim == 3,
            "box": scene.box is not None,
            "image": scene.image is not None,
            "probability": scene.probability is not None,
        }
        return tuple(need for need in NEEDS if need in self.needs and not there[need])

    def run(self, scene: Scene, options: ToolOptions | None = None) -> Change:
        """Say what would change; nothing is written.

        A tool that takes no box works everywhere, also where there is one. One that was stopped changes nothing.

        Raises
        ------
        ToolError
            When something that it needs is missing.
        """
        if missing := self.missing(scene):
            raise ToolError(NEEDS[missing[0]])
        if "box" not in self.needs | self.uses:
            scene = replace(scene, box=None)
        try:
            scene.at(0.0)
            change = settle(scene, self.work(scene, options or self.options()))
        except StoppedError:
            return Change(np.zeros(0, np.int64), np.zeros(0, np.uint8), "Stopped: nothing was changed.")
        scene.progress(1.0)
        return change


TOOLS = (
    Tool(
        "fill_between",
        "Fill between slices",
        "Draw the slices between those that you drew, along the axis on the screen.",
        "Slices",
        slices.FillOptions,
        slices.fill_between,
        needs=frozenset({"class", "slice"}),
        uses=frozenset({"box"}),
    ),
    Tool(
        "copy_slice",
        "Copy a slice",
        "Copy the structure from the slice before or after to the one on the screen.",
        "Slices",
        slices.CopyOptions,
        slices.copy_slice,
        needs=frozenset({"class", "slice"}),
    ),
    Tool(
        "grow_from_seeds",
        "Grow from seeds",
        "Draw strokes in the structure and in what is round it: the rest follows the edges of the scan.",
        "Scan",
        seeds.SeedsOptions,
        seeds.grow_from_seeds,
        needs=frozenset({"class", "image"}),
        uses=frozenset({"box"}),
    ),
    Tool(
        "snap",
        "Snap to edges",
        "Move the border of what is drawn in a box to the edges of the scan nearby.",
        "Scan",
        snap.SnapOptions,
        snap.snap,
        needs=frozenset({"class", "image", "box"}),
        uses=frozenset({"probability", "slice"}),
    ),
    Tool(
        "threshold",
        "Threshold",
        "Take all voxels of a box whose value is in a range.",
        "Scan",
        threshold.ThresholdOptions,
        threshold.threshold,
        needs=frozenset({"class", "image", "box"}),
        uses=frozenset({"slice"}),
    ),
    Tool(
        "smooth",
        "Smooth",
        "Even out the surface of the structure.",
        "Border",
        smooth.SmoothOptions,
        smooth.smooth,
        uses=frozenset({"slice"}),
    ),
    Tool(
        "grow",
        "Grow",
        "Move the border of the structure outwards by some millimetres.",
        "Border",
        margin.GrowOptions,
        margin.grow,
        uses=frozenset({"slice"}),
    ),
    Tool(
        "shrink",
        "Shrink",
        "Move the border of the structure inwards by some millimetres.",
        "Border",
        margin.ShrinkOptions,
        margin.shrink,
        uses=frozenset({"slice"}),
    ),
    Tool(
        "keep_largest",
        "Keep the largest",
        "Take away all pieces of the structure but the largest.",
        "Pieces",
        pieces.LargestOptions,
        pieces.keep_largest,
        uses=frozenset({"slice"}),
    ),
    Tool(
        "remove_islands",
        "Remove islands",
        "Take away pieces of the structure that are smaller than you say.",
        "Pieces",
        pieces.IslandsOptions,
        pieces.remove_islands,
        uses=frozenset({"slice"}),
    ),
    Tool(
        "fill_holes",
        "Fill holes",
        "Fill what the structure encloses; other structures in there stay.",
        "Pieces",
        pieces.HolesOptions,
        pieces.fill_holes,
        uses=frozenset({"slice"}),
    ),
)

#: The same by name.
BY_NAME = {tool.name: tool for tool in TOOLS}
