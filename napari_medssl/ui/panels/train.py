"""The Train page: choose, see what would come of it, start, watch, stop. What is chosen goes out as an `Intent`; what
is shown comes back as a `TrainView`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

from qtpy.QtCore import QSignalBlocker, Qt, Signal
from qtpy.QtWidgets import QComboBox, QFormLayout, QHBoxLayout, QVBoxLayout, QWidget

from ...methods.catalog import CATALOG
from ...runs.estimate import MINUTES
from ...runs.outlook import Wish
from ...runs.presets import PRESET_TITLES
from ..forms import OptionsForm
from ..state import PanelState
from ..trainview import TrainView
from .method_card import MethodCard
from .number_box import NumberBox
from .parts import button, checkbox, combo, enable, plain, scrolling, show_text, text
from .run_card import RunCard
from .run_list import RunListPanel

DEVICES = {
    "auto": "Automatic",
    "cuda": "NVIDIA GPU (CUDA)",
    "mps": "Apple GPU (MPS)",
    "cpu": "Processor (CPU)",
}
SHORTEST = 0.1  # minutes
LENGTHS = {
    "2 min": 2.0,
    "10 min": 10.0,
    "30 min": 30.0,
    "Over lunch (45 min)": 45.0,
    "1 hour": 60.0,
    "Overnight (10 h)": 600.0,
}


class TrainPage(QWidget):
    """`wished` carries what is chosen now; `train` the runs that are wished for; `stop` one of keep, pause, discard."""

    wished = Signal(object)
    train = Signal(object)
    stop = Signal(str)
    resume = Signal()
    curves = Signal()
    grow = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._drawn = TrainView()
        self._form: OptionsForm | None = None
        self._minutes = MINUTES
        self.method = combo("Method", "How to learn.")
        self.method.currentIndexChanged.connect(lambda _: self._choose(method=self.method.currentData(), settings={}))
        self.outlook = MethodCard()
        self.preset = combo("Recipe", "Fitted to your scans and this computer, or exactly as its authors published it.")
        for preset, title in PRESET_TITLES.items():
            self.preset.addItem(title, preset)
        self.preset.currentIndexChanged.connect(lambda _: self._choose_preset())
        self.start_from = combo("Begin with", "Begin with what an earlier run learnt, or with nothing.")
        self.start_from.currentIndexChanged.connect(lambda _: self._choose(start_from=self.start_from.currentData()))
        self.minutes = NumberBox(
            "Minutes", "How long to train, by the clock. Proposals are made afterwards.", SHORTEST, 10_000
        )
        self.minutes.setDecimals(2)
        self.minutes.setSuffix(" min")
        self.minutes.setValue(self._minutes)
        self.minutes.setKeyboardTracking(True)  # what would be done is told while one types
        self.minutes.valueChanged.connect(lambda value: self._choose(minutes=float(value) or None))
        self.length = combo("Usual lengths", "A look, a training, a better one, and those that you need not wait for.")
        self.length.setMinimumContentsLength(4)  # beside the minutes, in a narrow dock
        self.length.addItem("Other", None)
        for words, minutes in LENGTHS.items():
            self.length.addItem(words, minutes)
        self.length.activated.connect(lambda _: self._choose_length())
        self.device = combo("Device", "Where to train. Automatic takes the fastest there is.")
        self.device.currentIndexChanged.connect(lambda _: self._choose(device=self.device.currentData()))
        self.start = button(
            "Train",
            "Start training in the background, in a process of its own. You can go on labelling, and close napari.",
            self._ask,
        )
        self._hint = text()
        self.more = checkbox("Options of the method", "Show settings that seldom need to change.")
        self.more.toggled.connect(lambda _: self._draw_options())
        self.card = RunCard()
        self.runs = RunListPanel()
        for signal, mine in (
            (self.card.stop, self.stop),
            (self.card.resume, self.resume),
            (self.card.curves, self.curves),
            (self.card.grow, self.grow),
        ):
            signal.connect(mine)
        self._lay_out()

    def _lay_out(self) -> None:
        top, form = _form_layout(), _form_layout()
        top.addRow("Method", self.method)
        time = QHBoxLayout()
        time.setSpacing(4)
        time.addWidget(self.minutes, 1)
        time.addWidget(self.length, 1)
        top.addRow("Time", time)
        for label, widget in (("Begin with", self.start_from), ("Recipe", self.preset), ("Device", self.device)):
            form.addRow(label, widget)
        self._choices, inner = QWidget(), QWidget()
        self._options = QVBoxLayout()
        below = QVBoxLayout(self._choices)
        below.setContentsMargins(0, 0, 0, 0)
        below.setSpacing(6)
        below.addLayout(top)
        below.addWidget(self.outlook)
        below.addLayout(form)
        below.addWidget(self.more)
        below.addLayout(self._options)
        scrolled = QVBoxLayout(inner)
        scrolled.setContentsMargins(0, 4, 0, 0)
        scrolled.setSpacing(6)
        scrolled.addWidget(self.card)
        scrolled.addWidget(self._choices)
        scrolled.addWidget(self.runs)
        scrolled.addStretch(1)
        self._foot = QWidget()  # stays in sight however long the page is
        foot = QVBoxLayout(self._foot)
        foot.setContentsMargins(0, 4, 0, 0)
        foot.setSpacing(4)
        foot.addWidget(self._hint)
        foot.addWidget(self.start)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(scrolling(inner), 1)
        layout.addWidget(self._foot)
        self._order()

    def _order(self) -> None:
        """The tab key goes from top to bottom; widgets were not made in that order."""
        card, runs = self.card, self.runs
        ordered = (
            card.keep, card.pause, card.discard, card.go_on, card.growing, card.show_curves,
            self.method, self.minutes, self.length, self.start_from, self.preset, self.device, self.more,
            runs.better, runs.back, runs.automatic, runs.table, runs.use_this, runs.show_curves, runs.go_on, runs.more,
            self.start,
        )  # fmt: skip
        for before, after in pairwise(ordered):
            QWidget.setTabOrder(before, after)

    def draw(self, state: PanelState) -> None:
        """Show a state."""
        self.card.draw(state.run)
        self.runs.draw(state.runs, state.model)
        if self._choices.isHidden() != state.run.under_way:
            self._choices.setVisible(not state.run.under_way)
            self._foot.setVisible(not state.run.under_way)
        train = state.train
        if train == self._drawn:
            return
        before, self._drawn = self._drawn, train
        if not train.wish.method:
            return
        boxes = (self.method, self.preset, self.start_from, self.device, self.minutes)
        blocked = [QSignalBlocker(box) for box in boxes]  # what is shown is not what a person chooses
        self._draw_choices(before, train)
        del blocked
        self.outlook.draw(train.outlook, train.why)
        if (before.wish.method, before.usual) != (train.wish.method, train.usual):
            self._forget_options()
        for widget in (self.preset, self.start_from, self.more):
            enable(widget, train.is_free)
        self._draw_options()
        enable(self.start, train.can_train)
        show_text(self._hint, train.hint)

    def _draw_choices(self, before: TrainView, train: TrainView) -> None:
        wish = train.wish
        if before.methods != train.methods:
            _fill_methods(self.method, train)
        if before.starts != train.starts:
            _fill(self.start_from, [(s.run, s.title, s.blocked, s.verdict) for s in train.starts])
        if before.devices != train.devices:
            _fill(self.device, [(device, DEVICES.get(device, device), "", "") for device in train.devices])
        for box, value in (
            (self.method, train.method),
            (self.preset, wish.preset),
            (self.start_from, wish.start_from or ""),
            (self.device, wish.device),
        ):
            if box.currentData() != value:
                box.setCurrentIndex(max(0, box.findData(value)))
        self.method.setToolTip(plain(train.outlook.title) if train.outlook is not None else "")
        published = wish.preset == "paper"
        steps = train.outlook.estimate.steps if train.outlook is not None else None
        length = f" ({steps:,} steps)" if steps else ""
        shortest = 0.0 if published else SHORTEST
        if self.minutes.minimum() != shortest:
            self.minutes.setMinimum(shortest)
        self.minutes.say_at_least(f"As published{length}" if published else "")
        if (float(self.minutes.value()) or None) != train.intent.minutes:
            self.minutes.setValue(train.intent.minutes or 0.0)
        usual = max(0, self.length.findData(train.intent.minutes)) if train.intent.minutes else 0
        if self.length.currentIndex() != usual:
            self.length.setCurrentIndex(usual)

    def wishes(self) -> tuple[Wish, ...]:
        """What is asked for: runs, one after the other."""
        return self._drawn.wishes

    # --- what a person chooses

    def _choose(self, **changes: Any) -> None:
        self.wished.emit(replace(self._drawn.intent, **changes))

    def _choose_preset(self) -> None:
        preset, minutes = self.preset.currentData(), self._drawn.intent.minutes
        if preset == "paper":  # of its own length, unless a person says otherwise
            self._minutes = minutes or self._minutes
            self._choose(preset=preset, minutes=None)
        else:
            self._choose(preset=preset, minutes=minutes or self._minutes)

    def _choose_length(self) -> None:
        minutes = self.length.currentData()
        if minutes is not None:
            self._choose(minutes=minutes)

    def take_focus(self) -> None:
        """The next press of the space bar trains, or stops the run that is under way."""
        one = self.card.keep if self._foot.isHidden() else self.start
        (one if one.isEnabled() else self.method).setFocus(Qt.FocusReason.ShortcutFocusReason)

    def _ask(self) -> None:
        self.train.emit(self.wishes())

    # --- what is shown

    def _forget_options(self) -> None:
        self._form = None
        while self._options.count():
            item = self._options.takeAt(0)
            if item is not None and item.widget() is not None:
                item.widget().hide()
                item.widget().deleteLater()

    def _draw_options(self) -> None:
        wish, shown = self._drawn.wish, self.more.isChecked() and self._drawn.is_free
        if shown and self._form is None and wish.method:
            form = self._form = OptionsForm(CATALOG[wish.method].options, self._drawn.usual)
            form.set_value(wish.settings)
            form.on_change(lambda: self._choose(settings=form.value()))
            self._options.addWidget(form.native)
            QWidget.setTabOrder(self.more, form.native)
        if self._form is not None:
            self._form.native.setVisible(shown)
        changed = len(wish.settings)
        self.more.setText("Options of the method" + (f" ({changed} changed)" if changed else ""))


def _form_layout() -> QFormLayout:
    form = QFormLayout()
    form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
    form.setRowWrapPolicy(QFormLayout.RowWrapPolicy.DontWrapRows)
    form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft)
    form.setSpacing(6)
    return form


def _fill(box: QComboBox, entries: Sequence[tuple[str, str, str, str]]) -> None:
    """Entries of (value, title, why it cannot be chosen, more to know of it)."""
    box.clear()
    for value, title, blocked, more in entries:
        box.addItem(title, value)
        box.setItemData(box.count() - 1, plain(blocked or more or title), Qt.ItemDataRole.ToolTipRole)
        _able(box, box.count() - 1, not blocked)


def _fill_methods(box: QComboBox, train: TrainView) -> None:
    """The methods under a heading for each group; one that cannot run yet can be looked at."""
    box.clear()
    group = ""
    for choice in train.methods:
        if choice.group != group:
            group = choice.group
            box.addItem(group)
            _able(box, box.count() - 1, False)
            font = box.font()
            font.setBold(True)
            box.setItemData(box.count() - 1, font, Qt.ItemDataRole.FontRole)
        box.addItem(choice.title + (" (not yet)" if choice.blocked else ""), choice.name)
        tip = f"{choice.help}\n\n{choice.blocked}".strip()
        box.setItemData(box.count() - 1, plain(tip), Qt.ItemDataRole.ToolTipRole)


def _able(box: QComboBox, row: int, able: bool) -> None:
    item = box.model().item(row)
    item.setEnabled(able)
