"""What the chosen method would do here: what it uses, how long it takes, when not to use it, why it cannot run."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFrame, QGridLayout

from ...runs.outlook import Outlook
from .parts import show_text, text

CANNOT = "Cannot run"
MISSING = "Not learnt"


class MethodCard(QFrame):
    """An `Outlook`, drawn; rows that have nothing to say are hidden."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("MedSSLMethodCard")
        self.setFrameShape(QFrame.Shape.StyledPanel)
        grid = QGridLayout(self)
        grid.setContentsMargins(8, 6, 8, 6)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(4)
        grid.setColumnStretch(1, 1)
        self.title = text(heading=True)  # the list of methods may have no room for all of it
        self.summary = text(faint=True)
        grid.addWidget(self.title, 0, 0, 1, 2)
        grid.addWidget(self.summary, 1, 0, 1, 2)
        self.rows = {}
        for row, name in enumerate((CANNOT, "Why", "Uses", MISSING, "Recipe", "Time", "Not when"), 2):
            key, value = text(name, heading=True), text()
            key.setWordWrap(False)
            value.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
            grid.addWidget(key, row, 0, Qt.AlignmentFlag.AlignTop)
            grid.addWidget(value, row, 1)
            self.rows[name] = (key, value)

    def draw(self, outlook: Outlook | None, why: tuple[str, ...] = ()) -> None:
        """Show an outlook, and in lines why it is recommended; hide without one."""
        self.setVisible(outlook is not None)
        if outlook is None:
            return
        show_text(self.title, outlook.title)
        show_text(self.summary, outlook.summary)
        lack = outlook.lack
        for name, words in (
            (CANNOT, "" if lack is None else f"⚠ {lack}"),
            ("Why", "\n".join(why)),
            ("Uses", f"{outlook.uses}. {outlook.measured}" if lack is None else ""),
            (MISSING, outlook.caution and f"⚠ {outlook.caution}"),
            ("Recipe", outlook.departs),
            ("Time", outlook.time if lack is None else ""),
            ("Not when", outlook.not_when),
        ):
            key, value = self.rows[name]
            show_text(value, words)
            if key.isHidden() == bool(words):
                key.setVisible(bool(words))

    def words(self) -> dict[str, str]:
        """What it says now, by row."""
        return {name: value.text() for name, (_, value) in self.rows.items() if not value.isHidden()}
