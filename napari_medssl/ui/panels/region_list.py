"""The doubtful regions: a list with a tile and a reason each, and what can be decided about them."""

from __future__ import annotations

from functools import partial

from qtpy.QtCore import QSize, Qt, Signal
from qtpy.QtGui import QIcon, QImage, QPixmap
from qtpy.QtWidgets import QHBoxLayout, QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from ..deciding import Part
from ..doubt import TILE
from ..reviewview import STATES, RegionLine, ReviewState
from .parts import button, combo, enable, named, plain, show_text, text

ROWS = 4  # that are seen at least


class RegionBox(QWidget):
    """Buttons for what keys do too."""

    gone_to = Signal(int)
    step = Signal(int)  # 1 next, -1 before
    decided = Signal(str, object)  # "accept", "reject" or "redo", and the part

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._title = text("Doubtful regions", heading=True)
        self.list = named(
            QListWidget(),
            "Doubtful regions",
            "Where the proposal is most likely wrong, worst first. Click to go there.",
        )
        self.list.setIconSize(QSize(TILE, TILE))
        self.list.setWordWrap(True)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setResizeMode(QListWidget.ResizeMode.Adjust)
        self.list.setVerticalScrollMode(QListWidget.ScrollMode.ScrollPerPixel)
        self.list.setMinimumHeight(ROWS * (TILE + 10))
        for signal in (self.list.itemClicked, self.list.itemActivated):
            signal.connect(lambda item: self.gone_to.emit(item.data(Qt.ItemDataRole.UserRole)))
        self.before = button(
            "◀ Before (Alt+B)", "Go to the region before in the list (Alt+B).", lambda: self.step.emit(-1)
        )
        self.next = button("Next (Alt+N) ▶", "Go to the next region that is open (Alt+N).", lambda: self.step.emit(1))
        self.parts = combo("Decide about", "What the three buttons beside it are about. The keys are about the region.")
        tips = {
            "Accept": "Take what the model proposes there, background too, where you have not drawn. One Ctrl+Z takes "
            "it back. (Region: Alt+Y)",
            "Reject": "Make it background where you drew nothing else. One Ctrl+Z takes it back. (Region: Alt+R)",
            "Redo": "Make it 'not looked at' again where it is as the model proposed, or was rejected. (Region: Alt+X)",
        }
        self.verbs = {
            word.lower(): button(word, tip, partial(self._decide, word.lower())) for word, tip in tips.items()
        }
        go, deciding = QHBoxLayout(), QHBoxLayout()
        go.addWidget(self.before)
        go.addWidget(self.next)
        deciding.setSpacing(4)
        for widget in self.verbs.values():
            deciding.addWidget(widget)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 4, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self._title)
        layout.addWidget(self.list)
        layout.addLayout(go)
        layout.addWidget(self.parts)
        layout.addLayout(deciding)
        layout.addWidget(text("Region by key: Alt+Y accept, Alt+R reject, Alt+X redo", faint=True))
        self._drawn = ReviewState()
        self._draw_lines((), None)

    def chosen_part(self) -> Part:
        """What the buttons are about."""
        return self.parts.currentData() or Part("region")

    def draw(self, review: ReviewState) -> None:
        """Show a state."""
        before, self._drawn = self._drawn, review
        show_text(self._title, f"Doubtful regions: {review.text}" if review.text else "Doubtful regions")
        for widget in (*self.verbs.values(), self.parts):
            enable(widget, review.can_review)
        for widget in (self.before, self.next):
            enable(widget, bool(review.lines))
        if review.parts != before.parts:
            chosen = self.parts.currentText()
            self.parts.clear()
            for part, words in review.parts:
                self.parts.addItem(words, part)
            self.parts.setCurrentIndex(max(0, self.parts.findText(chosen)))
        if (review.case, review.current) != (before.case, before.current):
            self.parts.setCurrentIndex(0)
        if (review.lines, review.current) != (before.lines, before.current):
            self._draw_lines(review.lines, review.current)

    def _decide(self, verb: str) -> None:
        part = self.chosen_part()
        self.parts.setCurrentIndex(0)  # each wider decision is chosen anew
        self.decided.emit(verb, part)

    def _draw_lines(self, lines: tuple[RegionLine, ...], current: int | None) -> None:
        self.list.setVisible(bool(lines))
        if [self.list.item(row).data(Qt.ItemDataRole.UserRole + 1) for row in range(self.list.count())] != [
            line.key for line in lines
        ]:
            self.list.clear()
            for line in lines:
                item = QListWidgetItem(_picture(line.tile), "")
                item.setData(Qt.ItemDataRole.UserRole, line.number)
                item.setData(Qt.ItemDataRole.UserRole + 1, line.key)
                item.setData(Qt.ItemDataRole.ToolTipRole, plain(f"Region {line.number}: {line.reason}"))
                self.list.addItem(item)
        for row, line in enumerate(lines):
            words = f"{line.number}. {line.reason}\n{STATES[line.state]} · {line.size}"
            item = self.list.item(row)
            if item.text() != words:
                item.setText(words)
                item.setData(Qt.ItemDataRole.AccessibleTextRole, words)
        if current is None:
            self.list.setCurrentRow(-1)
        else:
            self.list.setCurrentRow(current - 1)


def _picture(tile: bytes) -> QIcon:
    return QIcon(QPixmap.fromImage(QImage(tile, TILE, TILE, 3 * TILE, QImage.Format.Format_RGB888)))
