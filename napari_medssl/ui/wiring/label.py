"""The Label page: which structure to draw, from where to look, done."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from .header import ask_classes

if TYPE_CHECKING:
    from ..plugin import MedSSLWidget

NUMBERED = 9  # structures that have a key


def connect(dock: MedSSLWidget) -> None:
    """Connect the Label page."""
    page, session, layers = dock.label_page, dock.session, dock.layers
    page.class_chosen.connect(lambda value: choose_class(dock, value))
    page.plane_chosen.connect(layers.look_from)
    page.shade_changed.connect(layers.shade_open)
    page.edit_classes.connect(lambda: ask_classes(dock))
    page.finished.connect(lambda whole: session.cases.finish(accept=False, whole=whole))


def keys(dock: MedSSLWidget) -> dict[str, Callable[[], None]]:
    """Alt+1 … Alt+9 take a structure."""
    return {f"Alt-{number}": partial(choose_number, dock, number) for number in range(1, NUMBERED + 1)}


def choose_class(dock: MedSSLWidget, value: int) -> None:
    """Draw with this class from now on."""
    dock.layers.choose_class(value)
    dock.label_page.choose(value)


def choose_number(dock: MedSSLWidget, number: int) -> None:
    """Draw with the class of this place in the list, if there is one."""
    classes = dock.session.state.classes
    if number <= len(classes):
        choose_class(dock, classes[number - 1].value)


def label_taken(dock: MedSSLWidget, value: int) -> None:
    """Another label was taken with napari's own controls."""
    dock.label_page.choose(value)
    if value and value not in {info.value for info in dock.session.state.classes}:
        words = f"Label {value} has no name yet. Name it under Structures, or what is drawn with it is not saved."
        dock.session.board.say("warning", words)
