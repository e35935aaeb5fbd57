"""Which way a viewer looks at a scan: axial, coronal, sagittal, the right way round, with letters at the edges."""

from __future__ import annotations

from typing import Any

from .compat import camera, canvas_letters, scale_bar
from .display import PLANES, Display


def aim(viewer: Any, display: Display) -> None:
    """Begin in the middle of the scan, in its finest plane, the right way round."""
    if len(display.shape) == 3:
        # The axes run S→I, A→P, R→L: with these directions the volume is right-handed, not mirrored.
        camera(viewer).orientation = ("towards", "down", "right")
        viewer.dims.ndisplay = 2
        viewer.dims.order = PLANES[display.plane]
        for axis, count in enumerate(display.shape):
            viewer.dims.set_current_step(axis, count // 2)
    scale_bar(viewer).visible = display.units[0] == "mm"
    viewer.reset_view()
    write_letters(viewer, display)


def write_letters(viewer: Any, display: Display | None) -> None:
    """Say at the edges where the patient's left, front and head are; nothing in 3-D, and without a scan."""
    known = display is not None and viewer.dims.ndisplay == 2 and viewer.dims.ndim >= 3
    canvas_letters(viewer, display.letters(viewer.dims.order) if known and display else {})


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
