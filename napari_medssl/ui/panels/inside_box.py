"""Looking inside a model: whose, and which picture of it."""

from __future__ import annotations

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from ..insideview import InsideState
from .parts import button, combo, enable, show_text, text

LOOK, STOP = "Look inside", "Stop looking"


class InsideBox(QWidget):
    """The part of the Review page below everything else."""

    look_inside = Signal(str)  # the model of this run
    stop_looking = Signal()
    picture_chosen = Signal(str)  # empty: none

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.models = combo("Model to look into", "Whose model to look into: the run that trained it.")
        self.look = button(
            LOOK,
            "Show what the model makes of this case: features before and after training, and, where the run has them, "
            "restoration, attention, and what each part of it says.",
            self._clicked,
        )
        self.pictures = combo("Picture of the inside", "Which picture to show over the scan.")
        self.pictures.activated.connect(lambda _: self.picture_chosen.emit(self.pictures.currentData() or ""))
        self.caption, self.missing = text(), text()
        line = QHBoxLayout()
        line.addWidget(self.models)
        line.addWidget(self.look)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 8, 0, 0)
        layout.setSpacing(6)
        layout.addWidget(text("Look inside a model", heading=True))
        layout.addLayout(line)
        for widget in (self.pictures, self.caption, self.missing):
            layout.addWidget(widget)
        self._drawn = InsideState()

    def draw(self, inside: InsideState, picture: str | None) -> None:
        """Show a state; `picture` is the one that is on."""
        before, self._drawn = self._drawn, inside
        if inside.runs != before.runs or inside.usual != before.usual:
            chosen = inside.usual if inside.usual != before.usual else self.models.currentData()
            self.models.clear()
            for run in inside.runs:
                self.models.addItem(run, run)
            self.models.setCurrentIndex(max(0, self.models.findData(chosen)))
        enable(self.models, bool(inside.runs) and not inside.busy)
        enable(self.look, inside.can_look)
        self.look.setText(STOP if inside.busy else LOOK)
        if inside.pictures != before.pictures:
            self.pictures.clear()
            self.pictures.addItem("Nothing of the inside", "")
            for one in inside.pictures:
                self.pictures.addItem(one.title[:1].upper() + one.title[1:], one.name)
        self.pictures.setVisible(bool(inside.pictures))
        show_text(self.missing, inside.text)
        self.draw_picture(picture)

    def draw_picture(self, name: str | None) -> None:
        """This picture is on, or none."""
        self.pictures.setCurrentIndex(max(0, self.pictures.findData(name or "")))
        caption = next((picture.caption for picture in self._drawn.pictures if picture.name == name), "")
        show_text(self.caption, caption[:1].upper() + caption[1:])

    def _clicked(self) -> None:
        if self._drawn.busy:
            self.stop_looking.emit()
        else:
            self.look_inside.emit(self.models.currentData() or "")
