"""The Train page and the curves."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from qtpy.QtWidgets import QApplication

if TYPE_CHECKING:
    from ..plugin import MedSSLWidget
    from ..runview import RunView


def connect(dock: MedSSLWidget) -> None:
    """Connect the Train page."""
    page, runs = dock.train_page, dock.session.runs
    page.wished.connect(runs.intend)
    page.train.connect(runs.train)
    page.stop.connect(runs.stop)
    page.resume.connect(runs.resume)
    page.curves.connect(dock.show_curves)
    page.grow.connect(dock.session.previews.want)
    page.runs.use.connect(runs.use)
    page.runs.resume.connect(runs.resume)
    page.runs.curves.connect(lambda run: runs.look_at(run, partial(_show_curves, dock)))
    page.runs.copy.connect(_copy)


def keys(dock: MedSSLWidget) -> dict[str, Callable[[], None]]:
    """Alt+Z turns to the page, ready to train."""
    return {"Alt-Z": lambda: take_up(dock)}


def take_up(dock: MedSSLWidget) -> None:
    """Turn to the page; the next Return or space bar trains, or stops what is under way."""
    if dock.session.state.has_project:
        dock.show_page("Train")
        dock.train_page.take_focus()


def _show_curves(dock: MedSSLWidget, run: RunView) -> None:
    dock.curves.show(run, dock.header.text_colour(), pinned=run.name != dock.session.state.run.name)


def _copy(words: str) -> None:
    clipboard = QApplication.clipboard()
    if clipboard is not None:
        clipboard.setText(words)
