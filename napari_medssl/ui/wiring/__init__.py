"""What panels say goes to the session or the layers: a module per page, with `connect` and (where needed) `keys`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from . import cases, handover, header, help, importing, label, others, progress, review, tools, tour, train, view

if TYPE_CHECKING:
    from ..plugin import MedSSLWidget


def connect(dock: MedSSLWidget) -> None:
    """Connect all panels of a dock."""
    for page in (header, importing, handover, cases, others, label, tools, train, review, view, progress, help, tour):
        page.connect(dock)


def keys(dock: MedSSLWidget) -> dict[str, Callable[[], None]]:
    """What each key does, such as "Alt-A"."""
    return {
        **header.keys(dock),
        **label.keys(dock),
        **tools.keys(dock),
        **train.keys(dock),
        **review.keys(dock),
        **view.keys(dock),
    }
