"""The outline of what a run would propose now; it changes while the run learns, and nobody draws on it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from .colours import label_colours
from .facts import ClassFacts
from .previewing import ShownPreview
from .stack import LayerStack

if TYPE_CHECKING:
    from napari.layers import Labels

QUICK = 0.15  # s between two slices: somebody scrolls, rather than looks at slice after slice
REST = 0.2  # s on one slice


class PreviewLayer:
    """At most one; a person who removes it does not get it back for this case until they ask again.

    It rests while somebody scrolls: each layer more makes each slice later, by 6 ms of 29 where no graphics card draws.
    """

    def __init__(self, stack: LayerStack, clock: Callable[[], float] = time.monotonic) -> None:
        self._stack, self._clock = stack, clock
        self._layer: Labels | None = None
        self._unwanted = self._resting = False
        self._moved = 0.0

    def show(self, preview: ShownPreview, classes: Sequence[ClassFacts], *, below: Any) -> None:
        """Show a preview, in the layer of the one before if there is one."""
        from napari.layers import Labels

        display = self._stack.display
        if display is None or preview.case != self._stack.case or self._unwanted:
            return
        if self._layer is not None:
            self._layer.data = preview.labels
            self._layer.metadata["medssl"]["step"] = str(preview.step)
            return
        layer = Labels(
            preview.labels,
            name=f"{preview.case} · preview",
            opacity=0.6,
            colormap=label_colours(classes),
            **display.spatial,
        )
        layer.contour = 2
        layer.editable = False
        with self._stack.same_choice():
            self._stack.add(layer, "preview", {"run": preview.run, "step": str(preview.step)}, below=below)
        self._layer = layer

    def hide(self) -> None:
        """Take it off the screen."""
        if self._layer is not None:
            self._stack.remove([self._layer])
        self.clear()

    def scrolled(self) -> None:
        """Another slice is shown now."""
        before, self._moved = self._moved, self._clock()
        if self._layer is not None and self._layer.visible and self._moved - before < QUICK:
            self._layer.visible, self._resting = False, True

    def wake(self) -> None:
        """Show it again once nobody scrolls any more; called often."""
        if self._resting and self._clock() - self._moved > REST:
            self._resting = False
            if self._layer is not None:
                self._layer.visible = True

    def set_classes(self, classes: Sequence[ClassFacts]) -> None:
        """Colours changed."""
        if self._layer is not None:
            self._layer.colormap = label_colours(classes)

    def forget(self, layer: Any) -> None:
        """The person removed a layer."""
        if layer is self._layer:
            self._layer, self._unwanted = None, True

    def clear(self) -> None:
        """The layers are gone: another case comes."""
        self._layer, self._unwanted, self._resting = None, False, False
