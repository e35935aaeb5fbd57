"""Three plots of how the work goes on, each with a sentence; they can be saved."""

from __future__ import annotations

from typing import Any

import numpy as np
from qtpy.QtCore import QPoint, QSize, Qt, Signal
from qtpy.QtGui import QColor, QImage, QPainter
from qtpy.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from ...progress import Confusion, Effort, Progress, Round
from ...progress.confusion import tell_confusion
from ...progress.effort import MEASURES, tell_effort, values_of
from ...progress.learning import tell_rounds
from .parts import button, combo, named, text

HEIGHT = 260
SHARP = 2  # pixels of a saved picture for one of the screen
MOST_RUNS = 5  # named below the axis
LONGEST = 12  # letters of a class's name on an axis
MOST_NAMED = 12  # classes whose shares are written into the cells
SIGNS = {"drawn": "o", "corrected": "s", "accepted": "t1"}


class ProgressPanel(QWidget):
    """Learning curve, effort, confusion."""

    save_picture = Signal()
    save_numbers = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        import pyqtgraph

        self._pg = pyqtgraph
        self._progress: Progress | None = None
        self._colours = ("black", "white", "#56B4E9")
        self.measure = combo("Measure of effort", "What the plot in the middle shows for each finished case.")
        for name, words in MEASURES.items():
            self.measure.addItem(words.capitalize(), name)
        self.measure.setMaximumWidth(160)
        self.measure.activated.connect(lambda _: self._redraw())
        self.picture_button = button("Save picture …", "The three plots as a picture (PNG).", self.save_picture.emit)
        self.numbers_button = button(
            "Save numbers …", "The figures behind the plots, as three CSV files in a folder.", self.save_numbers.emit
        )
        top = QHBoxLayout()
        top.addWidget(self.measure)
        top.addStretch(1)
        top.addWidget(self.picture_button)
        top.addWidget(self.numbers_button)
        self.plots = QWidget()
        across = QHBoxLayout(self.plots)
        across.setContentsMargins(0, 0, 0, 0)
        across.setSpacing(16)
        self.learning = self._plot("Dice of proposals, by run", "How near proposals were to what you made of them.")
        self.effort = self._plot(
            "Effort per case", "Circles: drawn from nothing. Squares: corrected. Triangles: accepted."
        )
        self.confusion = self._plot(
            "What became of what was proposed", "Share of each proposed structure, by what you made of it."
        )
        self.words = {}
        for name, plot in (("learning", self.learning), ("effort", self.effort), ("confusion", self.confusion)):
            said = self.words[name] = text()
            said.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
            column = QVBoxLayout()
            column.addWidget(plot, 1)
            column.addWidget(said)
            across.addLayout(column, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 4, 4, 4)
        layout.addLayout(top)
        layout.addWidget(self.plots, 1)
        self.setMinimumHeight(HEIGHT)

    def sizeHint(self) -> QSize:
        """Low: the scan needs the room."""
        return QSize(900, HEIGHT)

    def draw(self, progress: Progress) -> None:
        """Show how the work goes on."""
        self._progress = progress
        self._redraw()

    def set_colours(self, background: str, foreground: str, accent: str) -> None:
        """The theme's colours."""
        self._colours = (background, foreground, accent)
        for plot in (self.learning, self.effort, self.confusion):
            plot.setBackground(background)
            for side in ("left", "bottom"):
                plot.getAxis(side).setPen(foreground)
                plot.getAxis(side).setTextPen(foreground)
            plot.setTitle(plot.accessibleName(), color=foreground, size="10pt")
        self._redraw()

    def picture(self) -> QImage:
        """The plots and what is said of them, as on the screen, twice as sharp."""
        image = QImage(self.plots.size() * SHARP, QImage.Format.Format_RGB32)
        image.setDevicePixelRatio(SHARP)
        image.fill(QColor(self._colours[0]))
        painter = QPainter(image)
        self.plots.render(painter, QPoint())
        painter.end()
        return image

    # --- within

    def _redraw(self) -> None:
        progress = self._progress
        if progress is None:
            return
        measure = self.measure.currentData()
        self._draw_learning(progress.rounds)
        self._draw_effort(progress.effort, measure)
        self._draw_confusion(progress.confusion)
        self.words["learning"].setText(tell_rounds(progress.rounds))
        self.words["effort"].setText(tell_effort(progress.effort, measure))
        self.words["confusion"].setText(tell_confusion(progress.confusion))

    def _draw_learning(self, rounds: tuple[Round, ...]) -> None:
        _, foreground, accent = self._colours
        self.learning.clear()
        x = np.arange(1, len(rounds) + 1, dtype=float)
        y = np.array([one.dice for one in rounds])
        spread = np.array([one.spread or 0.0 for one in rounds])
        self.learning.addItem(
            self._pg.ErrorBarItem(x=x, y=y, top=spread, bottom=spread, beam=0.12, pen=self._pg.mkPen(foreground))
        )
        self.learning.plot(
            x, y, pen=self._pg.mkPen(accent, width=2), symbol="o", symbolBrush=accent, symbolPen=foreground
        )
        every = -(-len(rounds) // MOST_RUNS)  # names that lie over each other tell nothing
        ticks = [(at, f"{one.run} (n={len(one.dices)})") for at, one in zip(x, rounds, strict=True)]
        self._ticks(self.learning, "bottom", ticks[:: max(1, every)])
        lowest = float((y - spread).min()) if rounds else 0.0
        self.learning.setYRange(max(0.0, min(0.5, lowest - 0.05)), 1.05, padding=0)
        self.learning.setXRange(0.5, max(2, len(rounds)) + 0.5, padding=0)
        self.learning.setLabel("left", "Dice")

    def _draw_effort(self, effort: tuple[Effort, ...], measure: str) -> None:
        _, foreground, accent = self._colours
        self.effort.clear()
        values = values_of(effort, measure)
        for kind, sign in SIGNS.items():
            at = [
                (n, v)
                for n, (v, one) in enumerate(zip(values, effort, strict=True), 1)
                if v is not None and one.kind == kind
            ]
            if at:
                x, y = zip(*at, strict=True)
                self.effort.plot(
                    x, y, pen=None, symbol=sign, symbolSize=9, symbolBrush=accent, symbolPen=foreground, name=kind
                )
        known = [v for v in values if v is not None]
        self.effort.setYRange(0, max(known, default=1) * 1.1 or 1, padding=0)
        self.effort.setXRange(0.5, max(2, len(values)) + 0.5, padding=0)
        self.effort.setLabel("left", MEASURES[measure])
        self.effort.setLabel("bottom", "finished cases, in order")

    def _draw_confusion(self, confusion: Confusion) -> None:
        background, foreground, accent = self._colours
        plot = self.confusion
        plot.clear()
        shares, names = confusion.shares(), confusion.names
        size = len(names)
        ramp = self._pg.ColorMap([0.0, 1.0], [QColor(background), QColor(accent)])
        image = self._pg.ImageItem(shares.T, levels=(0, 1), lut=ramp.getLookupTable(nPts=256))
        image.setRect(0, 0, size, size)
        plot.addItem(image)
        if confusion.cases and size <= MOST_NAMED:
            for row, column in np.argwhere(shares > 0):
                words = self._pg.TextItem(_percent(shares[row, column]), color=foreground, anchor=(0.5, 0.5))
                words.setPos(column + 0.5, row + 0.5)
                plot.addItem(words, ignoreBounds=True)
        for side, what in (("bottom", "what you made of it"), ("left", "proposed")):
            self._ticks(plot, side, [(number + 0.5, _short(name)) for number, name in enumerate(names)])
            plot.setLabel(side, what)
        plot.invertY(True)
        plot.showGrid(x=False, y=False)
        plot.setXRange(0, size, padding=0)
        plot.setYRange(0, size, padding=0)

    @staticmethod
    def _ticks(plot: Any, side: str, ticks: list[tuple[float, str]]) -> None:
        plot.getAxis(side).setTicks([ticks])

    def _plot(self, title: str, tip: str) -> Any:
        plot = self._pg.PlotWidget()
        named(plot, title, tip)
        plot.setMenuEnabled(False)
        plot.setMouseEnabled(x=False, y=False)
        plot.hideButtons()
        plot.getAxis("left").enableAutoSIPrefix(False)  # "minutes (x0.001)" helps nobody
        plot.showGrid(x=False, y=True, alpha=0.15)
        plot.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        plot.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Ignored)
        return plot


def _short(name: str) -> str:
    return name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…"


def _percent(share: float) -> str:
    return f"{share:.0%}" if share >= 0.01 or share == 0 else "<1%"
