"""The box "View" on the pages: window, channels, planes beside each other."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ..compat import focus_canvas

if TYPE_CHECKING:
    from ..panels.view_box import ViewBox
    from ..plugin import MedSSLWidget


def boxes(dock: MedSSLWidget) -> tuple[ViewBox, ...]:
    """One on each page that shows a scan."""
    return dock.label_page.view, dock.review_page.view


def connect(dock: MedSSLWidget) -> None:
    """Connect the boxes; they all show the same."""
    channels = dock.layers.channels
    channels.on_change = lambda: draw(dock)
    for box in boxes(dock):
        box.preset_chosen.connect(lambda name: _then_canvas(dock, lambda: channels.set_preset(name)))
        box.window_set.connect(channels.set_window)
        box.channels_chosen.connect(lambda names: _then_canvas(dock, lambda: channels.set_visible(names)))
        box.channel_taken.connect(channels.choose)
        box.planes_toggled.connect(lambda: toggle_planes(dock))


def keys(dock: MedSSLWidget) -> dict[str, Callable[[], None]]:
    """Ctrl+Alt+X, as of cross-hair, shows the other planes."""
    return {"Ctrl-Alt-X": lambda: toggle_planes(dock)}


def toggle_planes(dock: MedSSLWidget) -> None:
    """Show the other planes beside the canvas, or hide them."""
    if dock.layers.has_case or dock.planes.is_open:
        dock.planes.toggle()
    show_planes(dock, dock.planes.is_open)
    focus_canvas(dock.layers.viewer)


def show_planes(dock: MedSSLWidget, shown: bool) -> None:
    """Say in the boxes whether the planes are on the screen."""
    for box in boxes(dock):
        box.show_planes(shown)


def draw(dock: MedSSLWidget) -> None:
    """Show how the scan looks."""
    look = dock.layers.channels.look()
    for box in boxes(dock):
        box.draw(look)


def _then_canvas(dock: MedSSLWidget, change: Callable[[], None]) -> None:
    """Change something; the canvas has the keyboard then."""
    change()
    draw(dock)
    focus_canvas(dock.layers.viewer)
