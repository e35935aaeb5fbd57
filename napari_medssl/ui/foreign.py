"""The layer in hand, where it is none of ours: drawing on it looks like labelling, and is kept nowhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ..project.filenames import is_label_folder, is_named_label
from .layers import CaseLayers
from .scanlayer import file_of
from .stack import itself


@dataclass(frozen=True)
class Hint:
    """What there is to say of such a layer, and what can be made of it."""

    what: Literal["labels", "case", "import"]
    words: str
    button: str
    tip: str


def mask_file_of(layer: Any) -> Path | None:
    """The file of an image layer that is named like labels, or lies where labels do: napari shows masks as images."""
    path = file_of(layer)
    named = path is not None and (is_named_label(path) or is_label_folder(path.parent.name))
    return path if named else None


class ForeignLayers:
    """Tells when another layer is in hand.

    Copies of our layers, which say in their metadata that they are ours, are told apart at once: they would go with the
    case.
    """

    def __init__(self, layers: CaseLayers, changed: Callable[[], None]) -> None:
        self._layers, self._changed = layers, changed
        events = layers.viewer.layers
        events.selection.events.active.connect(self._chosen)
        events.events.inserted.connect(self._inserted)

    def close(self) -> None:
        """Look no longer."""
        events = self._layers.viewer.layers
        events.selection.events.active.disconnect(self._chosen)
        events.events.inserted.disconnect(self._inserted)

    def in_hand(self) -> Any:
        """The layer in hand, where it is somebody else's; else None."""
        layer = itself(self._layers.viewer.layers.selection.active)
        return None if layer is None or self._layers.is_ours(layer) else layer

    def hint(self, case: str | None, has_project: bool) -> Hint | None:
        """What to say of it; None where there is nothing."""
        layer = self.in_hand()
        kind = "" if layer is None else layer._type_string
        if kind == "labels" and case is not None:
            return Hint(
                "labels",
                f"“{layer.name}” is not the layer of {case}: what is drawn on it is not saved.",
                "Use as labels",
                f"What is on the layer becomes labels of {case}, as one step of undo. The layer stays.",
            )
        if kind == "image" and has_project and mask_file_of(layer) is not None:
            return Hint(
                "import",
                f"“{layer.name}” was read from a file that is named like labels.",
                "Import labels …",
                "See first for which case the file would be, and what would come of it.",
            )
        if kind == "image" and has_project:
            return Hint(
                "case",
                f"“{layer.name}” is no case of this project.",
                "Add as a case",
                "The file of the layer becomes a case, where it is. One without a file is written into the project.",
            )
        return None

    def _chosen(self, event: Any = None) -> None:
        self._changed()

    def _inserted(self, event: Any) -> None:
        layer = itself(event.value)
        if layer.source.parent is not None and not self._layers.is_ours(layer):
            layer.metadata.pop("medssl", None)
