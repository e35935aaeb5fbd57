"""The run on screen: how far, how long still, and three ways to stop."""

from __future__ import annotations

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QFrame, QHBoxLayout, QProgressBar, QVBoxLayout

from ..runview import RunView
from .parts import button, checkbox, enable, named, plain, show_text, text


class RunCard(QFrame):
    """The run on screen: how far, how long still, and three ways to stop."""

    stop = Signal(str)
    resume = Signal()
    curves = Signal()
    grow = Signal(bool)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("MedSSLRunCard")
        self._title = text(heading=True)
        self._phase = text()
        self.bar = named(QProgressBar(), "Training progress", "How much of the run is done.")
        self.bar.setRange(0, 1000)
        self.bar.setTextVisible(True)
        self.begins_with = text(faint=True)
        self._figures = text()
        self._behind = text()
        self._verdict = text()
        self._silence = text(heading=True)
        self._then = text()
        self.growing = checkbox(
            "Show how it grows",
            "Show in the open case what the model would propose now, as an outline that changes while it learns. It "
            "costs about 3 % of the time and changes nothing of what is learnt.",
            checked=True,
        )
        self.growing.toggled.connect(self.grow)
        self._growth = text(faint=True)
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
        self.show_curves = button("Curves", "Show the loss and Dice curves below.", self.curves.emit)
        line = QHBoxLayout()
        line.setSpacing(4)
        line.addWidget(self.keep, 3)
        line.addWidget(self.pause, 2)
        line.addWidget(self.discard, 2)
        line.addWidget(self.go_on, 2)
        below = QHBoxLayout()
        below.setSpacing(4)
        below.addWidget(self.growing, 3)
        below.addWidget(self.show_curves, 2)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 4)
        layout.setSpacing(4)
        parts = (self._title, self._phase, self._silence, self.bar, self._figures, self._then, self._verdict)
        for part in (*parts, self.begins_with, self._behind, self._warnings):
            layout.addWidget(part)
        layout.addLayout(line)
        layout.addLayout(below)
        layout.addWidget(self._growth)
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
        show_text(self.begins_with, run.begins_with)
        show_text(self._behind, run.behind)
        show_text(self._silence, run.silence)
        show_text(self._then, run.then)
        self.growing.setVisible(run.can_grow)
        if self.growing.isChecked() != run.grows:
            self.growing.setChecked(run.grows)
        show_text(self._growth, run.growth if run.can_grow else "")
        show_text(self._verdict, run.verdict)
        self._verdict.setToolTip(plain(run.verdict))
        self._verdict.setStyleSheet("font-weight: bold;" if run.is_worse else "")
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
