"""Windowing with the mouse: Shift and the right button, dragged over the canvas, whatever tool is in hand.

napari leaves that free in 2-D: the plain right button fills (since 0.8), the left one draws or moves, Alt zooms, Ctrl
and the wheel go through slices. In 3-D it changes the perspective, which is no loss.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .channels import Channels
from .compat import camera

RIGHT = 2


class WindowDrag:
    """Listens to a viewer's mouse until it is closed."""

    def __init__(self, viewer: Any, channels: Channels) -> None:
        self._viewer, self._channels = viewer, channels
        viewer.mouse_drag_callbacks.append(self._drag)

    def close(self) -> None:
        """Let go of the mouse."""
        if self._drag in self._viewer.mouse_drag_callbacks:
            self._viewer.mouse_drag_callbacks.remove(self._drag)

    def _drag(self, viewer: Any, event: Any) -> Iterator[None]:
        begin = self._channels.window()
        if event.button != RIGHT or "Shift" not in event.modifiers or begin is None:
            return
        view = camera(viewer)
        moved = view.mouse_pan
        layer = viewer.layers.selection.active
        tools = [] if layer is None else list(layer.mouse_drag_callbacks)
        x, y = (float(at) for at in event.pos)
        event.handled = True
        view.mouse_pan = False
        if layer is not None:
            layer.mouse_drag_callbacks[:] = []  # else the tool in hand would draw: its turn is right after ours
        try:
            yield
            if layer is not None:
                layer.mouse_drag_callbacks[:] = tools
            while event.type == "mouse_move":
                event.handled = True
                self._channels.drag(begin, float(event.pos[0]) - x, float(event.pos[1]) - y)
                yield
        finally:
            if layer is not None:
                layer.mouse_drag_callbacks[:] = tools
            view.mouse_pan = moved
