"""Differences between napari versions, in one place.

Since 0.9 camera and overlays live in `viewer.scene` and `viewer.canvas`; the old names warn.
"""

from __future__ import annotations

from typing import Any

import numpy as np


def camera(viewer: Any) -> Any:
    """The camera of a viewer."""
    scene = getattr(viewer, "scene", None)
    return viewer.camera if scene is None else scene.camera


def screen_directions(viewer: Any) -> tuple[np.ndarray, np.ndarray]:
    """Where right and up on the canvas point, each a unit vector over all axes of the viewer (world coordinates).

    In 3-D they follow the camera.
    """
    view, shown = camera(viewer), list(viewer.dims.displayed)
    depth, vertical, horizontal = (str(getattr(way, "value", way)) for way in view.orientation)
    flips = np.array([1 if way in ("towards", "down", "right") else -1 for way in (depth, vertical, horizontal)])
    right, up = np.zeros(viewer.dims.ndim), np.zeros(viewer.dims.ndim)
    if len(shown) == 2:
        right[shown[-1]], up[shown[-2]] = flips[2], -flips[1]
        return right, up
    if _ignores_orientation(view.__class__):  # plugins are given a proxy, whose type is another
        usual = view.__class__(angles=tuple(np.array(view.angles) * flips[::-1]))
        away, upwards = flips * usual.view_direction, flips * usual.up_direction
    else:
        away, upwards = np.array(view.view_direction, float), np.array(view.up_direction, float)
    right[shown] = np.cross(away, upwards) * flips.prod()
    up[shown] = upwards
    return right, up


def _ignores_orientation(model: Any) -> bool:
    """Before 0.9 the camera's directions were those of the orientation (towards, down, right), whatever it was."""
    return float(model(orientation=("away", "down", "right")).view_direction[0]) < 0


def scale_bar(viewer: Any) -> Any:
    """The scale bar's model."""
    canvas = getattr(viewer, "canvas", None)
    return viewer.scale_bar if canvas is None else canvas.overlays.scale_bar


def canvas_size(viewer: Any) -> tuple[float, float]:
    """Height and width of the canvas in pixels."""
    canvas = getattr(viewer, "canvas", None)
    height, width = viewer._canvas_size if canvas is None else canvas.size
    return float(height), float(width)


def focus_canvas(viewer: Any) -> None:
    """Give the keyboard to the canvas, so that napari's own keys work; nothing without a window."""
    window = getattr(viewer, "window", None)
    shown = getattr(window, "_qt_viewer", None)
    if shown is not None:
        shown.canvas.native.setFocus()


def canvas_letters(viewer: Any, letters: dict[str, str]) -> None:
    """Write letters at the edges of the canvas; `letters` maps "top", "bottom", "left", "right" to text.

    Before 0.9 there is one text only: it then says the same in a line.
    """
    canvas = getattr(viewer, "canvas", None)
    if canvas is None:
        text = viewer.text_overlay
        text.text = "  ".join(f"{side}: {letter}" for side, letter in letters.items() if letter)
        text.visible = bool(text.text)
        return
    from napari.components.overlays import TextOverlay

    places = {"top": "top_center", "bottom": "bottom_center", "left": "middle_left", "right": "middle_right"}
    for side, place in places.items():
        key = f"medssl_{side}"
        if key not in canvas.overlays:
            canvas.overlays[key] = TextOverlay(text="", position=place, font_size=14, visible=False)
        overlay = canvas.overlays[key]
        overlay.text = letters.get(side, "")
        overlay.visible = bool(overlay.text)
