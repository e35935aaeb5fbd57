"""A table of structures: label, name, key, lock and order; colours from a palette that everybody can tell apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QColor
from qtpy.QtWidgets import (
    QColorDialog,
    QComboBox,
    QHBoxLayout,
    QHeaderView,
    QMenu,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from ...project import PALETTE
from ..classrows import BACKGROUND, NOT_LOOKED_AT, STAYS, ClassRow, advice_on, new_row, rows_of, trouble_of
from ..facts import ClassFacts
from ..icons import swatch
from .parts import button, combo, enable, named, show_text, text

LABEL, NAME, KEY, LOCK, FATE = range(5)
HEADS = ("Label", "Name", "Key", "Locked", "What is drawn")
PALETTE_NAMES = ("orange", "sky blue", "bluish green", "yellow", "blue", "vermillion", "reddish purple")


class ClassTable(QWidget):
    """Structures, one a line.

    Parameters
    ----------
    classes : sequence of ClassFacts
    drawn : bool
        Whether something may be drawn with them already: a line then says what becomes of it.
    """

    changed = Signal()

    def __init__(
        self, classes: Sequence[ClassFacts] = (), parent: QWidget | None = None, *, drawn: bool = False
    ) -> None:
        super().__init__(parent)
        self._drawn = drawn
        self.rows: list[ClassRow] = rows_of(classes)
        if not drawn:
            self.rows = [replace(row, before=None) for row in self.rows]
        self._filling = False
        tip = "Double-click a label, a name or a key to change it. Keys are digits; with Alt they take the structure."
        self.table = named(QTableWidget(0, len(HEADS) if drawn else FATE), "Structures", tip)
        self.table.setHorizontalHeaderLabels(HEADS[: self.table.columnCount()])
        self.table.horizontalHeader().setSectionResizeMode(NAME, QHeaderView.ResizeMode.Stretch)
        for column, width in ((LABEL, 64), (KEY, 44), (LOCK, 60), (FATE, 170)):
            if column < self.table.columnCount():
                self.table.setColumnWidth(column, width)
        self.table.verticalHeader().hide()
        self.table.setSelectionBehavior(QTableWidget.SelectionBehavior.SelectRows)
        self.table.itemChanged.connect(self._typed)
        self.table.currentCellChanged.connect(lambda *_: self._offer())
        self.add = button("Add", "One more structure to segment.", self.add_row)
        self.colour = button("Colour", "The colour of the structure in the line that is marked.", lambda: None)
        menu = QMenu(self.colour)
        for name, colour in zip(PALETTE_NAMES, PALETTE, strict=True):
            menu.addAction(swatch(colour), name.capitalize(), partial(self.set_colour, colour))
        menu.addSeparator()
        menu.addAction("Another colour …", self._ask_colour)
        self.colour.setMenu(menu)
        self.up = button("Up", "Move the line up: the order on the Label page.", partial(self._move, -1))
        self.down = button("Down", "Move the line down: the order on the Label page.", partial(self._move, 1))
        self.remove = button("Remove", "Take out a line that was just added.", self._remove)
        self._words = text()
        line = QHBoxLayout()
        for one in (self.add, self.colour, self.up, self.down, self.remove):
            line.addWidget(one)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.table)
        layout.addLayout(line)
        layout.addWidget(self._words)
        self._fill(0)

    def add_row(self) -> None:
        """A line ready to be typed in."""
        self.rows.append(new_row(self.rows))
        self._fill(len(self.rows) - 1)
        self.table.editItem(self.table.item(len(self.rows) - 1, NAME))

    def set_colour(self, colour: str) -> None:
        """Give the structure in the marked line a colour."""
        self._set(self.table.currentRow(), colour=colour)

    def set_fate(self, row: int, fate: str) -> None:
        """Say what becomes of what is drawn with the structure of a line."""
        self._set(row, fate=fate)

    # --- within

    def _set(self, at: int, **values: object) -> None:
        if 0 <= at < len(self.rows):
            self.rows[at] = replace(self.rows[at], **values)  # type: ignore[arg-type]  # fields of a row, by name
            self._fill(at)

    def _ask_colour(self) -> None:
        at = self.table.currentRow()
        if 0 <= at < len(self.rows):
            chosen = QColorDialog.getColor(QColor(self.rows[at].colour), self, f"Colour of {self.rows[at].name}")
            if chosen.isValid():
                self.set_colour(chosen.name())

    def _move(self, by: int) -> None:
        at = self.table.currentRow()
        if 0 <= at < len(self.rows) and 0 <= at + by < len(self.rows):
            self.rows[at], self.rows[at + by] = self.rows[at + by], self.rows[at]
            self._fill(at + by)

    def _remove(self) -> None:
        at = self.table.currentRow()
        if 0 <= at < len(self.rows) and self.rows[at].before is None:
            gone = self.rows.pop(at)
            self.rows = [replace(row, fate=STAYS) if row.fate == str(gone.id) else row for row in self.rows]
            self._fill(min(at, len(self.rows) - 1))

    def _typed(self, item: QTableWidgetItem) -> None:
        if self._filling:
            return
        row, words = self.rows[item.row()], item.text().strip()
        match item.column():
            case c if c == LABEL:
                row = replace(row, value=int(words)) if words.isdecimal() else row
            case c if c == NAME:
                row = replace(row, name=words)
            case c if c == KEY:
                row = replace(row, key=words[:1])
            case c if c == LOCK:
                row = replace(row, locked=item.checkState() == Qt.CheckState.Checked)
        self.rows[item.row()] = row
        self._fill(item.row())

    def _fill(self, current: int) -> None:
        self._filling = True
        self.table.setRowCount(len(self.rows))
        for at, row in enumerate(self.rows):
            for column, words in ((LABEL, str(row.value)), (NAME, row.name), (KEY, row.key), (LOCK, "")):
                self.table.setItem(at, column, self._item(row, column, words))
            if self._drawn:
                self.table.setCellWidget(at, FATE, self._fate(at, row))
        self._filling = False
        column = max(0, self.table.currentColumn())
        self.table.setCurrentCell(current, column)
        self._offer()
        trouble = trouble_of(self.rows)
        show_text(self._words, f"⚠ {trouble}" if trouble else f"⚠ {advice}" if (advice := advice_on(self.rows)) else "")
        self.changed.emit()

    def _item(self, row: ClassRow, column: int, words: str) -> QTableWidgetItem:
        item = QTableWidgetItem(words)
        if column == LABEL:
            item.setIcon(swatch(row.colour, locked=row.locked))
            item.setToolTip("Its value in label files, 1 to 254.")
        if column == LOCK:
            item.setFlags((item.flags() | Qt.ItemFlag.ItemIsUserCheckable) & ~Qt.ItemFlag.ItemIsEditable)
            item.setCheckState(Qt.CheckState.Checked if row.locked else Qt.CheckState.Unchecked)
            item.setToolTip("No tool overwrites a structure while it is locked.")
        if not row.stays:
            font = item.font()
            font.setStrikeOut(True)
            item.setFont(font)
        return item

    def _fate(self, at: int, row: ClassRow) -> QComboBox:
        tip = "Stays; or the structure is removed, and its voxels become something else."
        box = combo(f"What becomes of {row.name}", tip)
        box.addItem("is new" if row.before is None else "stays", STAYS)
        if row.before is not None:
            box.addItem("becomes background", BACKGROUND)
            box.addItem("becomes not looked at", NOT_LOOKED_AT)
            for other in self.rows:
                if other.id != row.id and other.stays:
                    box.addItem(f"becomes {other.name}", str(other.id))
        box.setCurrentIndex(max(0, box.findData(row.fate)))
        box.setEnabled(row.before is not None)
        box.activated.connect(lambda _: self.set_fate(at, box.currentData()))
        return box

    def _offer(self) -> None:
        at = self.table.currentRow()
        marked = 0 <= at < len(self.rows)
        enable(self.colour, marked)
        enable(self.up, marked and at > 0)
        enable(self.down, marked and at < len(self.rows) - 1)
        enable(self.remove, marked and self.rows[at].before is None)
