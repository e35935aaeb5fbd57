"""Who saved labels of a case, when and how; an earlier state can be made the newest again."""

from __future__ import annotations

from qtpy.QtWidgets import QDialog, QHeaderView, QTableWidget, QTableWidgetItem, QVBoxLayout, QWidget

from ..historyview import HEADS, History
from .parts import answers, enable, named, plain, text

NOTE = HEADS.index("Note")


class HistoryDialog(QDialog):
    """The table, and one button to restore the line that is chosen."""

    def __init__(self, history: History, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(f"History of {history.case}")
        self.resize(720, 380)
        self._history = history
        self.words = text(
            "Every save is kept. The line that counts is what the window shows and what models learn from."
            if history.lines
            else "Nobody has saved labels of this case yet."
        )
        self.table = named(QTableWidget(len(history.lines), len(HEADS)), "History", "All saves, newest first.")
        self.table.setHorizontalHeaderLabels(list(HEADS))
        self.table.verticalHeader().hide()
        self.table.setSelectionBehavior(QTableWidget.SelectionBehavior.SelectRows)
        self.table.setSelectionMode(QTableWidget.SelectionMode.SingleSelection)
        self.table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        self.table.setTabKeyNavigation(False)
        for row, line in enumerate(history.lines):
            for column, words in enumerate(line.cells):
                cell = QTableWidgetItem(words)
                cell.setToolTip(plain(words))
                if line.counts:
                    font = cell.font()
                    font.setBold(True)
                    cell.setFont(font)
                self.table.setItem(row, column, cell)
        self.table.resizeColumnsToContents()
        self.table.horizontalHeader().setSectionResizeMode(NOTE, QHeaderView.ResizeMode.Stretch)
        box, self.restore = answers(
            self,
            ("Restore", "Save the chosen labels again as the newest. Those that count now stay in the history."),
            ("Close", "Change nothing."),
        )
        layout = QVBoxLayout(self)
        layout.addWidget(self.words)
        layout.addWidget(self.table)
        layout.addWidget(box)
        self.table.itemSelectionChanged.connect(self._chosen_changed)
        self._chosen_changed()

    def chosen(self) -> str | None:
        """The revision that is chosen, where restoring it would change something."""
        rows = self.table.selectionModel().selectedRows()
        line = self._history.lines[rows[0].row()] if rows else None
        return None if line is None or line.counts else line.revision

    def _chosen_changed(self) -> None:
        assert self.restore is not None
        enable(self.restore, self.chosen() is not None)


def ask_history(parent: QWidget, history: History) -> str | None:
    """Which revision to restore; None where nothing is to change."""
    dialog = HistoryDialog(history, parent)
    return dialog.chosen() if dialog.exec_() == QDialog.DialogCode.Accepted else None
