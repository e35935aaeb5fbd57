"""What lies over the scan: proposal, doubt, and what differs; how opaque, filled or as outlines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QSignalBlocker, Signal
from qtpy.QtWidgets import QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from ..colours import MAP_TITLES
from ..icons import swatch
from ..reviewview import ReviewState
from .parts import checkbox, combo, enable, label, show_text, slider, text

if TYPE_CHECKING:
    from ..overlays import Look

SWATCH = 12  # pixels


class OverlayBox(QWidget):
    """Check boxes and a slider for what keys do too."""

    proposal_toggled = Signal()
    filled_toggled = Signal()
    map_toggled = Signal(str)
    map_chosen = Signal(str)
    opacity_chosen = Signal(float)
    compare_chosen = Signal(str)  # empty: with nothing

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.proposal = checkbox("Proposal (Alt+O)", "Show or hide the model's proposal (Alt+O).")
        self.proposal.clicked.connect(lambda _: self.proposal_toggled.emit())
        self.filled = checkbox("Filled (Alt+Q)", "Show the proposal filled instead of as outlines (Alt+Q).")
        self.filled.clicked.connect(lambda _: self.filled_toggled.emit())
        self.map = checkbox("Doubt (Alt+U)", "Show or hide where the model is unsure: bright is unsure (Alt+U).")
        self.map.clicked.connect(lambda _: self.map_toggled.emit(self.chosen_map()))
        self.opacity = slider(
            "Opacity of overlays",
            "How opaque proposal, doubt and differences are. Less with Alt+J, more with Alt+K.",
            1,
            10,
        )
        self.opacity.valueChanged.connect(lambda value: self.opacity_chosen.emit(value / 10))
        self.maps = combo("Map of doubt", "Which measure of doubt to show.")
        self.maps.activated.connect(lambda _: self.map_chosen.emit(self.chosen_map()))
        self.compare = combo(
            "Difference",
            "Show where the proposal differs from your labels, or from that of the run before. Alt+I goes round.",
        )
        self.compare.activated.connect(lambda _: self.compare_chosen.emit(self.compare.currentData() or ""))
        self._says = text(faint=True)
        self._legend = [(label(), text()) for _ in range(3)]
        grid = QGridLayout()
        grid.setSpacing(4)
        grid.addWidget(self.proposal, 0, 0)
        grid.addWidget(self.filled, 0, 1)
        grid.addWidget(self.map, 1, 0)
        grid.addWidget(self.opacity, 1, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addLayout(grid)
        for narrow in (self.compare, self.maps):
            narrow.setMinimumContentsLength(4)  # both in one line of a narrow dock
        choices = QHBoxLayout()
        choices.addWidget(self.compare)
        choices.addWidget(self.maps)
        layout.addLayout(choices)
        layout.addWidget(self._says)
        for mark, words in self._legend:
            line = QHBoxLayout()
            line.addWidget(mark)
            line.addWidget(words, 1)
            layout.addLayout(line)
        self._drawn_maps: tuple[str, ...] | None = None
        self._drawn: tuple[object, ...] = ()
        self._draw_compare(ReviewState())

    def draw(self, maps: tuple[str, ...], can_show: bool, review: ReviewState) -> None:
        """Show which maps there are, and the difference that is on."""
        for widget in (self.proposal, self.filled, self.compare, self.opacity):
            enable(widget, can_show)
        enable(self.map, bool(maps))
        self.maps.setVisible(len(maps) > 1)
        if maps != self._drawn_maps:
            chosen = self.chosen_map()
            self._drawn_maps = maps
            self.maps.clear()
            for name in maps:
                self.maps.addItem(MAP_TITLES.get(name, name).capitalize(), name)
            self.maps.setCurrentIndex(max(0, self.maps.findData(chosen)))
        if (review.previous, review.compare, review.legend) != self._drawn:
            self._draw_compare(review)

    def draw_look(self, look: Look) -> None:
        """Tick what is on."""
        self.proposal.setChecked("proposal" in look.visible)
        self.map.setChecked(bool(look.visible - {"proposal"}))
        self.filled.setChecked(look.filled)
        with QSignalBlocker(self.opacity):
            self.opacity.setValue(round(look.opacity * 10))

    def chosen_map(self) -> str:
        """The measure of doubt that is chosen."""
        return self.maps.currentData() or "entropy"

    def _draw_compare(self, review: ReviewState) -> None:
        self._drawn = (review.previous, review.compare, review.legend)
        self.compare.clear()
        self.compare.addItem("No difference", "")
        self.compare.addItem("vs. your labels", "labels")
        if review.previous is not None:
            self.compare.addItem(f"vs. {review.previous}", "previous")
        self.compare.setCurrentIndex(max(0, self.compare.findData(review.compare)))
        show_text(self._says, review.legend_text)
        for number, (mark, words) in enumerate(self._legend):
            colour, meaning = review.legend[number] if review.legend else ("", "")
            mark.setVisible(bool(meaning))
            if meaning:
                mark.setPixmap(swatch(colour, SWATCH).pixmap(SWATCH, SWATCH))
            show_text(words, meaning)
