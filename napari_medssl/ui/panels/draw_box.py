"""Two things that go with drawing: a range of brightness to keep to, and what was looked at."""

from __future__ import annotations

from qtpy.QtCore import QSignalBlocker, Signal
from qtpy.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from ..toolview import ToolState
from .number_box import NumberBox
from .parts import button, checkbox, combo, enable, label, show_text, text

PLACES = (
    ("slice", "Slice"),
    ("view", "In view"),
    ("region", "Region"),
)


class WithinBox(QWidget):
    """Draw only where the scan is between two values."""

    changed = Signal(object)  # (low, high), or None
    take = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.on = checkbox(
            "Only where the scan is between",
            "Brush, eraser, fill and polygon change only voxels whose value lies in this range, for instance "
            "-100 to 100 in a CT. Undo, accepting and the tools below are not hindered. It goes off with the case.",
        )
        tip = "In the units of the scan, Hounsfield units in a CT. The channel on the screen counts."
        self.low = NumberBox("Lowest value to draw on", f"The lowest value to draw on. {tip}")
        self.high = NumberBox("Highest value to draw on", f"The highest value to draw on. {tip}")
        self.here = button(
            "From here",
            "Take the range from your last stroke: the mean of the scan there, and two standard deviations either way.",
            self.take.emit,
            name="Take the range from here",
        )
        self.here.setMinimumWidth(0)  # that of its words
        self.on.clicked.connect(lambda _: self._tell())
        for box in (self.low, self.high):
            box.setButtonSymbols(NumberBox.ButtonSymbols.NoButtons)  # arrow keys step; room for digits
            box.setStyleSheet("QDoubleSpinBox { min-width: 56px; }")  # napari's own is more than half of the dock
            box.valueChanged.connect(lambda _: self._tell())
        line = QHBoxLayout()
        line.addWidget(self.low, 1)
        line.addWidget(label("and"))
        line.addWidget(self.high, 1)
        line.addWidget(self.here)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self.on)
        layout.addLayout(line)
        self._drawn: tuple[float, float] | None = None

    def draw(self, state: ToolState) -> None:
        """Show whether a range is kept to, and which; the numbers stay in hand when it goes off."""
        for widget in (self.on, self.low, self.high, self.here):
            enable(widget, state.can_use)
        within = state.facts.within
        self.on.setChecked(within is not None)
        if within is not None and within != self._drawn:
            for box, value in zip((self.low, self.high), within, strict=True):
                with QSignalBlocker(box):
                    box.setValue(value)
        self._drawn = within

    def _tell(self) -> None:
        limits = (self.low.value(), self.high.value()) if self.on.isChecked() else None
        if limits != self._drawn:
            self.changed.emit(limits)


class LookedBox(QWidget):
    """Say what was looked at; see how much it is."""

    mark = Signal(str)
    unmark = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.where = combo(
            "What you looked at",
            "What you have looked at, or not: the slice on the screen, the part of it that the canvas shows, or the "
            "box round the region of the proposal that you went to.",
        )
        for value, words in PLACES:
            self.where.addItem(words, value)
        self.where.setMinimumContentsLength(4)
        self.looked = button(
            "I looked at it",
            "What is not drawn there becomes background: training learns that nothing is there. "
            "One Ctrl+Z takes it back.",
            lambda: self.mark.emit(self.where.currentData()),
        )
        self.back = button(
            "Take back",
            "What is background there only because you said so with the button beside is 'not looked at' again. "
            "What you drew stays.",
            lambda: self.unmark.emit(self.where.currentData()),
            name="Not looked at any more",
        )
        self._says = text(faint=True)
        line = QHBoxLayout()
        line.addWidget(self.where)
        line.addWidget(self.looked, 1)
        line.addWidget(self.back, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self._says)
        layout.addLayout(line)

    def draw(self, state: ToolState) -> None:
        """Show how much was looked at."""
        for widget in (self.where, self.looked, self.back):
            enable(widget, state.can_use)
        region = self.where.model().item(len(PLACES) - 1)
        if region is not None and region.isEnabled() != state.has_region:
            region.setEnabled(state.has_region)
            if not state.has_region and self.where.currentData() == "region":
                self.where.setCurrentIndex(0)
        show_text(self._says, state.facts.looked)
