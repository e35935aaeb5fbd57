"""The Review page: proposal and doubt over the scan, regions, correcting, accepting, looking inside."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from ..compat import focus_canvas
from ..deciding import Part
from ..panels.label import DIGITS
from ..questions import Question, ask_empty, ask_whole
from .label import reopen

if TYPE_CHECKING:
    from ...project.reviews import Verb
    from ..plugin import MedSSLWidget

REGION = Part("region")
VERBS: dict[str, Verb] = {"accept": "accept", "reject": "reject", "redo": "redo"}


def connect(dock: MedSSLWidget) -> None:
    """Connect the Review page."""
    page, session, overlays = dock.review_page, dock.session, dock.layers.overlays
    page.correct.connect(lambda: correct(dock))
    page.accept.connect(lambda then_next: accept(dock, then_next))
    page.run_chosen.connect(session.cases.fetch_proposal)
    page.reopened.connect(lambda: reopen(dock))
    box = page.overlays
    box.proposal_toggled.connect(lambda: _overlay(dock, overlays.toggle_proposal))
    box.filled_toggled.connect(lambda: _overlay(dock, overlays.toggle_filled))
    box.map_toggled.connect(lambda name: _overlay(dock, lambda: overlays.toggle_map(name)))
    box.map_chosen.connect(lambda name: _overlay(dock, lambda: overlays.show_map(name)))
    box.opacity_chosen.connect(lambda opacity: _overlay(dock, lambda: overlays.set_opacity(opacity)))
    box.compare_chosen.connect(lambda kind: session.compare.choose(kind or None))
    page.regions.gone_to.connect(lambda number: _go(dock, lambda: session.review.go_to(number)))
    page.regions.step.connect(lambda step: _go(dock, lambda: session.review.go(step)))
    page.regions.decided.connect(lambda verb, part: decide(dock, verb, part))
    page.regions.made.connect(lambda value: make(dock, value))
    page.regions.pointed_at.connect(lambda verb, value: _preview(dock, verb, value))
    page.inside.look_inside.connect(session.inside.look)
    page.inside.stop_looking.connect(session.inside.stop)
    page.inside.picture_chosen.connect(lambda name: _show_picture(dock, name))


def keys(dock: MedSSLWidget) -> dict[str, Callable[[], None]]:
    """What can be done with a proposal."""
    session, overlays = dock.session, dock.layers.overlays
    numbers = {f"Ctrl-Alt-{key}": partial(make_number, dock, key) for key in DIGITS}
    return {
        **numbers,
        "Alt-A": lambda: accept(dock, False),
        "Alt-D": lambda: accept(dock, True),
        "Alt-E": lambda: correct(dock),
        "Alt-N": lambda: _go(dock, lambda: session.review.go(1)),
        "Alt-B": lambda: _go(dock, lambda: session.review.go(-1)),
        "Alt-Y": lambda: decide(dock, "accept", REGION),
        "Alt-R": lambda: decide(dock, "reject", REGION),
        "Alt-X": lambda: decide(dock, "redo", REGION),
        "Alt-O": lambda: _overlay(dock, overlays.toggle_proposal),
        "Alt-Q": lambda: _overlay(dock, overlays.toggle_filled),
        "Alt-U": lambda: _overlay(dock, lambda: overlays.toggle_map(dock.review_page.overlays.chosen_map())),
        "Alt-J": lambda: _overlay(dock, lambda: overlays.fade(-1)),
        "Alt-K": lambda: _overlay(dock, lambda: overlays.fade(1)),
        "Alt-I": session.compare.cycle,
    }


def correct(dock: MedSSLWidget) -> None:
    """Copy the proposal into the labels, brush in hand."""
    if dock.session.state.actions.can_correct:
        dock.session.cases.correct()
        dock.layers.start_painting()
        dock.review_page.overlays.draw_look(dock.layers.overlays.look())
        focus_canvas(dock.layers.viewer)


def accept(dock: MedSSLWidget, then_next: bool) -> None:
    """Save as labelled; go on with the suggested case, if wished."""
    session = dock.session
    if session.state.actions.can_accept and _wants(dock, _about_empty(dock)):
        session.cases.finish(accept=True, then=session.open_next if then_next else lambda: None)
        focus_canvas(dock.layers.viewer)


def decide(dock: MedSSLWidget, verb: Verb, part: Part) -> None:
    """Accept, make background of, or take back a part of the proposal; the whole of it only after a question."""
    empty = _about_empty(dock) if verb == "accept" else None
    if part.scope == "case" and not _wants(dock, empty or _about_whole(dock, verb)):
        return
    dock.session.review.decide(verb, part)
    focus_canvas(dock.layers.viewer)


def make(dock: MedSSLWidget, value: int) -> None:
    """Make the region on the screen, a border between two structures, one of them."""
    dock.session.review.make(value)
    focus_canvas(dock.layers.viewer)


def make_number(dock: MedSSLWidget, key: str) -> None:
    """The same with the structure that has this digit, if there is one."""
    for info in dock.session.state.classes:
        if info.key == key:
            make(dock, info.value)


def _preview(dock: MedSSLWidget, verb: str, value: int) -> None:
    if verb == "make":
        dock.session.review.preview(None, value)
    else:
        dock.session.review.preview(VERBS.get(verb))


def _wants(dock: MedSSLWidget, question: Question | None) -> bool:
    return question is None or dock.ask(question) == "yes"


def _about_empty(dock: MedSSLWidget) -> Question | None:
    labels, state = dock.layers.labels(), dock.session.state
    if labels is None:
        return None
    return ask_empty(state.actions.title, labels, dock.layers.overlays.proposal(), state.classes)


def _about_whole(dock: MedSSLWidget, verb: Verb) -> Question | None:
    labels, proposal, state = dock.layers.labels(), dock.layers.overlays.proposal(), dock.session.state
    if labels is None or proposal is None:
        return None
    return ask_whole(verb, state.actions.title, labels, proposal, state.classes)


def _go(dock: MedSSLWidget, step: Callable[[], None]) -> None:
    """Go to a region; the list of regions comes in sight."""
    step()
    if dock.session.state.review.lines:
        dock.show_page("Review")
    focus_canvas(dock.layers.viewer)


def _overlay(dock: MedSSLWidget, change: Callable[[], object]) -> None:
    """A change of overlays, after which the check boxes are right."""
    change()
    dock.review_page.overlays.draw_look(dock.layers.overlays.look())


def _show_picture(dock: MedSSLWidget, name: str) -> None:
    dock.layers.overlays.show_picture(name or None)
    dock.review_page.inside.draw_picture(dock.layers.overlays.look().picture)
