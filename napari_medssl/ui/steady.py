"""The brush keeps its size when one of our keys is pressed. No Qt.

Our keys are Alt and a letter; napari changes the size of the brush while Alt is held and the mouse moves.
"""

from __future__ import annotations

from typing import Any


class SteadyBrush:
    """Listens to a viewer's mouse until it is closed.

    From one of our keys until Alt is let go of, the brush of the layer in hand stays as it was when Alt was pressed.
    """

    def __init__(self, viewer: Any) -> None:
        self._viewer = viewer
        self._size: float | None = None
        viewer.mouse_move_callbacks.append(self._moved)

    def close(self) -> None:
        """Let go of the mouse."""
        if self._moved in self._viewer.mouse_move_callbacks:
            self._viewer.mouse_move_callbacks.remove(self._moved)

    def key_pressed(self) -> None:
        """One of our keys was pressed: what the hand did to the brush on the way is undone."""
        layer = self._viewer.layers.selection.active
        mover = getattr(layer, "brush_size_on_mouse_move", None)
        if mover is None:
            return
        if mover.init_pos is not None and mover.init_brush_size is not None:
            layer.brush_size = mover.init_brush_size
        self._size = float(layer.brush_size)

    def _moved(self, viewer: Any, event: Any) -> None:
        if self._size is None:
            return
        mover = getattr(viewer.layers.selection.active, "brush_size_on_mouse_move", None)
        if mover is None or "Alt" not in event.modifiers:
            self._size = None
        else:  # its turn is right after ours: as if the mouse had not moved since Alt was pressed
            mover.init_pos, mover.init_brush_size = event.pos, self._size
