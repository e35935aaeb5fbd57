"""Says who else works on the case, and offers the choice where somebody saved newer labels."""

from __future__ import annotations

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from ..othersview import OthersView
from .header import SIGNS
from .parts import button, named, plain, text


class OthersBox(QFrame):
    """A box below the pages: it comes and goes, and nothing is to move under the mouse. It holds nobody up."""

    open_theirs = Signal()
    keep_mine = Signal()
    difference = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("MedSSLOthers")
        self._sign = text()
        self._sign.setWordWrap(False)
        self.words = text()
        self.theirs = button("Open theirs", "Show the newer labels.", self.open_theirs.emit)
        self.mine = button("Save mine as the newest", "Save the labels on the screen.", self.keep_mine.emit)
        self.differ = button(
            "Show the difference",
            "Vermilion: a structure in theirs only. Blue: in those on the screen only. Yellow: another structure. "
            "Press again to take it off the screen.",
            lambda: self.difference.emit(self.differ.isChecked()),
        )
        self.differ.setCheckable(True)
        line = QHBoxLayout()
        line.addWidget(self._sign, 0, Qt.AlignmentFlag.AlignTop)
        line.addWidget(self.words, 1)
        self.choices = QWidget()
        grid = QGridLayout(self.choices)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(4)
        grid.addWidget(self.theirs, 0, 0)
        grid.addWidget(self.mine, 0, 1)
        grid.addWidget(self.differ, 1, 0, 1, 2)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 4, 6, 4)
        layout.addLayout(line)
        layout.addWidget(self.choices)
        self._drawn = OthersView()
        self.hide()

    def draw(self, view: OthersView) -> None:
        """Show who else is there."""
        if view == self._drawn:
            return
        self._drawn = view
        self.words.setText(view.words)
        named(self, "Others at this case", view.words)
        self.setToolTip("")
        self._sign.setText(SIGNS["warning" if view.choices else "info"])
        self.choices.setVisible(view.choices)
        self.theirs.setToolTip(plain(view.open_tip))
        self.mine.setToolTip(plain(view.keep_tip))
        self.mine.setVisible(view.can_keep)
        self.differ.setVisible(view.can_differ)
        self.differ.setChecked(view.differing)
        self.setVisible(bool(view.words))
