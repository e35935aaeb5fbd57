"""The tools of the Label page."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ..compat import focus_canvas

if TYPE_CHECKING:
    from ..plugin import MedSSLWidget


def connect(dock: MedSSLWidget) -> None:
    """Connect the box of tools."""
    box, desk = dock.label_page.tools, dock.session.tools

    def apply(name: str, settings: dict[str, object], where: str, depth: int) -> None:
        desk.apply(name, settings, where, depth)  # type: ignore[arg-type]  # one of `Where`
        focus_canvas(dock.layers.viewer)

    box.apply.connect(apply)
    box.stop.connect(desk.stop)


def keys(dock: MedSSLWidget) -> dict[str, Callable[[], None]]:
    """Ctrl+Alt+A applies the tool that is chosen."""
    return {"Ctrl-Alt-A": dock.label_page.tools.use}
