"""The case list, which is home."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import QAbstractTableModel, QModelIndex, QSortFilterProxyModel, Qt, Signal
from qtpy.QtGui import QColor, QFont, QIcon
from qtpy.QtWidgets import QAbstractItemView, QHBoxLayout, QHeaderView, QLineEdit, QTableView, QVBoxLayout, QWidget

from ..casefacts import CaseFacts
from ..icons import status_icon
from ..state import STATUS_TEXT, PanelState
from .parts import combo, named

COLUMNS = ("Case", "Status", "Doubt")
ORDER = {
    status: number for number, status in enumerate(("proposed", "draft", "new", "labelled", "excluded", "missing"))
}
SORT = Qt.ItemDataRole.UserRole
NAME = Qt.ItemDataRole.UserRole + 1
STATUS = Qt.ItemDataRole.UserRole + 2


class CaseModel(QAbstractTableModel):
    """Cases as a table; only rows that changed are announced."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._cases: tuple[CaseFacts, ...] = ()
        self._current: str | None = None
        self._icons: dict[str, QIcon] = {}

    def show(self, cases: tuple[CaseFacts, ...], current: str | None) -> None:
        """Show these cases; the one on screen is marked."""
        same = [c.name for c in cases] == [c.name for c in self._cases]
        if not same:
            self.beginResetModel()
            self._cases, self._current = cases, current
            self.endResetModel()
            return
        before, was, self._cases, self._current = self._cases, self._current, cases, current
        for row, (old, new) in enumerate(zip(before, cases, strict=True)):
            if old != new or (was != current and new.name in (was, current)):
                self.dataChanged.emit(self.index(row, 0), self.index(row, len(COLUMNS) - 1))

    def set_colour(self, colour: QColor) -> None:
        """Draw icons in this colour (the theme's text)."""
        self._icons = {status: status_icon(status, colour) for status in STATUS_TEXT}
        if self._cases:
            self.dataChanged.emit(self.index(0, 0), self.index(len(self._cases) - 1, len(COLUMNS) - 1))

    def rowCount(self, parent: QModelIndex | None = None) -> int:
        """Number of cases."""
        return 0 if parent is not None and parent.isValid() else len(self._cases)

    def columnCount(self, parent: QModelIndex | None = None) -> int:
        """Number of columns."""
        return len(COLUMNS)

    def headerData(self, section: int, orientation: Any, role: int = 0) -> Any:
        """Names of the columns."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return COLUMNS[section]
        if role == Qt.ItemDataRole.ToolTipRole:
            return (
                "Double-click a case to open it.",
                "What has been done with the case.",
                "Expected error of the newest proposal: 0 is sure, 1 is a guess.",
            )[section]
        return None

    def data(self, index: QModelIndex, role: int = 0) -> Any:
        """One cell."""
        case = self._cases[index.row()]
        column = COLUMNS[index.column()]
        if role == NAME:
            return case.name
        if role == STATUS:
            return case.status
        if role == SORT:
            by = {
                "Case": case.name,
                "Status": ORDER.get(case.status, 9),
                "Doubt": -1.0 if case.score is None else case.score,
            }
            return by[column]
        if role == Qt.ItemDataRole.DisplayRole:
            if column == "Doubt":
                return "" if case.score is None else f"{case.score:.2f}"
            return case.name if column == "Case" else self._status(case)
        if role == Qt.ItemDataRole.DecorationRole and column == "Status":
            return self._icons.get(case.status)
        if role == Qt.ItemDataRole.FontRole and case.name == self._current:
            font = QFont()
            font.setBold(True)
            return font
        if role == Qt.ItemDataRole.TextAlignmentRole and column == "Doubt":
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        if role in (Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole):
            lines = [f"{case.name}: {self._status(case)}"]
            lines += [f"Doubt {case.score:.2f}"] if case.score is not None else []
            lines += [f"Patient {case.patient}"] if case.patient and case.patient != case.name else []
            lines += [case.note] if case.note else []
            return (", " if role == Qt.ItemDataRole.AccessibleTextRole else "\n").join(lines)
        return None

    @staticmethod
    def _status(case: CaseFacts) -> str:
        return STATUS_TEXT.get(case.status, case.status) + (" · audit" if case.audit else "")


class CasePanel(QWidget):
    """Filter and table.

    `opened` carries the name of the case that was double-clicked (or Return was pressed on).
    """

    opened = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.filter = named(QLineEdit(), "Filter cases", "Show only cases whose name contains these letters.")
        self.filter.setPlaceholderText("Filter …")
        self.filter.setClearButtonEnabled(True)
        self.status = combo("Status filter", "Show only cases of this status.")
        self.status.addItem("All", "")
        for key in ORDER:
            self.status.addItem(STATUS_TEXT[key].capitalize(), key)
        self.model = CaseModel(self)
        self._proxy = _Filter(self)
        self._proxy.setSourceModel(self.model)
        self._proxy.setSortRole(SORT)
        self._proxy.setSortCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self.table = named(QTableView(), "Cases", "Double-click a case to open it.")
        self.table.setModel(self._proxy)
        self.table.setSortingEnabled(True)
        self.table.sortByColumn(0, Qt.SortOrder.AscendingOrder)
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setShowGrid(False)
        self.table.setWordWrap(False)
        self.table.setTabKeyNavigation(False)
        self.table.verticalHeader().hide()
        self.table.verticalHeader().setDefaultSectionSize(24)
        header = self.table.horizontalHeader()
        header.setHighlightSections(False)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.Interactive)
        header.setSectionResizeMode(2, QHeaderView.ResizeMode.Interactive)
        self.table.setColumnWidth(1, 118)
        self.table.setColumnWidth(2, 58)
        self.table.activated.connect(self._activated)
        self.filter.textChanged.connect(self._proxy.setFilterFixedString)
        self.status.currentIndexChanged.connect(lambda _: self._proxy.want(self.status.currentData()))
        line = QHBoxLayout()
        line.setContentsMargins(0, 0, 0, 0)
        line.addWidget(self.filter, 3)
        line.addWidget(self.status, 2)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addLayout(line)
        layout.addWidget(self.table)
        self.setMinimumHeight(140)

    def draw(self, state: PanelState) -> None:
        """Show the cases of a state."""
        self.model.show(state.cases, state.current)

    def set_colour(self, colour: QColor) -> None:
        """The theme's text colour, for icons."""
        self.model.set_colour(colour)

    def names(self) -> list[str]:
        """Names of the cases as shown, top to bottom."""
        return [self._proxy.index(row, 0).data(NAME) for row in range(self._proxy.rowCount())]

    def _activated(self, index: QModelIndex) -> None:
        self.opened.emit(index.data(NAME))


class _Filter(QSortFilterProxyModel):
    """Cases by name and status."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setFilterCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self._wanted = ""

    def want(self, status: str) -> None:
        """Only cases of this status; all when empty."""
        self._wanted = status
        self.invalidate()

    def filterAcceptsRow(self, row: int, parent: QModelIndex) -> bool:
        """By the letters in the filter and by the status."""
        if self._wanted and self.sourceModel().index(row, 0).data(STATUS) != self._wanted:
            return False
        return bool(super().filterAcceptsRow(row, parent))
