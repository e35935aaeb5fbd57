"""Loss and Dice while a run trains; a dock at the bottom."""

from __future__ import annotations

import html
from typing import Any

import numpy as np
from qtpy.QtCore import QSize, Qt
from qtpy.QtWidgets import QHBoxLayout, QSizePolicy, QWidget

from ...runs.trail import thinned
from ..runview import RunView
from .parts import named

MOST = 2000  # points drawn of a curve
HEIGHT = 170


class CurvePanel(QWidget):
    """Two plots over the steps of a run."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        import pyqtgraph

        self._pg = pyqtgraph
        layout = QHBoxLayout(self)
        layout.setContentsMargins(4, 4, 4, 4)
        self.loss = self._plot("Loss", "Mean loss of training: lower is better.")
        self.dice = self._plot(
            "Dice on held-out cases", "Overlap with labels that training never sees: higher is better."
        )
        self.dice.setYRange(0, 1)
        layout.addWidget(self.loss)
        layout.addWidget(self.dice)
        self._loss = self.loss.plot([], [])
        self._dice = self.dice.plot([], [], symbol="o", symbolSize=6)
        self._none = pyqtgraph.TextItem("No held-out cases to measure on", anchor=(0.5, 0.5))
        self._none.setPos(0.5, 0.5)
        self.dice.addItem(self._none, ignoreBounds=True)
        self.dice.setXRange(0, 1)
        self._drawn: tuple[int, int, str] | None = None
        self._run, self._foreground = "", "gray"
        self.setMinimumHeight(HEIGHT)

    def draw(self, run: RunView) -> None:
        """Show a run's curves."""
        key = (len(run.loss), len(run.dice), run.name)
        if key == self._drawn:
            return
        if self._drawn is None or self._drawn[2] != run.name:
            self._run = run.name
            self._title()
        self._drawn = key
        for item, points in ((self._loss, run.loss), (self._dice, run.dice)):
            kept = thinned(points, MOST)
            item.setData(np.array([p.step for p in kept], float), np.array([p.value for p in kept], float))

        self._none.setVisible(not run.dice)
        if run.dice:
            self.dice.enableAutoRange(axis="x")

    def sizeHint(self) -> QSize:
        """Low: the scan needs the room."""
        return QSize(600, HEIGHT)

    def set_colours(self, background: str, foreground: str, accent: str) -> None:
        """The theme's colours."""
        for plot in (self.loss, self.dice):
            plot.setBackground(background)
            for side in ("left", "bottom"):
                axis = plot.getAxis(side)
                axis.setPen(foreground)
                axis.setTextPen(foreground)
        self._foreground = foreground
        self._title()
        self._none.setColor(foreground)
        self._loss.setPen(self._pg.mkPen(accent, width=2))
        self._dice.setPen(self._pg.mkPen(accent, width=2))
        self._dice.setSymbolBrush(accent)
        self._dice.setSymbolPen(foreground)

    def _title(self) -> None:
        """What each plot shows, and of which run."""
        for plot in (self.loss, self.dice):
            words = f"{plot.accessibleName()} · {self._run}" if self._run else plot.accessibleName()
            plot.setTitle(html.escape(words), color=self._foreground, size="10pt")

    def _plot(self, title: str, tip: str) -> Any:
        plot = self._pg.PlotWidget()
        named(plot, title, tip)
        plot.setMenuEnabled(False)
        plot.setMouseEnabled(x=False, y=False)
        plot.hideButtons()
        plot.showGrid(x=True, y=True, alpha=0.15)
        plot.setLabel("bottom", "step")
        plot.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        plot.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Ignored)
        return plot
