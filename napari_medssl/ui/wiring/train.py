"""The Train page and the curves."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..plugin import MedSSLWidget


def connect(dock: MedSSLWidget) -> None:
    """Connect the Train page."""
    page, runs = dock.train_page, dock.session.runs
    page.wished.connect(runs.intend)
    page.train.connect(runs.train)
    page.stop.connect(runs.stop)
    page.resume.connect(runs.resume)
    page.curves.connect(dock.show_curves)
