"""The case list, which is home."""

from __future__ import annotations

from functools import partial
from typing import Any

from qtpy.QtCore import QEvent, QModelIndex, QPoint, QSize, Qt, QTimer, Signal
from qtpy.QtGui import QColor
from qtpy.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QLineEdit,
    QMenu,
    QPushButton,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from ..caselist import COLUMNS, HEADINGS, STATUS_ORDER, Action, Column, Line, possible
from ..state import STATUS_TEXT, PanelState
from .case_model import KEY, PICTURE, CaseModel
from .parts import SMALLEST, button, combo, enable, literal, named, plain

WIDTHS: dict[Column, int] = {
    "case": 170, "status": 120, "doubt": 46, "seen": 66, "patient": 90, "model": 100, "minutes": 60, "comment": 160,
}  # fmt: skip
LOOK = 120  # ms of rest after which thumbnails are asked for
ACTIONS: dict[Action, tuple[str, str]] = {
    "open": ("Open", "Put the case on the screen. (Return)"),
    "flag": ("Flag", "Mark the case, to come back to it."),
    "unflag": ("Remove the flag", "Take the mark away."),
    "comment": ("Comment …", "Write something about the case; others who open the project read it."),
    "history": ("History …", "Who saved labels of the case, when and how. An earlier state can be restored."),
    "exclude": ("Leave out …", "Leave the case out of everything, with a reason. Nothing of it is removed."),
    "include": ("Take back", "The case is no longer left out."),
    "audit": ("Set aside for audit …", "Keep patients apart: no model learns from them, all are measured on them."),
    "again": ("Try again", "Read the file anew: it may have been mended or put back."),
    "forget": ("Forget", "Strike the file off the list. The file itself is not touched."),
}


