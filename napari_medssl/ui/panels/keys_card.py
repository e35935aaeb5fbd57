"""The card of keys: to search, to copy, to print."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QHeaderView,
    QLineEdit,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from ..keycard import Row, as_text, search
from .parts import button, named, plain, show_text, text


class KeysCard(QDialog):
    """Stays open beside the window while one goes on."""

    copied = Signal(str)
    saved = Signal(str)

    def __init__(self, card: Sequence[Row], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Keys")
        self.resize(540, 640)
        self._card = tuple(card)
        self.search = named(QLineEdit(), "Search the keys", "A key or a word, such as: accept, Alt+N, brush.")
        self.search.setPlaceholderText("Search: accept, Alt+N, brush …")
        self.search.setClearButtonEnabled(True)
        self.search.textChanged.connect(self._draw)
        self.list = named(QTreeWidget(), "Keys", "What each key does. Keys work while the canvas has the keyboard.")
        self.list.setColumnCount(2)
        self.list.setHeaderLabels(["Key", "Does"])
        self.list.setRootIsDecorated(False)
        self.list.setWordWrap(True)
        self.list.header().setSectionResizeMode(0, QHeaderView.ResizeMode.ResizeToContents)
        self._none = text("No key for that. Every button says its key in its tooltip.")
        buttons = QHBoxLayout()
        for one in (
            button("Copy as text", "Put these keys on the clipboard.", lambda: self.copied.emit(self.words())),
            button("Save as text …", "Write these keys to a file, to print it.", lambda: self.saved.emit(self.words())),
            button("Close", "Close the card. It is under the ? at the top.", self.close),
        ):
            one.setAutoDefault(False)  # Return in the search is no wish to copy
            buttons.addWidget(one)
        layout = QVBoxLayout(self)
        layout.addWidget(self.search)
        layout.addWidget(self._none)
        layout.addWidget(self.list, 1)
        layout.addWidget(text("napari's own keys need the keyboard on the canvas: click there first.", faint=True))
        layout.addLayout(buttons)
        self._draw()

    def words(self) -> str:
        """What is shown, as plain text."""
        return as_text(search(self._card, self.search.text()))

    def shown(self) -> list[tuple[str, str]]:
        """Keys and words on the screen."""
        tops = [self.list.topLevelItem(n) for n in range(self.list.topLevelItemCount())]
        return [(top.child(n).text(0), top.child(n).text(1)) for top in tops for n in range(top.childCount())]

    def _draw(self) -> None:
        self.list.clear()
        tops: dict[str, QTreeWidgetItem] = {}
        for row in search(self._card, self.search.text()):
            if row.section not in tops:
                top = tops[row.section] = QTreeWidgetItem([row.section])
                self.list.addTopLevelItem(top)
                top.setFirstColumnSpanned(True)
                top.setFlags(Qt.ItemFlag.ItemIsEnabled)
                font = top.font(0)
                font.setBold(True)
                top.setFont(0, font)
            item = QTreeWidgetItem([row.key, row.words])
            item.setToolTip(1, plain(row.words))
            tops[row.section].addChild(item)
        self.list.expandAll()
        show_text(self._none, "" if tops else "No key for that. Every button says its key in its tooltip.")
