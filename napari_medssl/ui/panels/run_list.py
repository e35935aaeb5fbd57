"""The trainings of the project, newest first, the model in use, and what can be done with each."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import QEvent, QPoint, Qt, Signal
from qtpy.QtGui import QPalette
from qtpy.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QMenu,
    QPushButton,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from ..modelview import ModelView
from ..runlist import RunLine
from .parts import SMALLEST, button, enable, named, plain, show_text, text
from .run_model import COLUMNS, RunModel

WIDTHS = (98, 88, 44, 62, 84, 60, 90)  # pixels, in the order of importance; what has no room is not shown
MOST = 6  # rows shown without scrolling
ROW = 24  # pixels
USE = "Use the model of this run from now on, an earlier one too. Newer runs are candidates until you choose them."
CURVES = "Show the loss and Dice curves of this run below. (Return)"
RESUME = "Go on with this run where it stopped."


class RunListPanel(QWidget):
    """`RunLine`s and a `ModelView`, drawn; hidden while there are none.

    `use` carries a run, or "" for the program to choose; `curves` and `resume` a run; `copy` words for the clipboard.
    """

    use = Signal(str)
    curves = Signal(str)
    resume = Signal(str)
    copy = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model_drawn = ModelView()
        self.in_use = text()
        self.news = text()
        self.better = button("Use it", "Use the better candidate from now on.", lambda: self.use.emit(self._better()))
        self.back = button("Go back", "Use the model of the run before.", lambda: self.use.emit(self._model_drawn.back))
        self.automatic = button(
            "Choose by itself",
            "Leave the choice to the program again: the newest model that did not do worse than another.",
            lambda: self.use.emit(""),
        )
        self.model = RunModel(self)
        self.table = named(QTableView(), "Runs", "The trainings of this project, newest first; right-click for more.")
        self._make_table()
        self.detail = text(faint=True)
        self.use_this = button("Use this model", USE, lambda: self._for_line(self.use))
        self.show_curves = button(
            "Curves", CURVES, lambda: self._for_line(self.curves), name="Curves of the chosen run"
        )
        self.go_on = button("Resume", RESUME, lambda: self._for_line(self.resume), name="Resume the chosen run")
        self._menu = QMenu(self)
        self._menu.setToolTipsVisible(True)
        self.more = QPushButton("More")
        self.more.setMinimumWidth(SMALLEST)
        named(self.more, "More for the chosen run", "Copy what went wrong, or where its log is.")
        self.more.setMenu(self._menu)
        self._menu.aboutToShow.connect(self._fill_menu)
        self._lay_out()
        self._chosen()
        self.hide()

    def draw(self, lines: tuple[RunLine, ...], model: ModelView) -> None:
        """Show these runs, and the model in use."""
        self.model.set_colour(self.palette().color(QPalette.ColorRole.WindowText))
        if model != self._model_drawn:
            self._draw_model(model)
        if lines == self.model.lines:
            return
        line = self.line()
        if self.model.show(lines):
            self.choose(line.name if line is not None else lines[0].name if lines else "")
            rows = min(MOST, len(lines))
            self.table.setFixedHeight(self.table.horizontalHeader().sizeHint().height() + ROW * rows + 4)
            self.setVisible(bool(lines))
        self._chosen()

    def line(self) -> RunLine | None:
        """The run that is chosen."""
        rows = self.table.selectionModel().selectedRows()
        return self.model.lines[rows[0].row()] if rows and rows[0].row() < len(self.model.lines) else None

    def choose(self, run: str) -> None:
        """Choose a run."""
        for row, line in enumerate(self.model.lines):
            if line.name == run:
                self.table.selectRow(row)

    def words(self) -> list[list[str]]:
        """What it says now, row by row, hidden columns too."""
        return [list(self.model.words(line)) for line in self.model.lines]

    def shown_columns(self) -> list[str]:
        """The headings that there is room for."""
        return [name for place, name in enumerate(COLUMNS) if not self.table.isColumnHidden(place)]

    def eventFilter(self, watched: Any, event: QEvent) -> bool:
        """More columns where there is more room."""
        if event.type() == QEvent.Type.Resize and watched is self.table.viewport():
            room = self.table.viewport().width()
            for place in range(len(COLUMNS)):
                hidden = place > 0 and sum(WIDTHS[: place + 1]) > room
                if self.table.isColumnHidden(place) != hidden:
                    self.table.setColumnHidden(place, hidden)
        return False

    # --- within

    def _make_table(self) -> None:
        table = self.table
        table.setModel(self.model)
        table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        table.setShowGrid(False)
        table.setWordWrap(False)
        table.setTabKeyNavigation(False)
        table.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        table.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        table.customContextMenuRequested.connect(self._show_menu)
        table.activated.connect(lambda _: self._for_line(self.curves))
        table.selectionModel().selectionChanged.connect(lambda *_: self._chosen())
        table.verticalHeader().hide()
        table.verticalHeader().setDefaultSectionSize(ROW)
        header = table.horizontalHeader()
        header.setHighlightSections(False)
        header.setMinimumSectionSize(40)
        for place, width in enumerate(WIDTHS):
            header.setSectionResizeMode(
                place, QHeaderView.ResizeMode.Interactive if place else QHeaderView.ResizeMode.Stretch
            )
            table.setColumnWidth(place, width)
        table.viewport().installEventFilter(self)

    def _lay_out(self) -> None:
        choices, actions = QHBoxLayout(), QHBoxLayout()
        for row, buttons in (
            (choices, (self.better, self.back, self.automatic)),
            (actions, (self.use_this, self.show_curves, self.go_on, self.more)),
        ):
            row.setSpacing(4)
            for one in buttons:
                row.addWidget(one)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 4, 0, 0)
        layout.setSpacing(4)
        for part in (text("Runs", heading=True), self.in_use, self.news):
            layout.addWidget(part)
        layout.addLayout(choices)
        layout.addWidget(self.table)
        layout.addWidget(self.detail)
        layout.addLayout(actions)
        self._draw_model(self._model_drawn)

    def _draw_model(self, model: ModelView) -> None:
        self._model_drawn = model
        show_text(self.in_use, model.text)
        show_text(self.news, "\n".join(model.news[:2]))
        for one, run, words in ((self.better, model.better, "Use"), (self.back, model.back, "Go back to")):
            one.setVisible(bool(run))
            one.setText(f"{words} {run}")
            one.setAccessibleName(f"{words} {run}")
        self.automatic.setVisible(model.is_chosen)

    def _better(self) -> str:
        return self._model_drawn.better

    def _chosen(self) -> None:
        line = self.line()
        show_text(self.detail, "" if line is None else line.tip)
        enable(self.use_this, line is not None and line.can_use)
        enable(self.show_curves, line is not None)
        enable(self.more, line is not None)
        self.go_on.setVisible(line is not None and line.can_resume)

    def _for_line(self, signal: Any) -> None:
        line = self.line()
        if line is not None:
            signal.emit(line.name)

    def _show_menu(self, at: QPoint) -> None:
        if self.line() is not None:
            self._menu.popup(self.table.viewport().mapToGlobal(at))

    def _fill_menu(self) -> None:
        self._menu.clear()
        line = self.line()
        if line is None:
            return
        for words, tip, able, do in (
            ("Use this model", USE, line.can_use, lambda: self.use.emit(line.name)),
            ("Show its curves", CURVES, True, lambda: self.curves.emit(line.name)),
            ("Resume", RESUME, line.can_resume, lambda: self.resume.emit(line.name)),
            ("Copy what went wrong", line.error, bool(line.error), lambda: self.copy.emit(line.error)),
            ("Copy the path of its log", line.log, bool(line.log), lambda: self.copy.emit(line.log)),
            ("Copy all that is said of it", line.tip, True, lambda: self.copy.emit(line.tip)),
        ):
            action = self._menu.addAction(words, do)
            action.setToolTip(plain(tip))
            action.setEnabled(able)
