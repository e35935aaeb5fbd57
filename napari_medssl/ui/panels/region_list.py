"""The doubtful regions: a list with a tile and a reason each, and what can be decided about them."""

from __future__ import annotations

from functools import partial

from qtpy.QtCore import QEvent, QObject, QSize, Qt, Signal
from qtpy.QtGui import QIcon, QImage, QPixmap
from qtpy.QtWidgets import QHBoxLayout, QListWidget, QListWidgetItem, QSizePolicy, QVBoxLayout, QWidget

from ..deciding import Part
from ..doubt import TILE
from ..facts import ClassFacts
from ..icons import swatch
from ..reviewview import STATES, RegionLine, ReviewState
from .parts import button, combo, enable, literal, named, plain, show_text, text

KEYS_HINT = "Region by key: Alt+Y accept, Alt+R make background, Alt+X redo"
ROWS = 4  # that are seen at least


class RegionBox(QWidget):
    """Buttons for what keys do too."""

    gone_to = Signal(int)
    step = Signal(int)  # 1 next, -1 before
    decided = Signal(str, object)  # "accept", "reject" or "redo", and the part
    made = Signal(int)  # the class that a border region is to be
    pointed_at = Signal(str, int)  # a verb, "make" with a class, or "": what the pointer is on

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
            "Make background": "Make it background where you drew nothing else: for islands, and edges that reach too "
            "far. One Ctrl+Z takes it back. (Region: Alt+R)",
            "Redo": "Make it 'not looked at' again where it is as the model proposed, or was rejected. (Region: Alt+X)",
        }
        self.verbs = {
            verb: button(word, tip, partial(self._decide, verb))
            for verb, (word, tip) in zip(("accept", "reject", "redo"), tips.items(), strict=True)
        }
        self.makes = [
            button("Make it …", "What a border is to become.", partial(self._make, number)) for number in range(2)
        ]
        self._between: tuple[ClassFacts, ...] = ()
        for made in (*self.verbs.values(), *self.makes):
            made.installEventFilter(self)
        self._hint = text(faint=True)
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
        making = QHBoxLayout()
        making.setSpacing(4)
        for widget in self.makes:
            widget.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)  # long names do not widen
            making.addWidget(widget)
        layout.addWidget(self.parts)
        layout.addLayout(deciding)
        layout.addLayout(making)
        layout.addWidget(self._hint)
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
        self._draw_between(review)
        if (review.lines, review.current) != (before.lines, before.current):
            self._draw_lines(review.lines, review.current)

    def _decide(self, verb: str) -> None:
        part = self.chosen_part()
        self.parts.setCurrentIndex(0)  # each wider decision is chosen anew
        self.decided.emit(verb, part)

    def _make(self, number: int) -> None:
        if number < len(self._between):
            self.made.emit(self._between[number].value)

    def _draw_between(self, review: ReviewState) -> None:
        """For a border between two structures there is a button for each of them."""
        show_text(self._hint, review.border_hint or KEYS_HINT)
        is_border = bool(review.between) and self.chosen_part().scope == "region"
        enable(self.verbs["reject"], review.can_review and not is_border)
        if review.between == self._between and self.makes[0].isHidden() != bool(review.between):
            return
        self._between = review.between
        for number, made in enumerate(self.makes):
            made.setVisible(bool(review.between))
            if review.between:
                one = review.between[number]
                key = f" (Ctrl+Alt+{one.key})" if one.key else ""
                made.setText(literal(f"Make it {one.name}"))
                made.setIcon(swatch(one.colour))
                tip = "What the proposal takes for a structure there becomes it; what you drew stays."
                named(made, f"Make it {one.name}", f"Make the region {one.name}{key}. {tip} One Ctrl+Z takes it back.")

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """While the pointer is on a button, what it would make of the region is shown."""
        if event.type() == QEvent.Type.Enter and watched.isEnabled():
            if watched in self.makes and self._between:
                self.pointed_at.emit("make", self._between[self.makes.index(watched)].value)
            elif self.chosen_part().scope == "region":
                verb = next((verb for verb, made in self.verbs.items() if made is watched), "")
                self.pointed_at.emit(verb, 0)
        elif event.type() == QEvent.Type.Leave:
            self.pointed_at.emit("", 0)
        return bool(super().eventFilter(watched, event))

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
            where = f" · {line.slices}" if line.slices else ""
            words = f"{line.number}. {line.reason}\n{STATES[line.state]}{where} · {line.size}"
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
