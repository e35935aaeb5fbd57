"""The case list as Qt wants it: sorted and filtered in one go, and nothing slow in `data`."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

from qtpy.QtCore import QAbstractTableModel, QModelIndex, QObject, QSize, Qt
from qtpy.QtGui import QColor, QFont, QImage, QPixmap

from ...project import Refused
from ..casefacts import CaseFacts
from ..caselist import COLUMNS, HEADINGS, Line, cell, lines, matches, sort_key, tip
from ..icons import SIZE, status_icon
from ..state import STATUS_TEXT
from .parts import plain

KEY = Qt.ItemDataRole.UserRole + 1
PICTURE = 40  # pixels
KEPT = 400  # thumbnails in memory
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_NUMBERS = ("doubt", "seen", "minutes")


class CaseModel(QAbstractTableModel):
    """Lines of the case list, in the order and with the filter that a person wants."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._cases: Sequence[CaseFacts] = ()
        self._refused: Sequence[Refused] = ()
        self._lines: list[Line] = []
        self._rows: list[Line] = []
        self._places: dict[str, int] = {}
        self._current: str | None = None
        self._column, self._backwards, self._words, self._status = 0, False, "", ""
        self._icons: dict[str, QPixmap] = {}
        self._pictures: OrderedDict[str, QPixmap] = OrderedDict()
        self._bold = QFont()
        self._bold.setBold(True)
        self._with_pictures = True
        self._blank = QPixmap(PICTURE, PICTURE)
        self._blank.fill(QColor(128, 128, 128, 40))

    # --- what is shown

    def show(self, cases: Sequence[CaseFacts], refused: Sequence[Refused], current: str | None) -> None:
        """Show these; the case on screen is marked. The same again costs nothing."""
        if self._current != current:
            marks = [self._places[name] for name in (self._current, current) if name in self._places]
            self._current = current
            for row in marks:
                self._announce(row, row)
        if cases is self._cases and refused is self._refused:
            return
        self._cases, self._refused = cases, refused
        self._lines = lines(cases, refused)
        self._arrange()

    def search(self, words: str | None = None, status: str | None = None) -> None:
        """Only lines with these words, of this status."""
        wanted = (self._words if words is None else words, self._status if status is None else status)
        if wanted != (self._words, self._status):
            self._words, self._status = wanted
            self._arrange()

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Sort by a column."""
        if 0 <= column < len(COLUMNS):
            self._column, self._backwards = column, order == Qt.SortOrder.DescendingOrder
            self._arrange()

    def _arrange(self) -> None:
        found = [line for line in self._lines if matches(line, self._words, self._status)]
        found.sort(key=sort_key(COLUMNS[self._column]), reverse=self._backwards)
        before = self._rows
        if len(found) == len(before) and all(a.key == b.key for a, b in zip(found, before, strict=True)):
            self._rows = found
            for row, (old, new) in enumerate(zip(before, found, strict=True)):
                if old != new:
                    self._announce(row, row)
            return
        self.beginResetModel()
        self._rows = found
        self._places = {line.key: row for row, line in enumerate(found)}
        self.endResetModel()

    # --- looks

    def set_colour(self, colour: QColor) -> None:
        """Draw icons in this colour (the theme's text)."""
        self._icons = {status: status_icon(status, colour).pixmap(SIZE, SIZE) for status in STATUS_TEXT}
        self._announce(0, len(self._rows) - 1)

    def set_pictures(self, on: bool) -> None:
        """Thumbnails before the names, or not."""
        self._with_pictures = on
        self._announce(0, len(self._rows) - 1)

    def set_picture(self, name: str, pixels: Any) -> None:
        """The thumbnail of a case: uint8 array (rows, columns, 3)."""
        height, width = pixels.shape[:2]
        image = QImage(pixels.tobytes(), width, height, 3 * width, QImage.Format.Format_RGB888)
        smooth = Qt.TransformationMode.SmoothTransformation
        size = QSize(PICTURE, PICTURE)
        self._pictures[name] = QPixmap.fromImage(image.scaled(size, Qt.AspectRatioMode.KeepAspectRatio, smooth))
        self._pictures.move_to_end(name)
        while len(self._pictures) > KEPT:
            self._pictures.popitem(last=False)
        if name in self._places:
            self._announce(self._places[name], self._places[name])

    def has_picture(self, name: str) -> bool:
        """Whether the thumbnail of a case is in memory."""
        return name in self._pictures

    # --- what Qt asks

    def line(self, row: int) -> Line:
        """The line in a row."""
        return self._rows[row]

    def row_of(self, key: str) -> int | None:
        """Where a line is, None where the filter hides it."""
        return self._places.get(key)

    def rowCount(self, parent: QModelIndex | None = None) -> int:
        """Number of lines shown."""
        return 0 if parent is not None and parent.isValid() else len(self._rows)

    def columnCount(self, parent: QModelIndex | None = None) -> int:
        """Number of columns."""
        return 0 if parent is not None and parent.isValid() else len(COLUMNS)

    def headerData(self, section: int, orientation: Any, role: int = 0) -> Any:
        """Titles of the columns."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return HEADINGS[COLUMNS[section]].title
        if role == Qt.ItemDataRole.ToolTipRole:
            return f"{HEADINGS[COLUMNS[section]].tip}\nClick to sort; right-click for more columns."
        return None

    def data(self, index: QModelIndex, role: int = 0) -> Any:
        """One cell."""
        if not 0 <= index.row() < len(self._rows):
            return None
        line, column = self._rows[index.row()], COLUMNS[index.column()]
        if role == Qt.ItemDataRole.DisplayRole:
            return cell(line.case, column, _status)
        if role == Qt.ItemDataRole.DecorationRole:
            if column == "status":
                return self._icons.get(line.case.status)
            if column == "case" and self._with_pictures:
                return self._pictures.get(line.key, self._blank)
        elif role == Qt.ItemDataRole.FontRole:
            return self._bold if line.key == self._current else None
        elif role == Qt.ItemDataRole.TextAlignmentRole:
            return _RIGHT if column in _NUMBERS else None
        elif role == KEY:
            return line.key
        elif role == Qt.ItemDataRole.ToolTipRole:
            return plain("\n".join(tip(line, _status)))
        elif role == Qt.ItemDataRole.AccessibleTextRole:
            return ", ".join(tip(line, _status))
        return None

    def _announce(self, first: int, last: int) -> None:
        if 0 <= first <= last < len(self._rows):
            self.dataChanged.emit(self.index(first, 0), self.index(last, len(COLUMNS) - 1))


def _status(status: str) -> str:
    return STATUS_TEXT.get(status, status)
