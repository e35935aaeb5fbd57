"""The mouse on the canvas, whatever tool is in hand: Shift and the right button drag the window, Shift and the left one
go to a place.

napari leaves that free in 2-D: the plain right button fills (since 0.8), the left one draws or moves, Alt zooms, Ctrl
and the wheel go through slices. In 3-D the right one changes the perspective, which is no loss.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from .channels import Channels
from .compat import camera

LEFT, RIGHT = 1, 2
STILL = 3  # pixels that a click may move


class WindowDrag:
    """Listens to a viewer's mouse until it is closed."""

    def __init__(self, viewer: Any, channels: Channels) -> None:
        self._viewer, self._channels = viewer, channels
        viewer.mouse_drag_callbacks.append(self._drag)

    def close(self) -> None:
        """Let go of the mouse."""
        _let_go(self._viewer, self._drag)

    def _drag(self, viewer: Any, event: Any) -> Iterator[None]:
        begin = self._channels.window()
        if event.button != RIGHT or "Shift" not in event.modifiers or begin is None:
            return
        x, y = (float(at) for at in event.pos)
        with _mouse_taken(viewer, event):
            yield
            while event.type == "mouse_move":
                event.handled = True
                self._channels.drag(begin, float(event.pos[0]) - x, float(event.pos[1]) - y)
                yield


class PlacePointer:
    """Tells which place of the world a person points at on the canvas: with Shift, or by a click with no tool in hand.

    Parameters
    ----------
    viewer : napari viewer or ViewerModel
    wanted : callable
        Whether somebody wants to know.
    go : callable
        Told the place, over the viewer's axes.
    """

    def __init__(self, viewer: Any, wanted: Callable[[], bool], go: Callable[[np.ndarray], None]) -> None:
        self._viewer, self._wanted, self._go = viewer, wanted, go
        viewer.mouse_drag_callbacks.append(self._point)

    def close(self) -> None:
        """Let go of the mouse."""
        _let_go(self._viewer, self._point)

    def _point(self, viewer: Any, event: Any) -> Iterator[None]:
        if event.button != LEFT or not self._wanted() or viewer.dims.ndisplay != 2:
            return
        layer = viewer.layers.selection.active
        if "Shift" in event.modifiers:
            with _mouse_taken(viewer, event):
                self._go(np.array(event.position))
                yield
                while event.type == "mouse_move":
                    event.handled = True
                    self._go(np.array(event.position))
                    yield
        elif not event.modifiers and (layer is None or layer.mode == "pan_zoom"):
            begin, place = np.array(event.pos, float), np.array(event.position)
            yield
            still = True
            while event.type == "mouse_move":
                still &= bool(np.abs(np.array(event.pos, float) - begin).max() <= STILL)
                yield
            if still:
                self._go(place)


@contextmanager
def _mouse_taken(viewer: Any, event: Any) -> Iterator[None]:
    """Neither the tool in hand nor the camera gets what the mouse does from this press to its release."""
    view = camera(viewer)
    moved, layer = view.mouse_pan, viewer.layers.selection.active
    tools = [] if layer is None else list(layer.mouse_drag_callbacks)
    event.handled = True
    view.mouse_pan = False
    if layer is not None:
        layer.mouse_drag_callbacks[:] = []  # its turn is right after ours
    try:
        yield
    finally:
        if layer is not None:
            layer.mouse_drag_callbacks[:] = tools
        view.mouse_pan = moved


def _let_go(viewer: Any, callback: Any) -> None:
    if callback in viewer.mouse_drag_callbacks:
        viewer.mouse_drag_callbacks.remove(callback)
