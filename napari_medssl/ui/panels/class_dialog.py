"""The structures of the open project: first the table, then, where what is drawn would change, what would change."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from qtpy.QtWidgets import QDialog, QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from ...project.migration import ChangePlan, ClassChange
from ..classrows import change_of, plan_text, trouble_of
from ..facts import ClassFacts
from .class_table import ClassTable
from .parts import button, enable, show_text, text

HINT = (
    "To remove a structure, or to join it to another, say under 'What is drawn' what becomes of its voxels. "
    "Nothing is lost: each case gets a new revision of its labels."
)


class ClassDialog(QDialog):
    """Accepted with `change` set: what is to be done.

    Parameters
    ----------
    classes : sequence of ClassFacts
    ask : callable
        Told a change and what to call with its plan.
    """

    def __init__(
        self,
        classes: Sequence[ClassFacts],
        ask: Callable[[ClassChange, Callable[[ChangePlan], None]], None],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Structures to segment")
        self.resize(620, 420)
        self._ask = ask
        self._asked: ClassChange | None = None
        self.change: ClassChange | None = None
        self.table = ClassTable(classes, drawn=True)
        self.table.changed.connect(self._draw)
        self.save = button("Save", "Save the structures.", self.go_on)
        self.back = button("Back", "Back to the table; nothing is changed yet.", self._go_back)
        self.cancel = button("Cancel", "Leave the structures as they are.", self.reject)
        self.plan = text()
        self.pages = QStackedWidget()
        first = QWidget()
        inner = QVBoxLayout(first)
        inner.setContentsMargins(0, 0, 0, 0)
        inner.addWidget(self.table, 1)
        inner.addWidget(text(HINT, faint=True))
        second = QWidget()
        told = QVBoxLayout(second)
        told.setContentsMargins(0, 0, 0, 0)
        told.addWidget(text("What would change", heading=True))
        told.addWidget(self.plan)
        told.addStretch(1)
        self.pages.addWidget(first)
        self.pages.addWidget(second)
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        for one in (self.back, self.cancel, self.save):
            buttons.addWidget(one)
        layout = QVBoxLayout(self)
        layout.addWidget(self.pages, 1)
        layout.addLayout(buttons)
        self._draw()

    def go_on(self) -> None:
        """Save; or first show what would change, where something that is drawn would."""
        if trouble_of(self.table.rows):
            return
        change = change_of(self.table.rows)
        if not change.values or self.pages.currentIndex() == 1:
            self.change = change
            self.accept()
            return
        self._asked = change
        show_text(self.plan, "Counting …")
        self.pages.setCurrentIndex(1)
        self._draw()
        self._ask(change, self._planned)

    def _planned(self, plan: ChangePlan) -> None:
        if self._asked is plan.change:
            show_text(self.plan, plan_text(plan))
            self._asked = None
            self._draw()

    def _go_back(self) -> None:
        self._asked = None
        self.pages.setCurrentIndex(0)
        self._draw()

    def _draw(self) -> None:
        fine = not trouble_of(self.table.rows)
        planned = self.pages.currentIndex() == 1
        moves = fine and bool(change_of(self.table.rows).values)
        self.save.setText("Change" if planned else "What would change …" if moves else "Save")
        self.back.setVisible(planned)
        enable(self.save, fine and self._asked is None)
