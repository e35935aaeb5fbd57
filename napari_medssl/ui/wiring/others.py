"""Others at the case on the screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..compat import focus_canvas

if TYPE_CHECKING:
    from ..plugin import MedSSLWidget


def connect(dock: MedSSLWidget) -> None:
    """Connect the box below the pages."""
    box, desk = dock.others, dock.session.others
    box.open_theirs.connect(desk.open_theirs)
    box.keep_mine.connect(lambda: keep_mine(dock))
    box.difference.connect(desk.show_difference)


def keep_mine(dock: MedSSLWidget) -> None:
    """The labels on the screen are to be the newest."""
    dock.session.others.keep_mine()
    focus_canvas(dock.layers.viewer)
