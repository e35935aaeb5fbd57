"""The Review page: proposal and doubt over the scan, correcting, accepting, looking inside."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..plugin import MedSSLWidget


def connect(dock: MedSSLWidget) -> None:
    """Connect the Review page."""
    page, session, layers = dock.review_page, dock.session, dock.layers
    page.correct.connect(lambda: correct(dock))
    page.accept.connect(lambda then_next: accept(dock, then_next))
    page.proposal_toggled.connect(lambda: _overlay(dock, layers.overlays.toggle_proposal))
    page.map_toggled.connect(lambda name: _overlay(dock, lambda: layers.overlays.toggle_map(name)))
    page.map_chosen.connect(lambda name: _overlay(dock, lambda: layers.overlays.show_map(name)))
    page.run_chosen.connect(session.cases.fetch_proposal)
    page.look_inside.connect(session.inside.look)
    page.stop_looking.connect(session.inside.stop)
    page.picture_chosen.connect(lambda name: _show_picture(dock, name))


def keys(dock: MedSSLWidget) -> dict[str, Callable[[], None]]:
    """What can be done with a proposal."""
    return {
        "Alt-A": lambda: accept(dock, False),
        "Alt-D": lambda: accept(dock, True),
        "Alt-E": lambda: correct(dock),
        "Alt-O": lambda: _overlay(dock, dock.layers.overlays.toggle_proposal),
        "Alt-U": lambda: _overlay(dock, lambda: dock.layers.overlays.toggle_map(dock.review_page.chosen_map())),
    }


def correct(dock: MedSSLWidget) -> None:
    """Copy the proposal into the labels, brush in hand."""
    if dock.session.state.actions.can_correct:
        dock.session.cases.correct()
        dock.layers.start_painting()
        dock.review_page.draw_overlays(dock.layers.overlays.look().visible)


def accept(dock: MedSSLWidget, then_next: bool) -> None:
    """Save as labelled; go on with the suggested case, if wished."""
    session = dock.session
    if session.state.actions.can_accept:
        session.cases.finish(accept=True, then=session.open_next if then_next else lambda: None)


def _overlay(dock: MedSSLWidget, change: Callable[[], object]) -> None:
    """A change of overlays, after which the check boxes are right."""
    change()
    dock.review_page.draw_overlays(dock.layers.overlays.look().visible)


def _show_picture(dock: MedSSLWidget, name: str) -> None:
    dock.layers.overlays.show_picture(name or None)
    dock.review_page.draw_picture(dock.layers.overlays.look().picture)
