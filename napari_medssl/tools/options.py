"""Options that several tools have; the metadata of the fields is the form, as with the options of methods."""

from __future__ import annotations

from dataclasses import dataclass

from ..imaging import UNSEEN
from ..methods.options import option

LEFT = ("background", "not looked at")


@dataclass(frozen=True)
class ToolOptions:
    """Options every tool has: none."""


@dataclass(frozen=True)
class SliceOptions(ToolOptions):
    """Of tools that work in 3-D or on the slice on the screen."""

    only_slice: bool = option(False, "Only this slice", "Leave all other slices as they are.", advanced=False)


@dataclass(frozen=True)
class TakingOptions(SliceOptions):
    """Of tools that take voxels away."""

    becomes: str = option(
        "background",
        "What is taken away becomes",
        "What the voxels are afterwards that lose the structure.",
        choices=LEFT,
    )

    @property
    def left(self) -> int:
        """The value of what is taken away."""
        return 0 if self.becomes == "background" else UNSEEN
