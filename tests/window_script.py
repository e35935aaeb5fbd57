"""One round in a real napari window, driven by real mouse and key events; run by `test_window_round_trip.py`.

Its own process, because Qt's platform is chosen once per process. Usage: window_script.py FOLDER PICTURES
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import napari
import numpy as np
from qtpy.QtCore import QEventLoop, QPoint, Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QMenu, QWidget

from napari_medssl.project import Project
from napari_medssl.ui import projects
from napari_medssl.ui.plugin import MedSSLWidget

KEYS = {"alt": Qt.KeyboardModifier.AltModifier, "ctrl": Qt.KeyboardModifier.ControlModifier}


class Hands:
    """Mouse and keyboard: events of the X server through xdotool, or Qt's own where it is not installed."""

    def __init__(self) -> None:
        self.xdotool = shutil.which("xdotool")

    def click(self, widget: QWidget, at: QPoint | None = None, *, double: bool = False) -> None:
        """Click the middle of a widget, or a point in it."""
        point = at if at is not None else widget.rect().center()
        if self.xdotool:
            self._x("mousemove", *self._place(widget, point))
            settle()
            self._x("click", *(["--repeat", "2", "--delay", "60"] if double else []), "1")
        elif double:
            QTest.mouseClick(widget, Qt.MouseButton.LeftButton, pos=point)
            QTest.mouseDClick(widget, Qt.MouseButton.LeftButton, pos=point)
        else:
            QTest.mouseClick(widget, Qt.MouseButton.LeftButton, pos=point)
        settle()

    def drag(self, widget: QWidget, points: list[QPoint]) -> None:
        """Press at the first point, move over the others, let go at the last."""
        if self.xdotool:
            self._x("mousemove", *self._place(widget, points[0]))
            settle()
            self._x("mousedown", "1")
            settle()
            for point in points[1:]:
                self._x("mousemove", *self._place(widget, point))
                settle()
            self._x("mouseup", "1")
        else:
            QTest.mousePress(widget, Qt.MouseButton.LeftButton, pos=points[0])
            for point in points[1:]:
                QTest.mouseMove(widget, point)
                settle()
            QTest.mouseRelease(widget, Qt.MouseButton.LeftButton, pos=points[-1])
        settle()

    def key(self, widget: QWidget, combination: str) -> None:
        """Press a key such as "alt+u" or "Tab" while `widget` has the focus."""
        if self.xdotool:
            self._x("key", combination)
        else:
            *modifiers, name = combination.split("+")
            state = Qt.KeyboardModifier.NoModifier
            for modifier in modifiers:
                state |= KEYS[modifier]
            QTest.keyClick(widget, getattr(Qt.Key, f"Key_{name.upper() if len(name) == 1 else name}"), state)
        settle()

    def write(self, widget: QWidget, words: str) -> None:
        """Type letters."""
        if self.xdotool:
            self._x("type", "--delay", "20", words)
        else:
            QTest.keyClicks(widget, words)
        settle()

    def focus(self, window: QWidget) -> None:
        """Give a window the keyboard, which a window manager would do."""
        if self.xdotool:
            self._x("windowfocus", str(int(window.winId())))
        window.activateWindow()
        settle()

    @staticmethod
    def _place(widget: QWidget, point: QPoint) -> tuple[str, str]:
        place = widget.mapToGlobal(point)
        return str(place.x()), str(place.y())

    def _x(self, *arguments: str) -> None:
        assert self.xdotool
        subprocess.run([self.xdotool, *arguments], check=True, capture_output=True, timeout=20)


def settle() -> None:
    """Let Qt handle what has come in, until nothing comes for a moment."""
    quiet = 0
    while quiet < 3:
        begin = time.monotonic()
        QApplication.processEvents(QEventLoop.ProcessEventsFlag.AllEvents, 20)
        quiet = quiet + 1 if time.monotonic() - begin < 0.02 else 0


def until(condition: Callable[[], Any], what: str, timeout: float = 120.0) -> Any:
    """Handle events until something holds."""
    end = time.monotonic() + timeout
    while not (found := condition()):
        QApplication.processEvents(QEventLoop.ProcessEventsFlag.AllEvents, 20)
        if time.monotonic() > end:
            raise AssertionError(f"waited {timeout:.0f} s in vain: {what}")
    return found


