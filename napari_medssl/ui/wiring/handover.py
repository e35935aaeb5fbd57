"""Layers of a person or another plugin: used as labels of the case on the screen, or added as cases."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QDialog

from ...errors import MedSSLError
from ..foreign import mask_file_of
from ..handover import Offered, could_be_as_it_is, guess, offered, place
from ..handwork import Ready
from ..panels import layer_dialog
from ..panels.layer_dialog import LayerDialog
from ..questions import ask_as_it_is
from ..scanlayer import file_of, scan_of
from .importing import ask_labels

if TYPE_CHECKING:
    from ..plugin import MedSSLWidget

NO_CASE = "Open a case first: the layer becomes labels of the case on the screen."
NO_STRUCTURE = "Name the structures first: Structures … on the Label page. Then the layer can become labels."
NO_PROJECT = "Open a project first: the layer becomes a case of it."


def connect(dock: MedSSLWidget) -> None:
    """Connect the line below the pages."""
    dock.foreign_bar.asked.connect(partial(use_in_hand, dock))


def look(dock: MedSSLWidget) -> None:
    """Say whose layer is in hand."""
    state = dock.session.state
    case = state.current if state.actions.can_label and dock.layers.has_case else None
    dock.foreign_bar.draw(dock.foreign.hint(case, state.has_project))


def use_in_hand(dock: MedSSLWidget, what: str) -> None:
    """Make labels, or a case, of the layer in hand; import the file of labels that it shows."""
    layer = dock.foreign.in_hand()
    kind = "labels" if what == "labels" else "image"
    if layer is None or layer._type_string != kind:
        words = f"Choose the {kind} layer first, in napari's list of layers; those of the case are not meant."
        dock.session.board.say("warning", words)
    elif what == "labels":
        use_as_labels(dock, layer)
    elif what == "import" and (path := mask_file_of(layer)) is not None:
        ask_labels(dock, [path])
    else:
        add_as_case(dock, layer)


def use_as_labels(dock: MedSSLWidget, layer: Any) -> None:
    """Make labels of the case on the screen of what is on a labels layer, as one step of undo."""
    board, hand = dock.session.board, dock.layers.at_hand()
    if hand is None:
        board.say("warning", NO_CASE)
        return
    case, display = hand.case, hand.case.display
    if not dock.session.state.classes:
        board.say("warning", NO_STRUCTURE)
        return
    given = offered(layer)
    try:
        where = place(display, given)
    except MedSSLError as error:
        if not could_be_as_it_is(display, given):
            board.failed(error)
            return
        if dock.ask(ask_as_it_is(dock.session.state.actions.title, given.name)) != "yes":
            return
        where = place(display, given, as_it_is=True)

    def counted(counts: dict[int, int]) -> None:
        if not dock.session.hand.is_for(case, given.name):
            return
        names = {one.value: one.name for one in dock.session.state.classes}
        guessed = guess(given.name, counts, names)
        if len(names) == 1 and None not in guessed.values():  # there is nothing to ask
            dock.session.hand.prepare(given, {v: m for v, m in guessed.items() if m is not None}, where, case, ready)
            return
        meaning = _ask_values(dock, given, counts, guessed)
        if meaning:
            dock.session.hand.prepare(given, meaning, where, case, ready)

    def ready(made: Ready) -> None:
        QTimer.singleShot(0, partial(_use, dock, layer, made))  # a dialog must not hold up the mailbox

    dock.session.hand.count(given, lambda counts: QTimer.singleShot(0, partial(counted, counts)))


def _ask_values(
    dock: MedSSLWidget, given: Offered, counts: dict[int, int], guessed: dict[int, int | None]
) -> dict[int, int]:
    state = dock.session.state
    dialog = LayerDialog(state.actions.title, given.name, counts, guessed, state.classes, dock)
    return dialog.meaning() if dialog.exec_() == QDialog.DialogCode.Accepted else {}


def _use(dock: MedSSLWidget, layer: Any, made: Ready) -> None:
    hand = dock.session.hand
    question = hand.question(made)
    reply = "with" if question is None else dock.ask(question)
    if reply != "no" and hand.use(made, over=reply == "with"):
        _hide(layer)
        dock.layers.draw_on()


def add_as_case(dock: MedSSLWidget, layer: Any) -> None:
    """Add the file of an image layer as a case; of one without, its voxels, written into the project."""
    session = dock.session
    if not session.state.has_project:
        session.board.say("warning", NO_PROJECT)
        return
    path = file_of(layer)
    if path is not None:
        session.hand.add_file(path, partial(_hide, layer))
        return
    try:
        scan = scan_of(layer)
    except MedSSLError as error:
        session.board.failed(error)
        return
    name = layer_dialog.ask_name(dock, str(layer.name))
    if name is not None:
        session.hand.add_scan(name, scan, partial(_hide, layer))


def _hide(layer: Any) -> None:
    """What was taken is on a layer of ours now: two on top of each other would be mistaken for one."""
    layer.visible = False
