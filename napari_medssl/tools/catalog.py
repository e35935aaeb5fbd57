"""The tools there are: the page and its keys are made from this list."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..imaging import UNSEEN
from . import margin
from .options import ToolOptions
from .rules import settle
from .scene import Change, Scene, StoppedError, ToolError, Wanted

#: What a tool may need, and what to do where it is missing.
NEEDS = {
    "class": "Choose a structure to draw with first.",
    "slice": "Show slices of a 3-D scan in 2-D first: this tool works from the slice on the screen.",
    "box": "Draw a box round the place first.",
    "image": "Show a channel of the scan first: this tool looks at its values.",
    "probability": "This needs a proposal of a model with its probabilities: train, and open the case again.",
}
GROUPS = ("Slices", "Border", "Pieces", "Image")


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
)


#: The same by name.
BY_NAME = {tool.name: tool for tool in TOOLS}
