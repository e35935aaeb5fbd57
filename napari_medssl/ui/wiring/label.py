"""The Label page: which structure to draw, from where to look, done."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from ...imaging import UNSEEN
from ..compat import focus_canvas
from ..panels.label import BACKGROUND, DIGITS
from ..questions import ask_complete
from .header import ask_classes

if TYPE_CHECKING:
    from ..plugin import MedSSLWidget
    from ..toolview import Where


def connect(dock: MedSSLWidget) -> None:
    """Connect the Label page."""
    page, session, layers = dock.label_page, dock.session, dock.layers
    layers.on_refused = session.within.refused
    page.class_chosen.connect(lambda value: choose_class(dock, value))
    page.plane_chosen.connect(layers.look_from)
    page.shade_changed.connect(layers.shade_open)
    page.edit_classes.connect(lambda: ask_classes(dock))
    page.locked.connect(session.classes.lock)
    page.within.changed.connect(session.within.keep_to)
    page.within.take.connect(session.within.take)
    page.looked.mark.connect(lambda where: mark(dock, where))
    page.looked.unmark.connect(lambda where: unmark(dock, where))
    page.finished.connect(lambda whole: finish(dock, whole))
    page.reopened.connect(lambda: reopen(dock))


def keys(dock: MedSSLWidget) -> dict[str, Callable[[], None]]:
    """Alt+1 … Alt+9 take a structure; Alt+M and Ctrl+Alt+M end the case, Ctrl+Alt+Z takes that back."""
    numbers = {f"Alt-{key}": partial(choose_number, dock, key) for key in DIGITS}
    finish = dock.label_page.finish
    return {
        **numbers,
        "Alt-M": partial(finish, True),
        "Ctrl-Alt-M": partial(finish, False),
        "Ctrl-Alt-Z": partial(reopen, dock),
    }


def finish(dock: MedSSLWidget, whole: bool) -> None:
    """The case is labelled; what a person cannot have meant is asked about first."""
    cases, labels, accept = dock.session.cases, dock.layers.labels(), False
    if whole and labels is not None:
        proposal = dock.layers.overlays.visible_proposal()
        question = ask_complete(dock.session.state.actions.title, labels, proposal, dock.session.state.classes)
        reply = "without" if question is None else dock.ask(question)
        if reply == "no":
            return
        accept, whole = reply == "with", reply != "yes"
    cases.finish(accept=accept, whole=whole)
    focus_canvas(dock.layers.viewer)


def reopen(dock: MedSSLWidget) -> None:
    """Take back that the case was completed."""
    dock.session.cases.reopen()
    focus_canvas(dock.layers.viewer)


def mark(dock: MedSSLWidget, where: Where) -> None:
    """A place was looked at; from the first time on, the rest is shaded."""
    dock.label_page.shade.setChecked(True)
    dock.session.looked.mark(where)
    focus_canvas(dock.layers.viewer)


def unmark(dock: MedSSLWidget, where: Where) -> None:
    """A place was not looked at after all."""
    dock.session.looked.unmark(where)
    focus_canvas(dock.layers.viewer)


def choose_class(dock: MedSSLWidget, value: int) -> None:
    """Draw with this class from now on, with the brush if no tool is in hand; napari's keys are at hand."""
    dock.layers.choose_class(value)
    dock.layers.start_painting()
    dock.label_page.choose(value)
    focus_canvas(dock.layers.viewer)


def choose_number(dock: MedSSLWidget, key: str) -> None:
    """Draw with the class that has this digit, if there is one."""
    for info in dock.session.state.classes:
        if info.key == key:
            choose_class(dock, info.value)


def label_taken(dock: MedSSLWidget, value: int) -> None:
    """Another label was taken with napari's own controls."""
    dock.label_page.choose(value)
    known = {BACKGROUND, UNSEEN, *(info.value for info in dock.session.state.classes)}
    if value not in known:
        words = f"Label {value} has no name yet. Name it under Structures, or what is drawn with it is not saved."
        dock.session.board.say("warning", words)
