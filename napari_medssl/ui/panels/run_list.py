"""The trainings of the project, newest first: how they ended, how good they are, how they stand beside labels only."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtGui import QColor, QPalette
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem, QVBoxLayout, QWidget

from ..icons import status_icon
from ..runlist import RunLine
from .parts import named, text

COLUMNS = {
    "Run": "The run; the one in bold is used where you choose none.",
    "State": "How far it is, or how it ended.",
    "Dice": "Overlap of its model with held-out labels, at its best measurement.",
    "Labels only": "How it compares with learning from the labels only, with the same labels and for the same time.",
}
MOST = 6  # rows shown without scrolling
ROW = 24  # pixels


class RunListPanel(QWidget):
    """`RunLine`s, drawn; hidden while there are none."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._drawn: tuple[RunLine, ...] = ()
        self.table = named(QTableWidget(0, len(COLUMNS)), "Runs", "The trainings of this project, newest first.")
        self.table.setHorizontalHeaderLabels(list(COLUMNS))
        for column, tip in enumerate(COLUMNS.values()):
            self.table.horizontalHeaderItem(column).setToolTip(tip)
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.table.setShowGrid(False)
        self.table.setWordWrap(False)
        self.table.setTabKeyNavigation(False)
        self.table.verticalHeader().hide()
        self.table.verticalHeader().setDefaultSectionSize(ROW)
        header = self.table.horizontalHeader()
        header.setHighlightSections(False)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        for column, width in ((1, 88), (2, 52), (3, 92)):
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.Interactive)
            self.table.setColumnWidth(column, width)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 4, 0, 0)
        layout.setSpacing(2)
        layout.addWidget(text("Runs", heading=True))
        layout.addWidget(self.table)
        self.hide()

    def draw(self, lines: tuple[RunLine, ...]) -> None:
        """Show these runs."""
        if lines == self._drawn:
            return
        self._drawn = lines
        self.setVisible(bool(lines))
        self.table.setRowCount(len(lines))
        colour = self.palette().color(QPalette.ColorRole.WindowText)
        for row, line in enumerate(lines):
            for column, words in enumerate((line.name, line.state, line.dice, line.beside)):
                self.table.setItem(row, column, _cell(line, words, colour if column == 3 else None))
        self.table.setFixedHeight(self.table.horizontalHeader().sizeHint().height() + ROW * min(MOST, len(lines)) + 4)

    def words(self) -> list[list[str]]:
        """What it says now, row by row."""
        return [
            [self.table.item(row, column).text() for column in range(len(COLUMNS))]
            for row in range(self.table.rowCount())
        ]


def _cell(line: RunLine, words: str, mark: QColor | None) -> QTableWidgetItem:
    """A cell of a run; with a warning's icon in the colour of `mark` where the run is marked."""
    cell = QTableWidgetItem(words)
    cell.setToolTip(line.tip)
    cell.setData(Qt.ItemDataRole.AccessibleTextRole, f"{line.name}, {words}")
    if mark is not None and line.is_worse:
        cell.setIcon(status_icon("missing", mark))
    if line.in_use:
        font = cell.font()
        font.setBold(True)
        cell.setFont(font)
    return cell
