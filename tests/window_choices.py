"""What a hand does by mistake in a real window changes nothing; run by `test_window_choices.py`.

Usage: window_choices.py FOLDER PICTURES

FOLDER holds a project with a proposal.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from qtpy.QtCore import QPoint, QTimer
from qtpy.QtWidgets import QAbstractSlider, QAbstractSpinBox, QApplication, QComboBox, QMessageBox, QScrollBar, QWidget
from window_hands import Window, settle, until


class Desk(Window):
    """A case with a proposal on the screen."""

    def begin(self, case: str) -> None:
        _, self.widget = self.viewer.window.add_plugin_dock_widget("napari-medssl", "MedSSL")
        self.widget.open_folder(self.folder)
        until(lambda: self.state.has_project, "the project")
        self.open_case(case)
        until(lambda: self.state.review.lines, "its regions")

    def wheel(self, widget: QWidget, notches: int, at: QPoint | None = None) -> None:
        """Turn the wheel over a widget; down is positive."""
        hands = self.hands
        hands._x("mousemove", *hands._place(widget, at or widget.rect().center()))
        settle()
        for _ in range(abs(notches)):
            hands._x("click", "5" if notches > 0 else "4")
            settle()

    def answering(self, words: str) -> list[str]:
        """Answer the next question by the button with these words; what it said."""
        said: list[str] = []

        def look() -> None:
            box = QApplication.activeModalWidget()
            if isinstance(box, QMessageBox) and box.isVisible():
                timer.stop()
                said.append(box.text())
                self.picture("question")
                button = next(one for one in box.buttons() if one.text().replace("&", "") == words)
                self.hands.click(button)

        timer = QTimer(self.window)
        timer.setInterval(100)
        timer.timeout.connect(look)
        timer.start()
        return said


def wheel_over_all(there: Desk) -> dict[str, Any]:
    """The wheel passes over every choice that is in sight, on each page: none of them changes."""
    tried = changed = 0
    for page in ("Label", "Train", "Review"):
        there.hands.click(there.widget.header.verbs[page])
        for control in there.widget.findChildren(QWidget):
            kind = isinstance(control, QComboBox | QAbstractSpinBox | QAbstractSlider)
            if not kind or isinstance(control, QScrollBar) or control.visibleRegion().isEmpty():
                continue
            before = control.currentIndex() if isinstance(control, QComboBox) else control.value()
            there.wheel(control, 1)
            there.wheel(control, -1)
            there.wheel(control, -1)
            after = control.currentIndex() if isinstance(control, QComboBox) else control.value()
            tried, changed = tried + 1, changed + int(before != after)
    return {"tried": tried, "changed": changed}


def scroll_review(there: Desk) -> dict[str, Any]:
    """The wheel over the list of regions, to its end and on: the page goes, and what is to be decided stays."""
    there.hands.click(there.widget.header.verbs["Review"])
    there.hands.key(there.canvas, "alt+n")
    until(lambda: there.state.review.current is not None, "a region")
    there.picture("region")
    box = there.widget.review_page.regions
    place = box.list.mapToGlobal(box.list.rect().center())
    for _ in range(30):
        there.hands._x("mousemove", str(place.x()), str(place.y()))
        there.hands._x("click", "5")
        settle()
    there.picture("scrolled")
    return {"scope": box.parts.currentText()}


def reject_all(there: Desk) -> dict[str, Any]:
    """The whole case is made background after a question; it is seen, and undone by one Ctrl+Z."""
    box, labels = there.widget.review_page.regions, there.layer("labels")
    before = labels.data.copy()
    box.parts.setCurrentIndex(box.parts.findText("The whole case"))
    said = there.answering("Make background")
    box.verbs["reject"].click()
    until(lambda: (labels.data == 0).any(), "background")
    until(lambda: there.widget.label_page.shade.isChecked(), "shading")
    there.picture("background")
    there.hands.key(there.canvas, "ctrl+z")
    until(lambda: (labels.data == before).all(), "one Ctrl+Z")
    return {"asked": "whole proposal" in said[0], "scope": box.parts.currentText()}


def complete(there: Desk) -> dict[str, Any]:
    """Two strokes, and Alt+M with the proposal on the screen: asked, and undone by Ctrl+Z."""
    labels, hands = there.layer("labels"), there.hands
    hands.click(there.widget.header.verbs["Label"])
    hands.click(there.widget.label_page._classes.button(1))
    there.paint((0.4, 0.5), 0.5)
    there.paint((0.4, 0.5), 0.6)
    until(lambda: there.state.actions.save_text == "Draft saved", "the draft")
    before = labels.data.copy()
    there.picture("strokes")
    said = there.answering("With what I drew only")
    hands.key(there.canvas, "alt+m")
    until(lambda: there.state.actions.save_text == "Saved", "complete")
    there.picture("complete")
    hands.key(there.canvas, "ctrl+z")
    until(lambda: there.state.actions.save_text == "Draft saved", "a draft again")
    np.testing.assert_array_equal(labels.data, before)
    there.picture("undone")
    return {"asked": "with the proposal, or with what you drew only?" in said[0]}


def focus(there: Desk, case: str) -> dict[str, Any]:
    """After another case was opened the arrow keys go through its slices, and no dot is painted for that."""
    there.open_case(case)
    labels = there.layer("labels")
    at = there.viewer.dims.current_step[0]
    there.hands.key(there.canvas, "Right")
    return {
        "focus": there.canvas.hasFocus(),
        "slices": int(there.viewer.dims.current_step[0] - at),
        "untouched": bool((labels.data == 255).all()),
    }


def brush(there: Desk) -> dict[str, Any]:
    """Alt and a letter while the hand moves: the brush stays."""
    labels, hands = there.layer("labels"), there.hands
    labels.mode, labels.brush_size = "paint", 2
    centre = there.canvas.rect().center()
    hands._x("mousemove", *hands._place(there.canvas, centre))
    settle()
    hands._x("keydown", "alt")
    for step in (3, 6, 9):
        hands._x("mousemove", *hands._place(there.canvas, centre + QPoint(4 * step, 0)))
        settle()
    moved = labels.brush_size
    hands._x("key", "j")
    settle()
    hands._x("mousemove", *hands._place(there.canvas, centre + QPoint(80, 0)))
    settle()
    after = labels.brush_size
    hands._x("keyup", "alt")
    settle()
    return {"moved": bool(moved > 2), "kept": bool(after == 2)}


def save(there: Desk) -> dict[str, Any]:
    """napari saves the labels under the name that it proposes, which has no ending."""
    from napari.plugins._npe2 import file_extensions_string_for_layers

    labels = there.layer("labels")
    _, writers = file_extensions_string_for_layers([labels])
    ours = next(one for one in writers if one.command == "napari-medssl.write_labels")
    there.viewer.layers.selection.active = labels
    written = there.viewer.layers.save(str(there.folder.parent / "h14"), selected=True, _writer=ours)
    there.picture("saved")
    return {"written": [Path(one).name for one in written]}


def go(folder: Path, pictures: Path) -> dict[str, Any]:
    """All of it."""
    there = Desk(folder, pictures)
    there.begin("case-2")
    told = {
        "scroll": scroll_review(there),
        "wheel": wheel_over_all(there),
        "reject": reject_all(there),
        "complete": complete(there),
        "focus": focus(there, "case-3"),
        "brush": brush(there),
        "save": save(there),
    }
    there.viewer.close()
    return told


if __name__ == "__main__":
    print(json.dumps(go(Path(sys.argv[1]), Path(sys.argv[2]))))
