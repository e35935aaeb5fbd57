"""Small pieces that every panel is made of: each control has a tooltip and a name for screen readers."""

from __future__ import annotations

import html
from collections.abc import Callable
from typing import Any

from qtpy.QtCore import Qt
from qtpy.QtGui import QPainter
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QLabel,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QSlider,
    QWidget,
)

from .wheel import calm

SMALLEST = 48  # pixels


def plain(words: str) -> str:
    """Words for a tooltip, where Qt takes what looks like a tag for HTML: names and errors are shown as they are.

    What has no such letters is given back as it is.
    """
    if "<" not in words and "&lt;" not in words:
        return words
    return f"<qt>{html.escape(words).replace(chr(10), '<br>')}</qt>"


def literal(words: str) -> str:
    """Words for a button or a menu, where Qt takes the letter after & for a key."""
    return words.replace("&", "&&")


def named(widget: Any, name: str, tip: str) -> Any:
    """Give a control its accessible name and its tooltip."""
    widget.setAccessibleName(name)
    widget.setToolTip(plain(tip))
    widget.setAccessibleDescription(tip)
    return widget


def button(text: str, tip: str, clicked: Callable[[], None], *, name: str | None = None) -> QPushButton:
    """A push button."""
    made = QPushButton(text)
    made.clicked.connect(lambda _=False: clicked())
    made.setCursor(Qt.CursorShape.PointingHandCursor)
    made.setMinimumWidth(SMALLEST)  # else a row of buttons makes the dock wide
    named(made, name or text, tip)
    return made


def reopen_button(clicked: Callable[[], None]) -> QPushButton:
    """The button that takes back that a case was completed; there only where that can be."""
    made = button(
        "Undo complete",
        "The case is a draft again, as it was before: what nobody had looked at is 'not looked at' again. What you "
        "drew since stays. (Ctrl+Alt+Z)",
        clicked,
    )
    made.hide()
    return made


def checkbox(text: str, tip: str, *, checked: bool = False) -> QCheckBox:
    """A check box."""
    made = QCheckBox(text)
    made.setChecked(checked)
    named(made, text, tip)
    return made


def combo(name: str, tip: str) -> QComboBox:
    """A drop-down that does not widen the dock for a long entry, and that the wheel passes over."""
    made = calm(QComboBox())
    made.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    made.setMinimumContentsLength(10)
    made.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
    named(made, name, tip)
    return made


def slider(name: str, tip: str, low: int, high: int) -> QSlider:
    """A slider from left to right, that the wheel passes over."""
    made = calm(named(QSlider(Qt.Orientation.Horizontal), name, tip))
    made.setRange(low, high)
    made.setPageStep(1)
    return made


def answers(
    dialog: QDialog, yes: tuple[str, str] | None, no: tuple[str, str]
) -> tuple[QDialogButtonBox, QPushButton | None]:
    """The buttons below a dialog, in the order of the platform, each with words and tooltip; also the one for yes."""
    box = QDialogButtonBox()
    box.accepted.connect(dialog.accept)
    box.rejected.connect(dialog.reject)
    named(box.addButton(no[0], QDialogButtonBox.ButtonRole.RejectRole), *no)
    if yes is None:
        return box, None
    return box, named(box.addButton(yes[0], QDialogButtonBox.ButtonRole.AcceptRole), *yes)


def label(words: str = "") -> QLabel:
    """A label that shows words as they are, whatever is in them."""
    made = QLabel()
    made.setTextFormat(Qt.TextFormat.PlainText)
    made.setText(words)
    return made


def text(words: str = "", *, heading: bool = False, faint: bool = False) -> QLabel:
    """A label that wraps."""
    made = label(words)
    made.setWordWrap(True)
    made.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    made.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    if heading:
        font = made.font()
        font.setBold(True)
        made.setFont(font)
        made.setStyleSheet("font-weight: bold;")
    if faint:
        made.setEnabled(True)
        made.setStyleSheet("font-size: 9pt;")
    return made


def formatted(words: str) -> QLabel:
    """A label that wraps, with HTML of our own: names in it are escaped by whoever writes it."""
    made = text()
    made.setTextFormat(Qt.TextFormat.RichText)
    made.setText(words)
    return made


class Line(QLabel):
    """A label of one line, with an ellipsis in its middle where there is no room for all of it."""

    def __init__(self, words: str) -> None:
        super().__init__()
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setText(words)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.setStyleSheet("font-weight: bold;")

    def paintEvent(self, event: object) -> None:
        """As much as there is room for; all of it is in the tooltip."""
        words = self.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideMiddle, self.width())
        where = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft
        painter, enabled = QPainter(self), self.isEnabled()
        self.style().drawItemText(
            painter, self.rect(), int(where), self.palette(), enabled, words, self.foregroundRole()
        )


def scrolling(page: QWidget) -> QScrollArea:
    """A page that scrolls up and down when it is too long, and is never wider than its place."""
    area = QScrollArea()
    area.setWidgetResizable(True)
    area.setFrameShape(QScrollArea.Shape.NoFrame)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setWidget(page)
    return area


def show_text(label: QLabel, words: str) -> None:
    """Change a label's words; hide it when there are none."""
    if label.text() != words:
        label.setText(words)
    if label.isHidden() == bool(words):
        label.setVisible(bool(words))


def enable(widget: QWidget, able: bool) -> None:
    """Enable or disable, without needless repaints."""
    if widget.isEnabled() != able:
        widget.setEnabled(able)
