"""Labelling tools: which one, its options, where it may work; made from the list of tools."""

from __future__ import annotations

from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QStandardItemModel
from qtpy.QtWidgets import QHBoxLayout, QProgressBar, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from ...tools.catalog import GROUPS, TOOLS, Tool
from ..forms import OptionsForm
from ..toolview import ToolState
from .number_box import WholeBox
from .parts import button, combo, enable, named, plain, show_text, text

TITLES = {"Slices": "From slice to slice", "Scan": "By what the scan shows", "Border": "Border", "Pieces": "Pieces"}
SCAN, VIEW, REGION = ("scan", "Whole scan"), ("view", "What is in view"), ("region", "The region's box")
DEPTH = 10  # slices either way, to begin with


class ToolBox(QWidget):
    """A box that unfolds on the Label page."""

    apply = Signal(str, object, str, int)  # tool, settings, where, slices either way
    stop = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.fold = QToolButton()
        self.fold.setText("Tools")
        self.fold.setCheckable(True)
        self.fold.setAutoRaise(True)
        self.fold.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.fold.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        named(
            self.fold, "Tools", "Show or hide tools that draw for you: between slices, along edges, smooth, islands …"
        )
        self.fold.toggled.connect(lambda _: self._draw_fold())
        self.tools = combo(
            "Tool", "Which tool to use on the structure in hand. No tool changes other structures unless it says so."
        )
        self._fill_tools()
        self.tools.activated.connect(lambda _: self._draw_tool())
        self._help = text(faint=True)
        self.where = combo(
            "Where the tool may work",
            "Where the tool may work. What is in view: the part of the slice that the canvas shows, with some slices "
            "either way; zoom and move the canvas to choose the box.",
        )
        self.where.activated.connect(lambda _: self._draw_where())
        self.depth = WholeBox(
            "Slices either way", "How many slices before and after the one on the screen belong to the box.", 0, 999
        )
        self.depth.setPrefix("± ")
        self.depth.setValue(DEPTH)
        self._forms: dict[str, OptionsForm] = {}
        self._form_place = QVBoxLayout()
        self.start = button(
            "Apply",
            "Use the tool. It is one step: one Ctrl+Z takes it back. (Ctrl+Alt+A)",
            self.use,
            name="Apply the tool",
        )
        self.cancel = button(
            "Stop", "Give up the tool that is at work; nothing is changed.", self.stop.emit, name="Stop the tool"
        )
        self.bar = QProgressBar()
        self.bar.setRange(0, 100)
        named(self.bar, "Progress of the tool", "How far the tool has come.")
        place = QHBoxLayout()
        place.addWidget(self.where, 2)
        place.addWidget(self.depth, 1)
        buttons = QHBoxLayout()
        buttons.addWidget(self.start, 1)
        buttons.addWidget(self.bar, 2)
        buttons.addWidget(self.cancel)
        self._inside = QWidget()
        inside = QVBoxLayout(self._inside)
        inside.setContentsMargins(8, 0, 0, 0)
        inside.setSpacing(4)
        inside.addWidget(self.tools)
        inside.addWidget(self._help)
        inside.addLayout(self._form_place)
        inside.addLayout(place)
        inside.addLayout(buttons)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addWidget(self.fold)
        layout.addWidget(self._inside)
        self._drawn = ToolState()
        self._draw_fold()
        self._draw_tool()
        self.draw(self._drawn)

    @property
    def tool(self) -> Tool:
        """The one that is chosen."""
        return next(tool for tool in TOOLS if tool.name == self.tools.currentData())

    def use(self) -> None:
        """Apply the tool that is chosen."""
        if self.start.isEnabled():
            form, where = self._forms.get(self.tool.name), self.where.currentData() or "scan"
            self.apply.emit(self.tool.name, form.value() if form else {}, where, self.depth.value())

    def draw(self, state: ToolState) -> None:
        """Show whether a tool is at work, and how far it has come."""
        before, self._drawn = self._drawn, state
        running = state.facts.running
        enable(self.start, state.can_use and not running)
        self.cancel.setVisible(bool(running))
        self.bar.setVisible(bool(running))
        if running:
            self.bar.setValue(round(100 * state.facts.share))
            self._inside.setVisible(True)  # however it was begun, it can be stopped
        elif before.facts.running:
            self._draw_fold()
        if before.has_region != state.has_region:
            self._draw_where()

    def _draw_fold(self) -> None:
        shown = self.fold.isChecked()
        self.fold.setArrowType(Qt.ArrowType.DownArrow if shown else Qt.ArrowType.RightArrow)
        self._inside.setVisible(shown or bool(self._drawn.facts.running))

    def _draw_tool(self) -> None:
        """The options and places of the tool that is chosen; what was set before stays in hand."""
        tool = self.tool
        show_text(self._help, tool.help)
        if tool.name not in self._forms:
            self._forms[tool.name] = form = OptionsForm(tool.options)
            form.native.layout().setColumnStretch(1, 3)  # half of a narrow dock: choices are words here
            self._form_place.addWidget(form.native)
        for name, made in self._forms.items():
            made.native.setVisible(name == tool.name)
        chosen = self.where.currentData()
        self.where.clear()
        if "box" in tool.needs | tool.uses:
            for value, words in (VIEW, REGION) if "box" in tool.needs else (SCAN, VIEW, REGION):
                self.where.addItem(words, value)
        self.where.setCurrentIndex(max(0, self.where.findData(chosen)))
        self._draw_where()

    def _draw_where(self) -> None:
        asked = self.where.count() > 0
        self.where.setVisible(asked)
        at, model = self.where.findData("region"), self.where.model()
        if asked and isinstance(model, QStandardItemModel):
            model.item(at).setEnabled(self._drawn.has_region)
            if self.where.currentIndex() == at and not self._drawn.has_region:
                self.where.setCurrentIndex(0)
        self.depth.setVisible(asked and self.where.currentData() == "view")

    def _fill_tools(self) -> None:
        model = self.tools.model()
        assert isinstance(model, QStandardItemModel)
        for group in GROUPS:
            self.tools.addItem(TITLES.get(group, group))
            model.item(model.rowCount() - 1).setEnabled(False)
            for tool in (one for one in TOOLS if one.group == group):
                self.tools.addItem(f"    {tool.title}", tool.name)
                self.tools.setItemData(self.tools.count() - 1, plain(tool.help), Qt.ItemDataRole.ToolTipRole)
        self.tools.setCurrentIndex(1)
