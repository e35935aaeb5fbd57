"""One line below the pages: the layer in hand is none of the project's, and what can be made of it."""

from __future__ import annotations

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QFrame, QHBoxLayout, QWidget

from ..foreign import Hint
from .parts import button, named, show_text, text


class ForeignBar(QFrame):
    """There only while such a layer is in hand; `asked` is what is wanted of it: "labels", "case" or "import"."""

    asked = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("MedSSLMessage")
        self._hint: Hint | None = None
        self.words = text()
        self.act = button("Use as labels", "Make labels of the layer.", self._act)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(6, 4, 4, 4)
        layout.addWidget(self.words, 1)
        layout.addWidget(self.act, 0, Qt.AlignmentFlag.AlignTop)
        self.hide()

    def draw(self, hint: Hint | None) -> None:
        """Show a hint; nothing where there is none."""
        if hint == self._hint:
            return
        self._hint = hint
        if hint is not None:
            show_text(self.words, hint.words)
            self.act.setText(hint.button)
            named(self.act, hint.button, hint.tip)
        self.setVisible(hint is not None)

    def _act(self) -> None:
        if self._hint is not None:
            self.asked.emit(self._hint.what)