class Round:
    """The window and what a person does in it."""

    def __init__(self, folder: Path, pictures: Path) -> None:
        self.folder, self.pictures, self.hands, self.count = folder, pictures, Hands(), 0
        self.viewer = napari.Viewer()
        self.window = self.viewer.window._qt_window
        self.window.setGeometry(0, 0, 1500, 940)
        self.widget: Any = None
        self.last_case = ""
        self.hands.focus(self.window)

    def picture(self, name: str) -> None:
        """Keep what is on the screen."""
        settle()
        self.count += 1
        path = self.pictures / f"{self.count:02d}-{name}.png"
        assert self.window.screen().grabWindow(0).save(str(path))
        print(f"{path.name}: {self.state.counts if self.widget else ''}", flush=True)

    @property
    def state(self) -> Any:
        return self.widget.session.state

    @property
    def canvas(self) -> QWidget:
        return self.viewer.window._qt_viewer.canvas.native

    def menu(self, *words: str) -> None:
        """Go through the menus with the mouse, as far down as `words` says."""
        bar = self.window.menuBar()
        action = next(a for a in bar.actions() if a.text().replace("&", "") == words[0])
        self.hands.click(bar, bar.actionGeometry(action).center())
        menu: QMenu = until(lambda: QApplication.activePopupWidget(), f"menu {words[0]}")
        for word in words[1:]:
            action = next(a for a in menu.actions() if a.text().replace("&", "").startswith(word))
            self.hands.click(menu, menu.actionGeometry(action).center())
            if action.menu() is not None:
                menu = until(lambda a=action: a.menu() if a.menu().isVisible() else None, f"menu {word}")
        until(lambda: QApplication.activePopupWidget() is None, "the menus closed")

    def docks(self) -> list[MedSSLWidget]:
        """The MedSSL docks that are open."""
        return [w for w in self.viewer.window.dock_widgets.values() if isinstance(w, MedSSLWidget)]

    def open_sample(self) -> None:
        self.menu("File", "Open Sample", "MedSSL", "Sample project")
        self.widget = self.docks()[0]
        until(lambda: self.widget.layers.has_case, "the sample's first case", 240)
        assert self.state.progress == (3, projects.SAMPLE_CASES)
        self.hands.focus(self.window)
        self.picture("sample-project")

    def open_case(self, name: str) -> None:
        table = self.widget.cases.table
        row = self.widget.cases.names().index(name)
        table.scrollTo(table.model().index(row, 0))
        settle()
        self.hands.click(table.viewport(), table.visualRect(table.model().index(row, 0)).center(), double=True)
        until(lambda: self.state.actions.can_label and self.state.current == name, f"{name} open")
        self.picture("case-open")

    def layer(self, role: str) -> Any:
        return next(layer for layer in self.viewer.layers if layer.metadata.get("medssl", {}).get("role") == role)

    def paint(self, across: tuple[float, float], height: float) -> int:
        """Draw a stroke over the canvas, from part to part of its width; how many voxels are of a class now."""
        size = self.canvas.size()
        steps = np.linspace(*across, 9)
        self.hands.drag(self.canvas, [QPoint(int(x * size.width()), int(height * size.height())) for x in steps])
        data = self.layer("labels").data
        return int(((data > 0) & (data < 255)).sum())

    def train(self, minutes: str) -> str:
        head, page = self.widget.header, self.widget.train_page
        self.hands.click(head.verbs["Train"])
        box = page.minutes
        self.hands.click(box, QPoint(box.width() // 3, box.height() // 2))
        self.hands.key(box, "ctrl+a")
        self.hands.write(box, minutes)
        self.hands.key(box, "Tab")
        assert box.value() == float(minutes), box.value()
        self.hands.click(page.start)
        until(lambda: self.state.run.under_way, "the run under way")
        until(lambda: len(self.state.run.loss) >= 1, f"a loss curve ({self.state.message})", 240)
        until(lambda: self.widget.curves.panel is not None and self.widget.curves.panel.isVisible(), "the curves")
        self.picture("training")
        name = str(self.state.run.name)
        until(lambda: not self.state.run.under_way, "the end of the run", 240)
        assert self.state.run.title.startswith("Finished"), (self.state.run.title, self.state.run.phase)
        return name


def close_and_open_again(there: Round) -> None:
    """The dock's own cross saves and lets go; opened again, the plugin starts afresh and its keys work."""
    old = there.widget
    there.paint((0.45, 0.55), 0.55)
    there.hands.click(old.parent().title.close_button)
    until(lambda: old._closed, "the dock closed")
    assert not old._timer.isActive()
    project = Project.open(there.folder / "project")
    assert project.case(there.last_case).latest() is not None
    there.menu("Plugins", "MedSSL")
    (there.widget,) = until(there.docks, "the dock opened again")
    assert there.widget is not old
    there.menu("File", "Open Sample", "MedSSL", "Sample project")
    assert there.docks() == [there.widget], "the sample opens in the dock that is there"
    until(lambda: there.state.has_project, "the project again")
    until(lambda: there.widget.layers.has_case, "the suggested case")
    first = there.state.current
    there.hands.focus(there.window)
    there.hands.key(there.canvas, "alt+g")
    until(lambda: there.state.current != first and there.widget.layers.has_case, "a case by key in the new dock")


def go(folder: Path, pictures: Path) -> dict[str, Any]:
    """Open, label, train, review, accept, next."""
    projects.SAMPLE_CASES = 6
    there = Round(folder, pictures)
    there.open_sample()
    there.open_case("abdomen-05")
    hands, head = there.hands, there.widget.header
    hands.click(head.verbs["Label"])
    assert there.layer("labels").mode == "paint"
    hands.click(there.widget.label_page._classes.button(2))
    drawn = there.paint((0.4, 0.5), 0.5)
    assert drawn > 0, "the stroke is on the labels"
    until(lambda: there.state.actions.save_text == "Draft saved", "the draft saved")
    there.picture("painted")
    strokes = there.layer("labels").data.copy()
    labels = there.layer("labels")

    run = there.train("0.2")
    until(lambda: there.state.actions.can_accept, "the proposal of the case on screen", 60)
    assert there.layer("labels") is labels
    np.testing.assert_array_equal(labels.data, strokes)
    assert there.layer("proposal").metadata["medssl"]["run"] == run
    hands.click(head.verbs["Review"])
    there.picture("proposal")

    hands.key(there.canvas, "alt+u")
    until(lambda: "entropy" in there.widget.layers.overlays.visible(), "doubt shown by its key")
    there.picture("doubt")
    hands.key(there.canvas, "alt+o")
    until(lambda: "proposal" not in there.widget.layers.overlays.visible(), "the proposal hidden by its key")
    hands.key(there.canvas, "alt+u")
    hands.key(there.canvas, "alt+e")
    until(lambda: there.state.actions.can_accept and not there.state.actions.can_correct, "the proposal copied")
    hands.key(there.canvas, "alt+1")
    before = int((labels.data == 1).sum())
    there.paint((0.35, 0.6), 0.4)
    assert int((labels.data == 1).sum()) > before
    there.picture("corrected")
    hands.key(there.canvas, "alt+a")
    until(lambda: there.state.progress[0] == 4, "the labelled count grown", 60)
    there.picture("accepted")

    project = Project.open(folder / "project")
    revision = project.case("abdomen-05").latest()
    assert revision is not None
    saved = project.case("abdomen-05").read_labels()
    assert saved is not None
    shown = there.widget.session.cases._shown.display.back(np.where(labels.data == 255, 0, labels.data))
    np.testing.assert_array_equal(saved.array, shown)
    hands.key(there.canvas, "alt+g")
    until(lambda: there.state.current != "abdomen-05" and there.state.actions.can_accept, "the next case")
    there.picture("next")
    there.last_case = there.state.current
    close_and_open_again(there)
    there.viewer.close()
    return {
        "run": run,
        "origin": revision.origin,
        "complete": revision.complete,
        "dice_to_proposal": revision.dice_to_proposal,
        "labelled": sum(case.status == "labelled" for case in project.cases()),
        "torch": "torch" in sys.modules,
        "xdotool": hands.xdotool is not None,
    }


if __name__ == "__main__":
    os.environ["MEDSSL_SAMPLE"] = sys.argv[1]
    print(json.dumps(go(Path(sys.argv[1]), Path(sys.argv[2]))))
