"""The tour: what to do now, at the top of the dock, and a frame around the control that does it."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Mapping

from qtpy.QtCore import QRect, Qt, Signal
from qtpy.QtGui import QColor, QPainter, QPen
from qtpy.QtWidgets import QFrame, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from ..tour import TourView
from .parts import button, formatted, named, show_text, text

LINE, GAP = 3, 4  # pixels

Controls = Mapping[str, Callable[[], QWidget | None]]


class TourPanel(QFrame):
    """One step: its words, and ways to go on or to leave. Before the first one, an offer."""

    wanted = Signal()
    declined = Signal()
    skipped = Signal()
    left = Signal()
    more = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFrameShape(QFrame.Shape.StyledPanel)
        self._page = ""
        self._title = text(heading=True)
        self._words = formatted("")
        self.read = button("Read more", "What the documentation says about it.", lambda: self.more.emit(self._page))
        self.skip = button("Skip", "Go on to the next step without doing this one.", self.skipped.emit)
        self.leave = button(
            "Leave", "Leave the tour. Take the tour, under the ? at the top, goes on here.", self.left.emit
        )
        self.take = button("Take the tour", "Once round on the sample project, step by step.", self.wanted.emit)
        self.no = button("No tour", "Do not offer it again. It stays under the ? at the top.", self.declined.emit)
        line = QHBoxLayout()
        line.addWidget(self.take)
        line.addWidget(self.no)
        line.addWidget(self.read)
        line.addStretch(1)
        line.addWidget(self.skip)
        line.addWidget(self.leave)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 6, 8, 6)
        layout.setSpacing(4)
        layout.addWidget(self._title)
        layout.addWidget(self._words)
        layout.addLayout(line)
        self.hide()

    def draw(self, view: TourView | None) -> None:
        """Show a step, or nothing."""
        self.setVisible(view is not None)
        if view is not None:
            offer = view.number == 0
            show_text(self._title, view.title if offer else f"Tour, step {view.number} of {view.of}: {view.title}")
            show_text(self._words, _bold(view.words))
            self._page = view.page
            self.read.setVisible(bool(view.page))
            self._draw_skip(view)
            for widget in (self.take, self.no):
                widget.setVisible(offer)
            self.skip.setVisible(not offer)
            self.leave.setVisible(not view.last and not offer)

    def _draw_skip(self, view: TourView) -> None:
        words, tip = "Skip", "Go on to the next step without doing this one."
        if view.last:
            words, tip = "Finish", "End the tour."
        elif view.read:
            words, tip = "Go on", "Go on to the next step."
        self.skip.setText(words)
        named(self.skip, words, tip)


def _bold(words: str) -> str:
    """What stands between asterisks, bold."""
    return re.sub(r"\*(.+?)\*", r"<b>\1</b>", html.escape(words, quote=False))


class Pointer(QWidget):
    """A frame around a control; the mouse goes through it."""

    def __init__(self, dock: QWidget, controls: Controls) -> None:
        super().__init__(dock)
        self._controls = controls
        self._colour = QColor()
        self._scrolled: object = None
        self.points_at: str = ""
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.hide()

    def place(self, view: TourView | None, colour: QColor) -> None:
        """Frame the control of a step that is in sight; called often, since controls move."""
        for name in view.points if view is not None else ():
            control = self._controls[name]()
            if control is None or not control.isVisible():
                continue
            self._bring_in_sight(view, control)
            seen = control.visibleRegion().boundingRect()
            if not seen.isEmpty():
                self._frame(name, control, seen, colour)
                return
        self.points_at = ""
        self.hide()

    def paintEvent(self, event: object) -> None:
        """A rounded line, of the theme's colour of text."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(self._colour, LINE))
        inset = (LINE + 1) // 2
        painter.drawRoundedRect(self.rect().adjusted(inset, inset, -inset, -inset), 6, 6)

    def _frame(self, name: str, control: QWidget, seen: QRect, colour: QColor) -> None:
        dock = self.parentWidget()
        corner = control.mapTo(dock, seen.topLeft())
        around = QRect(corner, seen.size()).adjusted(-GAP, -GAP, GAP, GAP).intersected(dock.rect())
        self.points_at = name
        if colour != self._colour:
            self._colour = QColor(colour)
            self.update()
        if around != self.geometry():
            self.setGeometry(around)
        if self.isHidden():
            self.show()
        self.raise_()

    def _bring_in_sight(self, view: object, control: QWidget) -> None:
        """Scroll to it, once a step: a person may scroll away."""
        if self._scrolled == view or control.visibleRegion().boundingRect() == control.rect():
            return
        above = control.parentWidget()
        while above is not None and not isinstance(above, QScrollArea):
            above = above.parentWidget()
        if above is not None:
            self._scrolled = view
            above.ensureWidgetVisible(control)
