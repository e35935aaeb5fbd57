"""What a check of scans found, with a tick for each scan to leave out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from qtpy.QtCore import Qt, QTimer, Signal
from qtpy.QtGui import QPalette
from qtpy.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QProgressBar,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from ...project.examining import Report
from ...project.findings import Finding, in_words
from ..checkwork import Checking, reasons
from ..icons import status_icon
from ..windowwords import in_window
from .parts import answers, button, enable, named, plain, show_text, text

LOOK = 100  # ms between looks at the progress
MOST = 200  # lines below one finding
MENTIONED = 6  # names in a sentence
ICONS = {"error": "refused", "warning": "missing", "info": "new"}
LEVELS = {"error": "Problem", "warning": "Look at", "info": "Note"}
KEY = Qt.ItemDataRole.UserRole

#: starts a check: what to call with the report, and with an error
Start = Callable[[Callable[[Report], None], Callable[[Exception], None]], Checking]


class CheckView(QWidget):
    """Progress while scans are read, then what was found.

    `ended` is told when nothing more is read: done, stopped, or failed.
    """

    ended = Signal()

    def __init__(self, start: Start, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.report: Report | None = None
        self.over = False
        self._checking: Checking | None = None
        self.bar = named(QProgressBar(), "Check", "How many files were read.")
        self.bar.setFormat("Reading %v of %m")
        self.skip = button("Skip", "Stop reading; what was found so far is shown.", self.stop, name="Skip the check")
        self.words = text("Reading the scans …")
        self.list = named(QTreeWidget(), "What was found", "Tick the scans that are to be left out.")
        self.list.setHeaderLabels(["Leave out", "What was found"])
        self.list.setColumnWidth(0, 200)
        self.list.setMinimumHeight(140)
        self.list.hide()
        self.details = text()  # a line is too short for what there is to say
        self.details.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.details.setMinimumHeight(3 * self.details.fontMetrics().lineSpacing())
        self.details.hide()
        self.list.currentItemChanged.connect(lambda item, _: self._show_details(item))
        line = QHBoxLayout()
        line.addWidget(self.bar, 1)
        line.addWidget(self.skip)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(line)
        layout.addWidget(self.words, 0, Qt.AlignmentFlag.AlignTop)
        layout.addWidget(self.list, 1)
        layout.addWidget(self.details)
        self._timer = QTimer(self)
        self._timer.setInterval(LOOK)
        self._timer.timeout.connect(self._look)
        self._timer.start()
        self._checking = start(self._done, self._failed)
        self._look()

    def stop(self) -> None:
        """Read no further."""
        if self._checking is not None:
            self._checking.stop()
        enable(self.skip, False)

    def left_out(self) -> list[str]:
        """Keys of the scans that are ticked."""
        found: dict[str, None] = {}
        for place in range(self.list.topLevelItemCount()):
            top = self.list.topLevelItem(place)
            for row in range(top.childCount()):
                child = top.child(row)
                if child.checkState(0) == Qt.CheckState.Checked:
                    found.update(dict.fromkeys(child.data(0, KEY)))
        return list(found)

    def why(self) -> dict[str, str]:
        """The ticked scans, each with why it is left out."""
        return reasons(() if self.report is None else self.report.findings, self.left_out())

    def _look(self) -> None:
        now = self._checking
        if now is not None and not self.over:
            self.bar.setRange(0, now.total)
            self.bar.setValue(now.done)

    def _failed(self, error: Exception) -> None:
        self._end(f"⚠ The check could not be made: {error}")

    def _done(self, report: Report) -> None:
        self.report = report
        part = "" if report.whole else " The check was skipped before the end."
        self._end(f"{report.scans} scans read: {in_words(report.findings)}.{part}")
        for finding in report.findings:
            self._add(finding)
        self.list.setVisible(bool(report.findings))
        self.list.setCurrentItem(self.list.topLevelItem(0))
        self.ended.emit()

    def _end(self, words: str) -> None:
        self.over = True
        self._timer.stop()
        self.bar.hide()
        self.skip.hide()
        self.words.setText(words)
        if self.report is None:
            self.ended.emit()

    def _show_details(self, item: QTreeWidgetItem | None) -> None:
        while item is not None and item.parent() is not None:
            item = item.parent()
        words = "" if item is None else str(item.data(0, KEY))
        show_text(self.details, words)

    def _add(self, finding: Finding) -> None:
        finding = replace(finding, todo=in_window(finding.todo))
        names = finding.items[0] if len(finding.items) == 1 else f"{len(finding.items)} files"
        top = QTreeWidgetItem([f"{LEVELS[finding.level]}: {names}", f"{finding.what} {finding.todo}"])
        top.setIcon(0, status_icon(ICONS[finding.level], self.palette().color(QPalette.ColorRole.WindowText)))
        some = ", ".join(finding.items[:MENTIONED]) + (" …" if len(finding.items) > MENTIONED else "")
        top.setData(0, KEY, f"{some}: {finding.what} {finding.todo}")
        for column in (0, 1):
            top.setToolTip(column, plain(f"{some}\n{finding.what}\n{finding.todo}"))
        ticked = Qt.CheckState.Checked if finding.level == "error" else Qt.CheckState.Unchecked
        for words, keys in _choices(finding):
            child = QTreeWidgetItem([words, ""])
            child.setFlags(child.flags() | Qt.ItemFlag.ItemIsUserCheckable)
            child.setCheckState(0, ticked)
            child.setData(0, KEY, keys)
            child.setToolTip(0, plain(words))
            top.addChild(child)
        self.list.addTopLevelItem(top)
        if finding.leave_out:
            top.setFlags(top.flags() | Qt.ItemFlag.ItemIsUserCheckable | Qt.ItemFlag.ItemIsAutoTristate)
            top.setCheckState(0, ticked)
        top.setExpanded(finding.level == "error" and len(finding.leave_out) <= 5)


def _choices(finding: Finding) -> list[tuple[str, list[str]]]:
    """What can be ticked: each scan, and the rest together where there are very many."""
    keys = finding.leave_out
    choices = [(Path(key).name, [key]) for key in keys[:MOST]]
    return choices + ([(f"{len(keys) - MOST} more", list(keys[MOST:]))] if len(keys) > MOST else [])


class CheckDialog(QDialog):
    """The scans of the open project: what is odd about them, and which to leave out."""

    def __init__(self, start: Start, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Check the scans")
        self.setMinimumSize(560, 320)
        self.view = CheckView(start)
        leave_out = ("Leave out what is ticked", "Those cases are left out of everything; Take back undoes that.")
        box, self.ok = answers(self, leave_out, ("Close", "Change nothing."))
        enable(self.ok, False)
        self.view.ended.connect(self._enable)
        self.view.list.itemChanged.connect(lambda *_: self._enable())
        self.finished.connect(lambda _: self.view.stop())
        layout = QVBoxLayout(self)
        layout.addWidget(text("Reads every scan and its newest labels; nothing is changed."))
        layout.addWidget(self.view, 1)
        layout.addWidget(box)

    def _enable(self) -> None:
        enable(self.ok, self.view.over and bool(self.view.left_out()))
