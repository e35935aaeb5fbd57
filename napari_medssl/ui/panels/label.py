"""The Label page: which structure, which plane, and "done"."""

from __future__ import annotations

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QButtonGroup, QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from ..icons import swatch
from ..state import PanelState
from .parts import button, checkbox, combo, enable, show_text, text


class LabelPage(QWidget):
    """What one needs while drawing; the tools themselves are napari's own, at the top left."""

    class_chosen = Signal(int)
    plane_chosen = Signal(str)
    shade_changed = Signal(bool)
    edit_classes = Signal()
    finished = Signal(bool)  # whole scan looked at

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._title = text("No case open", heading=True)
        self._save = text()
        self._classes = QButtonGroup(self)
        self._classes.setExclusive(True)
        self._classes.idClicked.connect(self.class_chosen)
        self._swatches = QGridLayout()
        self._swatches.setSpacing(4)
        self._drawn_classes: object = None
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
        self.whole = checkbox(
            "I looked at the whole scan",
            "On: whatever is not painted becomes background when you mark the case as complete. "
            "Off: it stays 'not looked at', and training ignores it.",
            checked=True,
        )
        self.done = button(
            "Mark as complete",
            "Save these labels as complete: training uses them, and the case counts as labelled.",
            lambda: self.finished.emit(self.whole.isChecked()),
        )
        self._edit = button("Structures …", "Name the structures to segment, and add new ones.", self.edit_classes.emit)
        top = QHBoxLayout()
        top.addWidget(self._title, 1)
        top.addWidget(self._save, 0, Qt.AlignmentFlag.AlignRight)
        line = QHBoxLayout()
        line.addWidget(self.plane, 1)
        line.addWidget(self._edit, 0)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 4, 0, 0)
        layout.setSpacing(6)
        layout.addLayout(top)
        layout.addLayout(self._swatches)
        layout.addLayout(line)
        layout.addWidget(self.shade)
        layout.addWidget(self.whole)
        layout.addWidget(self.done)
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
        for widget in (self.plane, self.shade, self.whole, self.done, *self._classes.buttons()):
            enable(widget, actions.can_label)
        enable(self._edit, state.has_project)

    def choose(self, value: int) -> None:
        """Mark a class as the one in hand."""
        chosen = self._classes.button(value)
        if chosen is not None:
            chosen.setChecked(True)

    def show_plane(self, name: str | None) -> None:
        """Say which planes are on the screen."""
        self.plane.setCurrentIndex(self.plane.findData(name))

    def _draw_classes(self, state: PanelState) -> None:
        for old in self._classes.buttons():
            self._classes.removeButton(old)
            self._swatches.removeWidget(old)
            old.deleteLater()
        for number, info in enumerate(state.classes):
            key = f" (Alt+{number + 1})" if number < 9 else ""
            tip = f"Draw {info.name}: label {info.value}{key}."
            made = button(info.name, tip, lambda: None, name=f"Draw {info.name}")
            made.setIcon(swatch(info.colour))
            made.setCheckable(True)
            made.setChecked(number == 0)
            self._classes.addButton(made, info.value)
            self._swatches.addWidget(made, number // 2, number % 2)
