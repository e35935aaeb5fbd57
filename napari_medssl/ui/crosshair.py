"""The cross-hair on napari's canvas: two lines through a place in whichever planes are on, three in 3-D."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .stack import LayerStack

if TYPE_CHECKING:
    from napari.layers import Vectors

COLOUR = "#f0e442"
THIN = 1 / 300  # of the longest side


class CrossHair:
    """A layer of three lines; nobody draws on it."""

    def __init__(self, stack: LayerStack) -> None:
        self._stack = stack
        self._layer: Vectors | None = None
        self._voxel: tuple[int, ...] = ()

    def show(self, voxel: Sequence[int]) -> None:
        """Put it at a voxel of the volume on the screen."""
        display = self._stack.display
        if display is None or len(display.shape) != 3:
            return
        if self._layer is not None and self._stack.holds(self._layer):
            if tuple(voxel) != self._voxel:
                # The lines end where they did: the viewer need not measure all layers again.
                with self._layer.events.data.blocker():
                    self._layer.data = lines(voxel, display.shape)
        else:
            from napari.layers import Vectors

            self._layer = Vectors(
                lines(voxel, display.shape),
                name=f"{self._stack.case} · cross-hair",
                edge_color=COLOUR,
                edge_width=THIN * max(display.shape),
                vector_style="line",
                opacity=0.6,
                **display.spatial,
            )
            with self._stack.same_choice():
                self._stack.add(self._layer, "cross-hair", {})
        self._voxel = tuple(voxel)

    def hide(self) -> None:
        """Take it off the screen."""
        if self._layer is not None:
            with self._stack.same_choice():
                self._stack.remove([self._layer])
        self._layer = None

    def is_layer(self, layer: Any) -> bool:
        """Whether a layer is the cross-hair."""
        return layer is not None and layer is self._layer


def lines(voxel: Sequence[int], shape: Sequence[int]) -> np.ndarray:
    """A line along each axis through a voxel, from end to end; float32 (3, 2, 3), starts and ways."""
    made = np.zeros((3, 2, 3), np.float32)
    for axis, count in enumerate(shape):
        made[axis, 0] = voxel
        made[axis, 0, axis] = 0
        made[axis, 1, axis] = count - 1
    return made
