"""The runs of a project as a Qt model: a row per `RunLine`."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import QAbstractTableModel, QModelIndex, QObject, Qt
from qtpy.QtGui import QColor, QFont

from ..icons import status_icon
from ..runlist import RunLine
from .parts import plain

COLUMNS = {
    "Run": "The run; the one in bold is in use.",
    "Role": "In use: its model is used where you name no other. Candidate: newer than the one you chose. Set aside: it "
    "did worse, or learnt other structures.",
    "Dice": "Overlap of its model with held-out labels, at its best measurement.",
    "State": "How far it is, or how it ended.",
    "Labels only": "How it compares with learning from the labels only, with the same labels and for the same time.",
    "Time": "How long it trained and proposed.",
    "Begins with": "The run whose model it began with.",
}
ICONS = {"in use": "labelled", "candidate": "proposed", "set aside": "excluded"}


class RunModel(QAbstractTableModel):
    """`RunLine`s, newest first."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.lines: tuple[RunLine, ...] = ()
        self._colour = QColor("gray")

    def show(self, lines: tuple[RunLine, ...]) -> bool:
        """Show these; whether rows came or went."""
        if [line.name for line in lines] != [line.name for line in self.lines]:
            self.beginResetModel()
            self.lines = lines
            self.endResetModel()
            return True
        changed = [row for row, (new, old) in enumerate(zip(lines, self.lines, strict=True)) if new != old]
        self.lines = lines
        for row in changed:
            self.dataChanged.emit(self.index(row, 0), self.index(row, len(COLUMNS) - 1))
        return False

    def set_colour(self, colour: QColor) -> None:
        """The theme's colour of text, for icons."""
        if colour != self._colour:
            self._colour = colour
            if self.lines:
                self.dataChanged.emit(self.index(0, 0), self.index(len(self.lines) - 1, len(COLUMNS) - 1))

    def words(self, line: RunLine) -> tuple[str, ...]:
        """What stands in the cells of a row."""
        return (line.name, line.role, line.dice, line.state, line.beside, line.length, line.begins_with)

    def rowCount(self, parent: QModelIndex | None = None) -> int:
        """See Qt."""
        return 0 if parent is not None and parent.isValid() else len(self.lines)

    def columnCount(self, parent: QModelIndex | None = None) -> int:
        """See Qt."""
        return 0 if parent is not None and parent.isValid() else len(COLUMNS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """See Qt."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return list(COLUMNS)[section]
        return list(COLUMNS.values())[section] if role == Qt.ItemDataRole.ToolTipRole else None

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """See Qt."""
        if not index.isValid() or index.row() >= len(self.lines):
            return None
        line, column = self.lines[index.row()], index.column()
        words = self.words(line)[column]
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return words
            case Qt.ItemDataRole.ToolTipRole:
                return plain(line.tip)
            case Qt.ItemDataRole.AccessibleTextRole:
                return f"{line.name}, {list(COLUMNS)[column]}: {words or 'none'}"
            case Qt.ItemDataRole.FontRole if line.in_use:
                font = QFont()
                font.setBold(True)
                return font
            case Qt.ItemDataRole.DecorationRole if column == 1 and line.role:
                return status_icon("missing" if line.is_worse else ICONS[line.role], self._colour)
            case Qt.ItemDataRole.DecorationRole if column == 4 and line.is_worse:
                return status_icon("missing", self._colour)
        return None
