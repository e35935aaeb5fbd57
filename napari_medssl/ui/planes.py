"""Which way a viewer looks at a scan: axial, coronal, sagittal, the right way round, with letters at the edges."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .compat import camera, canvas_letters, canvas_size, scale_bar, screen_directions
from .display import PLANES, Display

SHARE = 0.3  # of the canvas that a place fills when one has gone to it


def aim(viewer: Any, display: Display) -> None:
    """Begin in the middle of the scan, in its finest plane, the right way round."""
    if len(display.shape) == 3:
        # The axes run S→I, A→P, R→L: with these directions the volume is right-handed, not mirrored.
        camera(viewer).orientation = ("towards", "down", "right")
        viewer.dims.ndisplay = 2
        viewer.dims.order = PLANES[display.plane]
        face(viewer, display)
        for axis, count in enumerate(display.shape):
            viewer.dims.set_current_step(axis, count // 2)
    scale_bar(viewer).visible = display.units[0] == "mm"
    viewer.reset_view()
    write_letters(viewer, display)


def go_to(viewer: Any, display: Display, box: Sequence[tuple[int, int]], centre: Sequence[int]) -> None:
    """Show the slices through a voxel, in whichever planes are on, with a box round it in the middle of the canvas."""
    go_through(viewer, display, centre)
    first = viewer.dims.ndim - len(centre)
    seen = [axis - first for axis in viewer.dims.displayed if axis >= first]
    sizes = np.array([(box[axis][1] - box[axis][0]) * display.scale[axis] for axis in seen])
    middle = [(sum(box[axis]) - 1) / 2 * display.scale[axis] + display.translate[axis] for axis in seen]
    camera(viewer).center = (*(0.0,) * (3 - len(middle)), *middle)
    height, width = canvas_size(viewer)
    flat = len(seen) == 2
    room = min(height / sizes[0], width / sizes[1]) if flat else min(height, width) / float(np.linalg.norm(sizes))
    camera(viewer).zoom = SHARE * room


def voxel_shown(viewer: Any, display: Display) -> list[int]:
    """The voxel of a volume where the sliders are, of all its axes."""
    at = zip(viewer.dims.point[-3:], display.translate, display.scale, display.shape, strict=True)
    return [min(max(round((point - start) / size), 0), count - 1) for point, start, size, count in at]


def go_through(viewer: Any, display: Display, voxel: Sequence[int]) -> None:
    """Show the slices through a voxel, in whichever planes are on; the camera stays."""
    first = viewer.dims.ndim - len(voxel)  # other layers may have more axes
    point = [start + at * size for at, size, start in zip(voxel, display.scale, display.translate, strict=True)]
    viewer.dims.set_point(range(first, viewer.dims.ndim), point)  # all at once: each change cuts all layers anew


def slice_shown(viewer: Any, display: Display) -> tuple[int, int] | None:
    """Axis and number of the slice of a volume on the screen; None where there is none."""
    if viewer.dims.ndisplay != 2 or viewer.dims.ndim != 3 or len(display.shape) != 3:
        return None
    axis = int(viewer.dims.order[0])
    number = round((viewer.dims.point[axis] - display.translate[axis]) / display.scale[axis])
    return axis, int(min(max(number, 0), display.shape[axis] - 1))


def write_letters(viewer: Any, display: Display | None) -> None:
    """Say at the edges where the patient's left, front and head are, in 2-D and 3-D; nothing without a scan."""
    if display is None or viewer.dims.ndim < 3:
        canvas_letters(viewer, {})
        return
    right, up = screen_directions(viewer)
    if any(direction[:-3].any() for direction in (right, up)):  # an axis of somebody else's layer
        canvas_letters(viewer, {})
    else:
        canvas_letters(viewer, display.letters(right[-3:], up[-3:]))


def letter_events(viewer: Any) -> tuple[Any, ...]:
    """What may change the letters: axes rolled or exchanged, 2-D or 3-D, the camera turned."""
    dims, view = viewer.dims.events, camera(viewer).events
    return dims.order, dims.ndisplay, view.angles, view.orientation


def face(viewer: Any, display: Display | None) -> None:
    """Turn the depth axis so that a volume is not mirrored in 3-D, whichever way the axes are rolled or exchanged."""
    if display is None or len(display.shape) != 3 or viewer.dims.ndim != 3:
        return
    view = camera(viewer)
    _, vertical, horizontal = (str(getattr(way, "value", way)) for way in view.orientation)
    # S→I, A→P, R→L is right-handed with depth towards us, rows down, columns to the right
    flips = int(vertical == "up") + int(horizontal == "left") + _exchanges(viewer.dims.order)
    depth = "towards" if flips % 2 == 0 else "away"
    if str(getattr(view.orientation[0], "value", view.orientation[0])) != depth:
        view.orientation = (depth, vertical, horizontal)


def shown_plane(viewer: Any) -> str | None:
    """Which planes are shown: "axial", "coronal", "sagittal"; None for any other view."""
    order = tuple(viewer.dims.order)
    return next((name for name, axes in PLANES.items() if axes == order), None)


def show_plane(viewer: Any, display: Display, plane: str) -> None:
    """Show axial, coronal or sagittal planes of a volume."""
    if len(display.shape) == 3 and viewer.dims.ndim == 3:
        viewer.dims.ndisplay = 2
        viewer.dims.order = PLANES[plane]
        viewer.reset_view()


def _exchanges(order: Sequence[int]) -> int:
    """How many pairs of axes stand the wrong way round: odd for an order that mirrors."""
    return sum(int(a > b) for at, a in enumerate(order) for b in order[at + 1 :])
