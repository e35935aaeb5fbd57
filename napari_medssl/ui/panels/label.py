"""The Label page: which structure, which plane, and "done"."""

from __future__ import annotations

from functools import partial

from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QColor, QIcon, QPalette
from qtpy.QtWidgets import QButtonGroup, QGridLayout, QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from ...imaging import UNSEEN
from ..facts import ClassFacts
from ..icons import state_swatch, swatch
from ..state import PanelState
from .draw_box import LookedBox, WithinBox
from .parts import Line, button, checkbox, combo, enable, literal, named, reopen_button, show_text, text
from .tool_box import ToolBox
from .view_box import ViewBox

BACKGROUND = 0
DIGITS = tuple("123456789")  # with Alt they take a structure
STATES = (
    (BACKGROUND, "Background", "Draw background: looked at, and none of the structures."),
    (UNSEEN, "Not looked at", "Take back what was drawn: training ignores these voxels, as if nobody had looked."),
)


class LabelPage(QWidget):
    """What one needs while drawing; the tools themselves are napari's own, at the top left."""

    class_chosen = Signal(int)
    plane_chosen = Signal(str)
    shade_changed = Signal(bool)
    edit_classes = Signal()
    finished = Signal(bool)  # whole scan looked at
    reopened = Signal()
    locked = Signal(int, bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._title = Line("No case open")
        self._save = text()
        self._save.setWordWrap(False)  # it changes with each stroke: nothing is to move
        self._classes = QButtonGroup(self)
        self._classes.setExclusive(True)
        self._classes.idClicked.connect(self.class_chosen)
        self._swatches = QGridLayout()
        self._swatches.setSpacing(4)
        self._drawn_classes: object = None
        self.lock = checkbox("Lock", "No tool overwrites a structure while it is locked.")
        kept = self.lock.sizePolicy()
        kept.setRetainSizeWhenHidden(True)
        self.lock.setSizePolicy(kept)
        self.lock.clicked.connect(lambda on: self.locked.emit(self._classes.checkedId(), on))
        self._infos: dict[int, ClassFacts] = {}
        self._ink = self.palette().color(QPalette.ColorRole.WindowText)
        self.plane = combo(
            "Plane", "Which planes to look at. The mouse wheel with Ctrl, or the slider, goes through them."
        )
        for name in ("axial", "coronal", "sagittal"):
            self.plane.addItem(name.capitalize(), name)
        self.plane.activated.connect(lambda _: self.plane_chosen.emit(self.plane.currentData()))
        self.shade = checkbox(
            "Shade what is not looked at",
            "Grey shows voxels that nobody called a structure or background yet. Training ignores them.",
        )
        self.shade.toggled.connect(self.shade_changed)
        self.done = button(
            "Mark as complete",
            "You looked at the whole scan: what is not painted becomes background. "
            "The case counts as labelled. (Alt+M)",
            partial(self.finish, True),
        )
        self.partly = button(
            "Only what I drew",
            "Scribbles, or some slices: what is not painted stays 'not looked at', and training ignores it. "
            "The case counts as labelled. (Ctrl+Alt+M)",
            partial(self.finish, False),
        )
        self.reopen = reopen_button(self.reopened.emit)
        self.within, self.looked = WithinBox(), LookedBox()
        self.tools = ToolBox()
        self._edit = button("Structures …", "Name the structures to segment, and add new ones.", self.edit_classes.emit)
        self.view = ViewBox()
        top = QHBoxLayout()
        top.addWidget(self._title, 1)
        top.addWidget(self._save, 0, Qt.AlignmentFlag.AlignRight)
        line = QHBoxLayout()
        line.addWidget(self.plane, 1)
        line.addWidget(self._edit, 0)
        ending = QHBoxLayout()
        ending.setSpacing(4)
        for one in (self.done, self.partly):
            ending.addWidget(one, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 4, 0, 0)
        layout.setSpacing(6)
        layout.addLayout(top)
        layout.addLayout(self._swatches)
        layout.addWidget(self.lock)
        layout.addLayout(line)
        layout.addLayout(ending)
        layout.addWidget(self.reopen)
        layout.addWidget(self.within)
        layout.addWidget(self.tools)
        layout.addWidget(self.shade)
        layout.addWidget(self.looked)
        layout.addWidget(self.view)
        layout.addStretch(1)

    def draw(self, state: PanelState) -> None:
        """Show a state."""
        actions = state.actions
        show_text(self._title, actions.title)
        show_text(self._save, actions.save_text)
        self._save.setStyleSheet("font-weight: bold;" if actions.save_failed else "")
        if state.classes != self._drawn_classes:
            self._drawn_classes = state.classes
            self._draw_classes(state)
        for widget in (self.plane, self.shade, self.done, self.partly, self.lock, *self._classes.buttons()):
            enable(widget, actions.can_label)
        self.reopen.setVisible(actions.can_reopen)
        self.within.draw(state.tools)
        self.tools.draw(state.tools)
        self.looked.draw(state.tools)
        enable(self._edit, state.has_project)

    def choose(self, value: int) -> None:
        """Mark a class as the one in hand."""
        chosen = self._classes.button(value)
        if chosen is not None:
            chosen.setChecked(True)
        self._draw_lock()

    def finish(self, whole: bool) -> None:
        """The case is labelled; `whole`: what is not painted is background."""
        if self.done.isEnabled():
            self.finished.emit(whole)

    def show_plane(self, name: str | None) -> None:
        """Say which planes are on the screen."""
        self.plane.setCurrentIndex(self.plane.findData(name))

    def _draw_lock(self) -> None:
        info = self._infos.get(self._classes.checkedId())
        self.lock.setVisible(info is not None)
        if info is not None:
            self.lock.setText(literal(f"Lock {info.name}"))
            self.lock.setChecked(info.locked)
            tip = f"No tool overwrites {info.name} while it is locked: not the brush, the eraser, fill or undo."
            named(self.lock, f"Lock {info.name}", tip)

    def _draw_classes(self, state: PanelState) -> None:
        in_hand = self._classes.checkedId()
        for old in self._classes.buttons():
            self._classes.removeButton(old)
            self._swatches.removeWidget(old)
            old.deleteLater()
        self._infos = {info.value: info for info in state.classes}
        for info in state.classes:
            key = f" (Alt+{info.key})" if info.key in DIGITS else ""
            lock = " Locked: nothing overwrites it." if info.locked else ""
            tip = f"Draw {info.name}: label {info.value}{key}.{lock}"
            words = f"{info.name} · locked" if info.locked else info.name
            self._add_swatch(info.value, words, tip, info.name, swatch(info.colour, locked=info.locked))
        for value, words, tip in STATES if state.classes else ():
            self._add_swatch(value, words, tip, words.lower(), state_swatch(value == UNSEEN, self._ink))
        chosen = self._classes.button(in_hand) or next(iter(self._classes.buttons()), None)
        if chosen is not None:
            chosen.setChecked(True)
        self._draw_lock()

    def _add_swatch(self, value: int, words: str, tip: str, name: str, icon: QIcon) -> None:
        made = button(literal(words), tip, lambda: None, name=f"Draw {name}")
        made.setIcon(icon)
        made.setCheckable(True)
        made.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)  # a long name is no reason to widen
        number = len(self._classes.buttons())
        self._classes.addButton(made, value)
        self._swatches.addWidget(made, number // 2, number % 2)

    def set_colour(self, colour: QColor) -> None:
        """The theme's colour of text changed."""
        self._ink = colour
        for value, _, _ in STATES:
            swatch_of = self._classes.button(value)
            if swatch_of is not None:
                swatch_of.setIcon(state_swatch(value == UNSEEN, colour))