class CasePanel(QWidget):
    """Filter and table.

    `opened` carries the name of the case that was double-clicked (or Return was pressed on), `asked` an action and the
    keys of the lines that it is for, `in_sight` the lines on the screen.
    """

    opened = Signal(str)
    asked = Signal(str, object)
    in_sight = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._frozen, self._title, self._carry_on = False, "", ""
        self._kept: tuple[list[str], str, int] = ([], "", 0)
        self.carry_on = button("Continue", "Go on where you stopped.", lambda: self.opened.emit(self._carry_on))
        self.carry_on.hide()
        self.filter = named(
            QLineEdit(), "Filter cases", "Show only cases with these words in name, patient or comment. (Return opens)"
        )
        self.filter.setPlaceholderText("Search …")
        self.filter.setClearButtonEnabled(True)
        self.status = combo("Status filter", "Show only cases of this status.")
        self.status.addItem("All", "")
        for key in STATUS_ORDER[:5]:
            self.status.addItem(STATUS_TEXT[key].capitalize(), key)
        self.status.addItem("Bad files", "unusable")
        self.status.addItem("⚑ Flagged", "flagged")
        self.model = CaseModel(self)
        self.table = named(QTableView(), "Cases", "Double-click a case to open it; right-click for more.")
        self._make_table()
        self._columns = QMenu(self)
        self._make_columns()
        self._more = QMenu(self)
        self._more.setToolTipsVisible(True)
        self._more.aboutToShow.connect(lambda: self._fill(self._more))
        self.buttons: dict[str, QPushButton] = {
            "flag": button("Flag", ACTIONS["flag"][1], self._flag),
            "comment": button("Comment …", ACTIONS["comment"][1], partial(self._ask, "comment")),
        }
        self.more = QPushButton("More")
        self.more.setMinimumWidth(SMALLEST)
        named(self.more, "More", "What else can be done with the chosen cases, and which columns are shown.")
        self.more.setMenu(self._more)
        self._current: str | None = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(LOOK)
        self._timer.timeout.connect(self._look)
        self._connect()
        self._lay_out()
        self._selection_changed()

    # --- what it shows

    def draw(self, state: PanelState) -> None:
        """Show the cases of a state."""
        self._frozen = state.frozen
        self.model.show(state.cases, state.refused, state.current)
        offer = state.carry_on
        self.carry_on.setVisible(offer is not None)
        if offer is not None and (literal(offer.words), offer.case) != (self.carry_on.text(), self._carry_on):
            self._carry_on = offer.case
            self.carry_on.setText(literal(offer.words))
            self.carry_on.setToolTip(plain(f"{offer.why} (Return)"))
            self.carry_on.setAccessibleName(offer.words)
        if state.title != self._title:
            self._title = state.title
            if offer is not None:  # a project was opened: Return goes on
                self.choose(offer.case)
                self.table.setFocus()
        if state.current != self._current:  # another case is on the screen: the list goes with it
            self._current = state.current
            if state.current is not None:
                self.choose(state.current)
        self._timer.start()

    def set_colour(self, colour: QColor) -> None:
        """The theme's text colour, for icons."""
        self.model.set_colour(colour)

    def names(self) -> list[str]:
        """Names of the lines as shown, top to bottom."""
        return [self.model.line(row).key for row in range(self.model.rowCount())]

    def chosen(self) -> list[Line]:
        """The lines that are selected."""
        return [self.model.line(index.row()) for index in self.table.selectionModel().selectedRows()]

    def choose(self, name: str) -> None:
        """Select a case and bring it into sight."""
        row = self.model.row_of(name)
        if row is not None:
            self.table.selectRow(row)
            self.table.scrollTo(self.model.index(row, 0))

    def show_column(self, column: Column, on: bool = True) -> None:
        """Show a column or hide it."""
        self.table.setColumnHidden(COLUMNS.index(column), not on)
        shown = sum(not self.table.isColumnHidden(place) for place in range(len(COLUMNS)))
        few = shown <= sum(heading.shown for heading in HEADINGS.values())
        modes = QHeaderView.ResizeMode
        self.table.horizontalHeader().setSectionResizeMode(0, modes.Stretch if few else modes.Interactive)
        if not few:
            self.table.setColumnWidth(0, WIDTHS["case"])

    def show_pictures(self, on: bool = True) -> None:
        """Thumbnails before the names, or lines as low as can be."""
        self.model.set_pictures(on)
        self.table.verticalHeader().setDefaultSectionSize(PICTURE + 4 if on else 24)
        self._timer.start()

    # --- what a person does

    def _activated(self, index: QModelIndex) -> None:
        line = self.model.line(index.row())
        if line.refused:
            self.asked.emit("again", [line.key])
        else:
            self.opened.emit(line.key)

    def _search_done(self) -> None:
        """Return in the search opens the first case found."""
        if self.model.rowCount():
            self.table.selectRow(0)
            self._activated(self.model.index(0, 0))

    def _ask(self, action: Action) -> None:
        keys = [line.key for line in self.chosen()]
        if not keys or action not in possible(self.chosen(), self._frozen):
            return
        if action == "open":
            self.opened.emit(keys[0])
        else:
            self.asked.emit(action, keys)

    def _flag(self) -> None:
        self._ask("unflag" if "unflag" in possible(self.chosen(), self._frozen) else "flag")

    def _context(self, where: QPoint) -> None:
        if self.table.indexAt(where).isValid():
            menu = QMenu(self)
            menu.setToolTipsVisible(True)
            self._fill(menu)
            menu.exec_(self.table.viewport().mapToGlobal(where))

    def _fill(self, menu: QMenu) -> None:
        menu.clear()
        for action, why in possible(self.chosen(), self._frozen).items():
            words, about = ACTIONS[action]
            entry = menu.addAction(words)
            entry.setToolTip(plain(why or about))
            entry.setEnabled(not why or action == "audit")  # the dialog says why not
            entry.triggered.connect(partial(self._asked_by_menu, action))
        menu.addSeparator()
        columns = menu.addMenu("Columns")
        columns.addActions(self._columns.actions())

    def _asked_by_menu(self, action: Action, checked: bool = False) -> None:
        self._ask(action)

    def _selection_changed(self, *_: Any) -> None:
        able = possible(self.chosen(), self._frozen)
        enable(self.buttons["comment"], "comment" in able)
        enable(self.buttons["flag"], bool({"flag", "unflag"} & able.keys()))
        words, about = ACTIONS["unflag" if "unflag" in able else "flag"]
        self.buttons["flag"].setText("Unflag" if "unflag" in able else words)
        self.buttons["flag"].setToolTip(plain(about))

    # --- within

    def _look(self) -> None:
        """Tell which lines are on the screen."""
        if not self.isVisible():
            return
        first = max(0, self.table.rowAt(0))
        last = self.table.rowAt(self.table.viewport().height() - 1)
        last = self.model.rowCount() - 1 if last < 0 else last
        found = [self.model.line(row) for row in range(first, last + 1)]
        if found:
            self.in_sight.emit([line for line in found if not line.refused])

    def _keep(self) -> None:
        current = self.table.currentIndex()
        key = current.data(KEY) if current.isValid() else ""
        self._kept = ([line.key for line in self.chosen()], key or "", self.table.verticalScrollBar().value())

    def _put_back(self) -> None:
        keys, current, scrolled = self._kept
        selection = self.table.selectionModel()
        flags = selection.SelectionFlag
        if (row := self.model.row_of(current)) is not None:
            selection.setCurrentIndex(self.model.index(row, 0), flags.NoUpdate)
        for row in (self.model.row_of(key) for key in keys):
            if row is not None:
                selection.select(self.model.index(row, 0), flags.Select | flags.Rows)
        self.table.verticalScrollBar().setValue(scrolled)
        self._selection_changed()
        self._timer.start()

    def event(self, event: QEvent) -> bool:
        """What comes into sight by resizing wants its thumbnails."""
        if event.type() in (QEvent.Type.Resize, QEvent.Type.Show) and hasattr(self, "_timer"):
            self._timer.start()
        return bool(super().event(event))

    def _make_table(self) -> None:
        table = self.table
        table.setModel(self.model)
        table.setSortingEnabled(True)
        table.sortByColumn(0, Qt.SortOrder.AscendingOrder)
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        table.setShowGrid(False)
        table.setWordWrap(False)
        table.setTextElideMode(Qt.TextElideMode.ElideMiddle)  # names of scans differ at their ends
        table.setTabKeyNavigation(False)
        table.setIconSize(QSize(PICTURE, PICTURE))
        table.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        table.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        rows = table.verticalHeader()
        rows.hide()
        rows.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        rows.setDefaultSectionSize(PICTURE + 4)
        head = table.horizontalHeader()
        head.setHighlightSections(False)
        head.setMinimumSectionSize(40)
        head.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        head.customContextMenuRequested.connect(lambda where: self._columns.exec_(head.mapToGlobal(where)))
        for place, column in enumerate(COLUMNS):
            table.setColumnWidth(place, WIDTHS[column])
            self.show_column(column, HEADINGS[column].shown)

    def _make_columns(self) -> None:
        self._columns.setToolTipsVisible(True)
        for column in COLUMNS[1:]:
            entry = self._columns.addAction(HEADINGS[column].title)
            entry.setToolTip(plain(HEADINGS[column].tip))
            entry.setCheckable(True)
            entry.setChecked(HEADINGS[column].shown)
            entry.toggled.connect(partial(self.show_column, column))
        self._columns.addSeparator()
        entry = self._columns.addAction("Thumbnails")
        entry.setToolTip("A small picture of each scan; without them more cases fit.")
        entry.setCheckable(True)
        entry.setChecked(True)
        entry.toggled.connect(self.show_pictures)

    def _connect(self) -> None:
        self.table.activated.connect(self._activated)
        self.table.customContextMenuRequested.connect(self._context)
        self.table.selectionModel().selectionChanged.connect(self._selection_changed)
        self.table.verticalScrollBar().valueChanged.connect(lambda _: self._timer.start())
        self.model.modelAboutToBeReset.connect(self._keep)
        self.model.modelReset.connect(self._put_back)
        self.model.dataChanged.connect(self._selection_changed)
        self.filter.textChanged.connect(lambda words: self.model.search(words=words))
        self.filter.returnPressed.connect(self._search_done)
        self.status.currentIndexChanged.connect(lambda _: self.model.search(status=self.status.currentData()))

    def _lay_out(self) -> None:
        above, below = QHBoxLayout(), QHBoxLayout()
        above.addWidget(self.filter, 3)
        above.addWidget(self.status, 2)
        for made in (*self.buttons.values(), self.more):
            below.addWidget(made)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self.carry_on)
        layout.addLayout(above)
        layout.addWidget(self.table)
        layout.addLayout(below)
        self.setMinimumHeight(170)
