"""Sample data, generated on this computer: no download."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .display import Display
from .loading import shown_channel

if TYPE_CHECKING:
    from .plugin import MedSSLWidget

LayerData = tuple[Any, dict[str, Any], str]


def dock_of(viewer: Any) -> MedSSLWidget:
    """The MedSSL dock of a viewer, opened if need be.

    Looked for by its type: napari names the same dock differently when it is opened from the menu and from code.
    """
    from .plugin import MedSSLWidget

    for widget in viewer.window.dock_widgets.values():
        if isinstance(widget, MedSSLWidget):
            return widget
    _, widget = viewer.window.add_plugin_dock_widget("napari-medssl", "MedSSL")
    assert isinstance(widget, MedSSLWidget)
    return widget


def sample_scan() -> list[LayerData]:
    """A synthetic abdominal scan and its labels."""
    from ..demo.cohort import make_case

    volume, labels = make_case(7)
    space = Display(volume.grid).spatial
    channel = shown_channel("image", Display(volume.grid).show(volume.array[0]))
    truth = Display(labels.grid).show(labels.array)
    return [
        (
            channel.array,
            {"name": "synthetic abdomen", "contrast_limits": channel.limits, "colormap": "gray", **space},
            "image",
        ),
        (truth, {"name": "synthetic abdomen · truth", "opacity": 0.5, **space}, "labels"),
    ]


def sample_project() -> list[LayerData]:
    """Open the sample project in the MedSSL dock; the scans are generated in the background.

    napari wants a layer of every sample: an empty one stands there until the first case comes.
    """
    import napari

    viewer = napari.current_viewer()
    if viewer is not None:
        dock_of(viewer).open_sample()
    meta = {"medssl": {"case": "sample", "role": "placeholder"}}
    return [(np.empty((0, 3)), {"name": "MedSSL sample is coming …", "metadata": meta}, "points")]
