"""Planes beside each other: pictures with a cross-hair that can be clicked, scrolled and walked by arrow keys."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from qtpy.QtCore import QPointF, QRectF, QSize, Qt, Signal
from qtpy.QtGui import QColor, QImage, QPainter, QPen
from qtpy.QtWidgets import QHBoxLayout, QWidget

from .parts import named

SMALLEST = 150  # pixels
USUAL = QSize(280, 260)
CROSS, BEHIND = QColor(240, 228, 66, 170), QColor(0, 0, 0, 190)
GAP = 6.0  # pixels round the place that the cross-hair leaves free
ARROWS = {
    Qt.Key.Key_Left: (0, -1),
    Qt.Key.Key_Right: (0, 1),
    Qt.Key.Key_Up: (-1, 0),
    Qt.Key.Key_Down: (1, 0),
}
PAGES = {Qt.Key.Key_PageUp: -1, Qt.Key.Key_PageDown: 1}
NOTCH = 120  # of a mouse wheel


@dataclass(frozen=True, eq=False)
class PlaneView:
    """A plane to show.

    `picture` is uint8 (rows, columns, 3), `pixel` the height and width of its pixels in mm, `cross` row and column of
    the cross-hair, `letters` those of the edges, `text` which plane it is.
    """

    picture: np.ndarray
    pixel: tuple[float, float]
    cross: tuple[int, int]
    letters: Mapping[str, str]
    text: str


class OrthoPane(QWidget):
    """One plane."""

    pointed = Signal(int, int)  # row, column
    stepped = Signal(int)  # slices

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setMinimumSize(SMALLEST, SMALLEST)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        tip = "Click or drag to go there in all planes. Wheel, or Page up and down: slices. Arrow keys: move."
        named(self, f"{name.capitalize()} plane", tip)
        self._view: PlaneView | None = None
        self._wheel = 0

    def sizeHint(self) -> QSize:
        """How large a pane begins."""
        return USUAL

    def draw(self, view: PlaneView | None) -> None:
        """Show a plane; None: nothing."""
        self._view = view
        self.update()

    def place(self, row: float, column: float) -> QPointF:
        """Where the middle of a pixel of the picture lies on this widget."""
        frame = self._frame()
        assert self._view is not None
        rows, columns = self._view.picture.shape[:2]
        x = frame.left() + (column + 0.5) / columns * frame.width()
        return QPointF(x, frame.top() + (row + 0.5) / rows * frame.height())

    def paintEvent(self, event: Any) -> None:
        """Picture, cross-hair, letters."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor("black"))
        view = self._view
        if view is None:
            return
        rows, columns = view.picture.shape[:2]
        image = QImage(view.picture.data, columns, rows, 3 * columns, QImage.Format.Format_RGB888)
        frame = self._frame()
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, frame.height() < 2 * rows)
        painter.drawImage(frame, image)
        at = self.place(*view.cross)
        painter.setPen(QPen(CROSS, 1))
        for begin, end in (
            (QPointF(frame.left(), at.y()), QPointF(at.x() - GAP, at.y())),
            (QPointF(at.x() + GAP, at.y()), QPointF(frame.right(), at.y())),
            (QPointF(at.x(), frame.top()), QPointF(at.x(), at.y() - GAP)),
            (QPointF(at.x(), at.y() + GAP), QPointF(at.x(), frame.bottom())),
        ):
            painter.drawLine(begin, end)
        self._write(painter, view)

    def mousePressEvent(self, event: Any) -> None:
        """Go to where the mouse is."""
        self._point(event)

    def mouseMoveEvent(self, event: Any) -> None:
        """Go along with the mouse while its left button is down."""
        self._point(event)

    def wheelEvent(self, event: Any) -> None:
        """Go through slices."""
        self._wheel += event.angleDelta().y()
        steps = int(self._wheel / NOTCH)
        self._wheel -= steps * NOTCH
        if steps and self._view is not None:
            self.stepped.emit(-steps)
        event.accept()

    def keyPressEvent(self, event: Any) -> None:
        """Arrow keys move the cross-hair, Page up and down go through slices."""
        key = event.key()
        if self._view is not None and key in ARROWS:
            (row, column), (down, right) = self._view.cross, ARROWS[key]
            self._go(row + down, column + right)
        elif self._view is not None and key in PAGES:
            self.stepped.emit(PAGES[key])
        else:
            super().keyPressEvent(event)

    def _point(self, event: Any) -> None:
        if self._view is None or not event.buttons() & Qt.MouseButton.LeftButton:
            return
        frame, at = self._frame(), event.position()
        rows, columns = self._view.picture.shape[:2]
        row = int((at.y() - frame.top()) / frame.height() * rows)
        self._go(row, int((at.x() - frame.left()) / frame.width() * columns))

    def _go(self, row: int, column: int) -> None:
        assert self._view is not None
        rows, columns = self._view.picture.shape[:2]
        self.pointed.emit(min(max(row, 0), rows - 1), min(max(column, 0), columns - 1))

    def _frame(self) -> QRectF:
        """Where the picture lies: as large as fits, with the true proportions."""
        if self._view is None:
            return QRectF(self.rect())
        rows, columns = self._view.picture.shape[:2]
        height, width = rows * self._view.pixel[0], columns * self._view.pixel[1]
        scale = min(self.width() / width, self.height() / height)
        size = (width * scale, height * scale)
        return QRectF((self.width() - size[0]) / 2, (self.height() - size[1]) / 2, *size)

    def _write(self, painter: QPainter, view: PlaneView) -> None:
        """Letters at the edges of the picture, on black, so that they can be read on any scan."""
        frame = self._frame().toAlignedRect().intersected(self.rect()).adjusted(2, 2, -2, -2)
        middle_x, middle_y = Qt.AlignmentFlag.AlignHCenter, Qt.AlignmentFlag.AlignVCenter
        sides = {
            "top": middle_x | Qt.AlignmentFlag.AlignTop,
            "bottom": middle_x | Qt.AlignmentFlag.AlignBottom,
            "left": middle_y | Qt.AlignmentFlag.AlignLeft,
            "right": middle_y | Qt.AlignmentFlag.AlignRight,
        }
        words = [(frame, way, view.letters.get(side, "")) for side, way in sides.items()]
        corner = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop
        words.append((self.rect().adjusted(2, 2, -2, -2), corner, view.text))
        painter.setPen(QColor("white"))
        for place, way, said in words:
            if said:
                box = painter.boundingRect(place, way, said)
                painter.fillRect(box.adjusted(-2, 0, 2, 0), BEHIND)
                painter.drawText(place, way, said)


class OrthoPanel(QWidget):
    """The planes that are not on napari's canvas, side by side."""

    pointed = Signal(str, int, int)  # plane, row, column
    stepped = Signal(str, int)

    def __init__(self, names: tuple[str, ...], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(2, 2, 2, 2)
        layout.setSpacing(4)
        self.panes = {name: OrthoPane(name) for name in names}
        for name, pane in self.panes.items():
            pane.pointed.connect(lambda row, column, name=name: self.pointed.emit(name, row, column))
            pane.stepped.connect(lambda steps, name=name: self.stepped.emit(name, steps))
            layout.addWidget(pane, 1)

    def draw(self, views: Mapping[str, PlaneView]) -> None:
        """Show these planes, and hide the others."""
        for name, pane in self.panes.items():
            pane.setVisible(name in views)
            pane.draw(views.get(name))
