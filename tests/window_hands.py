"""A person at napari's window: mouse, keyboard, eyes. For the scripts that run in a process of their own, because Qt's
platform is chosen once per process.
"""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import napari
import numpy as np
from qtpy.QtCore import QEventLoop, QPoint, Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QMenu, QWidget

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
    """Let Qt handle what has come in, until nothing comes for a moment; something that moves all the time may go on."""
    quiet, end = 0, time.monotonic() + 2
    while quiet < 3 and time.monotonic() < end:
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


class Window:
    """napari's window, its MedSSL dock, and what a person does there with mouse and keys."""

    def __init__(self, folder: Path, pictures: Path, first: int = 1) -> None:
        self.folder, self.pictures, self.hands, self.count = folder, pictures, Hands(), first - 1
        self.viewer = napari.Viewer()
        self.window = self.viewer.window._qt_window
        self.window.setGeometry(0, 0, 1500, 940)
        self.widget: Any = None
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
