"""The Train page: choose, start, watch, stop."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QDoubleSpinBox, QFormLayout, QFrame, QHBoxLayout, QProgressBar, QVBoxLayout, QWidget

from ...methods.catalog import CATALOG
from ..forms import OptionsForm
from ..runview import RunView
from ..state import PanelState, TrainView
from .parts import button, checkbox, combo, enable, named, show_text, text

DEVICES = {
    "auto": "Automatic",
    "cuda": "NVIDIA GPU (CUDA)",
    "mps": "Apple GPU (MPS)",
    "cpu": "Processor (CPU)",
}


class TrainPage(QWidget):
    """`train` carries the method and the wishes; `stop` one of keep, pause, discard."""

    train = Signal(str, object)
    stop = Signal(str)
    resume = Signal()
    curves = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.method = combo("Method", "How to learn.")
        self.method.currentIndexChanged.connect(lambda _: self._method_chosen())
        self._why = text()
        self.minutes = named(
            QDoubleSpinBox(), "Minutes", "How long to train, by the clock. Proposals are made afterwards."
        )
        self.minutes.setRange(0.1, 10_000)
        self.minutes.setDecimals(1)
        self.minutes.setValue(10)
        self.minutes.setSuffix(" min")
        self.minutes.setStepType(QDoubleSpinBox.StepType.AdaptiveDecimalStepType)
        self.device = combo("Device", "Where to train. Automatic takes the fastest there is.")
        self.start_from = combo("Begin with", "Begin with the weights of an earlier run, or with none.")
        self.start_from.activated.connect(lambda _: setattr(self, "_start_chosen", True))
        self._start_chosen = False
        self.more = checkbox("Options of the method", "Show settings that seldom need to change.")
        self.more.toggled.connect(self._show_options)
        self._form: OptionsForm | None = None
        self._drawn: TrainView | None = None
        self.start = button(
            "Train",
            "Start training in the background, in a process of its own. You can go on labelling, and close napari.",
            self._ask,
        )
        self._hint = text()
        form = QFormLayout()
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.setRowWrapPolicy(QFormLayout.RowWrapPolicy.DontWrapRows)
        form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft)
        form.setSpacing(6)
        for label, widget in (
            ("Method", self.method), ("Time", self.minutes), ("Device", self.device), ("Begin with", self.start_from),
        ):  # fmt: skip
            form.addRow(label, widget)
        self._options = QVBoxLayout()
        self.card = RunCard()
        for signal, mine in (
            (self.card.stop, self.stop),
            (self.card.resume, self.resume),
            (self.card.curves, self.curves),
        ):
            signal.connect(mine)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 4, 0, 0)
        layout.setSpacing(6)
        layout.addWidget(self.card)
        self._choices = QWidget()
        below = QVBoxLayout(self._choices)
        below.setContentsMargins(0, 0, 0, 0)
        below.setSpacing(6)
        below.addLayout(form)
        below.addWidget(self._why)
        below.addWidget(self._hint)
        below.addWidget(self.start)
        below.addWidget(self.more)
        below.addLayout(self._options)
        layout.addWidget(self._choices)
        layout.addStretch(1)

    def draw(self, state: PanelState) -> None:
        """Show a state."""
        self.card.draw(state.run)
        if self._choices.isHidden() != state.run.under_way:
            self._choices.setVisible(not state.run.under_way)
        train = state.train
        if train == self._drawn:
            return
        before, self._drawn = self._drawn, train
        if before is None or before.methods != train.methods:
            self._draw_methods(train)
        if before is None or before.starts != train.starts:
            chosen = self.start_from.currentData() if self._start_chosen else None
            self.start_from.clear()
            for run, shown in train.starts:
                self.start_from.addItem(shown, run)
            at = self.start_from.findData(train.start_default if chosen is None else chosen)
            self.start_from.setCurrentIndex(max(0, at))
        if self.device.count() == 0 and train.devices:
            for device in train.devices:
                self.device.addItem(DEVICES.get(device, device), device)
        self._draw_able()

    def wishes(self) -> dict[str, Any]:
        """What is asked for, as `runs.request.make_spec` takes it."""
        return {
            "minutes": float(self.minutes.value()),
            "device": self.device.currentData() or "auto",
            "start_from": self.start_from.currentData() or None,
            "settings": self._form.value() if self._form is not None else {},
        }

    def _draw_methods(self, train: TrainView) -> None:
        chosen = self.method.currentData()
        self.method.blockSignals(True)
        self.method.clear()
        for choice in train.methods:
            self.method.addItem(choice.title, choice.name)
            self.method.setItemData(self.method.count() - 1, choice.help, Qt.ItemDataRole.ToolTipRole)
        at = self.method.findData(chosen)
        if at < 0:  # the method that makes use of the unlabelled scans, as soon as it can
            able = [i for i, c in enumerate(train.methods) if not c.blocked]
            semi = [i for i in able if CATALOG[train.methods[i].name].kind == "semi-supervised"]
            at = (semi or able or [0])[0]
        self.method.setCurrentIndex(at)
        self.method.blockSignals(False)
        self._method_chosen()

    def _choice_blocked(self) -> str:
        choices = self._drawn.methods if self._drawn else ()
        return next((c.blocked for c in choices if c.name == self.method.currentData()), "")

    def _method_chosen(self) -> None:
        name = self.method.currentData()
        if name is None:
            return
        info = CATALOG[name]
        show_text(self._why, info.summary)
        self.method.setToolTip(f"{info.summary}\n\nNot when: {info.not_when}")
        self._form = None
        while self._options.count():
            item = self._options.takeAt(0)
            if item is not None and item.widget() is not None:
                item.widget().hide()
                item.widget().deleteLater()
        if self.more.isChecked():
            self._show_options(True)
        self._draw_able()

    def _draw_able(self) -> None:
        train = self._drawn
        if train is None:
            return
        blocked = self._choice_blocked()
        enable(self.start, train.can_train and not blocked)
        show_text(self._hint, train.hint or blocked)

    def _show_options(self, shown: bool) -> None:
        if shown and self._form is None and self.method.currentData():
            self._form = OptionsForm(CATALOG[self.method.currentData()].options)
            self._options.addWidget(self._form.native)
        if self._form is not None:
            self._form.native.setVisible(shown)

    def _ask(self) -> None:
        self.train.emit(self.method.currentData(), self.wishes())


class RunCard(QFrame):
    """The run on screen: how far, how long still, and three ways to stop."""

    stop = Signal(str)
    resume = Signal()
    curves = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("MedSSLRunCard")
        self._title = text(heading=True)
        self._phase = text()
        self.bar = named(QProgressBar(), "Training progress", "How much of the run is done.")
        self.bar.setRange(0, 1000)
        self.bar.setTextVisible(True)
        self._figures = text()
        self._warnings = text()
        self.keep = button(
            "Stop and keep",
            "Stop after this step, keep the model and let it make proposals.",
            lambda: self.stop.emit("keep"),
        )
        self.pause = button(
            "Pause", "Stop after this step; go on later exactly where it was.", lambda: self.stop.emit("pause")
        )
        self.discard = button(
            "Discard",
            "Stop after this step and throw the model away. Labels are not touched.",
            lambda: self.stop.emit("discard"),
        )
        self.go_on = button("Resume", "Go on exactly where the run was.", self.resume.emit)
        self._show_curves = button("Curves", "Show the loss and Dice curves below.", self.curves.emit)
        line = QHBoxLayout()
        line.setSpacing(4)
        line.addWidget(self.keep, 3)
        line.addWidget(self.pause, 2)
        line.addWidget(self.discard, 2)
        line.addWidget(self.go_on, 2)
        line.addWidget(self._show_curves, 2)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 4)
        layout.setSpacing(4)
        for part in (self._title, self._phase, self.bar, self._figures, self._warnings):
            layout.addWidget(part)
        layout.addLayout(line)
        self.hide()

    def draw(self, run: RunView) -> None:
        """Show a run; hide when there is none."""
        if self.isHidden() == run.visible:
            self.setVisible(run.visible)
        if not run.visible:
            return
        show_text(self._title, run.title)
        show_text(self._phase, run.phase)
        show_text(self._figures, run.figures)
        show_text(self._warnings, "\n".join(f"Note: {w}" for w in run.warnings[-2:]))
        if run.progress is None:
            self.bar.setRange(0, 0)
        else:
            self.bar.setRange(0, 1000)
            self.bar.setValue(round(run.progress * 1000))
            self.bar.setFormat(f"{run.progress:.0%}" + (f" · {run.eta}" if run.eta else ""))
        for widget in (self.keep, self.pause, self.discard):
            widget.setVisible(run.under_way)
            enable(widget, run.can_stop)
        self.go_on.setVisible(run.can_resume)
        self.bar.setVisible(run.under_way)
