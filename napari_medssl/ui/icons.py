"""Small drawings in the colour of the text: they work on dark and light, and never speak by colour alone."""

from __future__ import annotations

from qtpy.QtCore import QPointF, QRectF, Qt
from qtpy.QtGui import QColor, QIcon, QPainter, QPen, QPixmap, QPolygonF

SIZE = 16


def status_icon(status: str, colour: QColor) -> QIcon:
    """The icon of a case's status: each has a shape of its own."""
    return _drawn(colour, _SHAPES.get(status, _ring))


def swatch(colour: str, size: int = 14, *, locked: bool = False) -> QIcon:
    """A filled square of a class colour; with a padlock on it where the class is locked."""
    filled = QColor(colour)
    if not locked:
        pixmap = QPixmap(size, size)
        pixmap.fill(filled)
        return QIcon(pixmap)
    ink = QColor("black" if filled.lightnessF() > 0.45 else "white")

    def draw(painter: QPainter, colour: QColor) -> None:
        painter.fillRect(QRectF(1, 1, SIZE - 2, SIZE - 2), filled)
        painter.drawArc(QRectF(5.5, 3, 5, 7), 0, 180 * 16)
        painter.fillRect(QRectF(4, 7, 8, 6), colour)

    return _drawn(ink, draw)


def state_swatch(unseen: bool, colour: QColor) -> QIcon:
    """An empty square for background, a hatched one for what nobody looked at."""

    def draw(painter: QPainter, colour: QColor) -> None:
        painter.drawRect(QRectF(2, 2, 12, 12))
        for start in (4, 8) if unseen else ():
            painter.drawLine(QPointF(2, 6 + start), QPointF(6 + start, 2))
            painter.drawLine(QPointF(14, 14 - start), QPointF(14 - start, 14))

    return _drawn(colour, draw)


def _drawn(colour: QColor, shape: object) -> QIcon:
    ratio = 2  # crisp on dense screens
    pixmap = QPixmap(SIZE * ratio, SIZE * ratio)
    pixmap.setDevicePixelRatio(ratio)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(colour, 1.5, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin))
    shape(painter, colour)  # type: ignore[operator]
    painter.end()
    return QIcon(pixmap)


def _ring(painter: QPainter, colour: QColor) -> None:
    painter.drawEllipse(QRectF(2.5, 2.5, 11, 11))


def _half(painter: QPainter, colour: QColor) -> None:
    _ring(painter, colour)
    painter.setBrush(colour)
    painter.drawPie(QRectF(2.5, 2.5, 11, 11), 90 * 16, 180 * 16)


def _tick(painter: QPainter, colour: QColor) -> None:
    painter.drawPolyline(QPolygonF([QPointF(2.5, 8.5), QPointF(6.5, 12.5), QPointF(13.5, 3.5)]))


def _diamond(painter: QPainter, colour: QColor) -> None:
    painter.drawPolygon(QPolygonF([QPointF(8, 1.5), QPointF(14.5, 8), QPointF(8, 14.5), QPointF(1.5, 8)]))
    painter.setBrush(colour)
    painter.drawEllipse(QRectF(6.5, 6.5, 3, 3))


def _slashed(painter: QPainter, colour: QColor) -> None:
    _ring(painter, colour)
    painter.drawLine(QPointF(4.2, 11.8), QPointF(11.8, 4.2))


def _cross(painter: QPainter, colour: QColor) -> None:
    painter.drawLine(QPointF(3.5, 3.5), QPointF(12.5, 12.5))
    painter.drawLine(QPointF(12.5, 3.5), QPointF(3.5, 12.5))


def _warning(painter: QPainter, colour: QColor) -> None:
    painter.drawPolygon(QPolygonF([QPointF(8, 2), QPointF(14.5, 13.5), QPointF(1.5, 13.5)]))
    painter.drawLine(QPointF(8, 6.5), QPointF(8, 9.5))
    painter.drawPoint(QPointF(8, 11.6))


_SHAPES = {
    "new": _ring,
    "draft": _half,
    "labelled": _tick,
    "proposed": _diamond,
    "excluded": _slashed,
    "missing": _warning,
    "unreadable": _warning,
    "refused": _cross,
}
