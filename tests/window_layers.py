"""Labels and layers from elsewhere in a real napari window, by mouse and keys; run by `test_window_layers.py`.

Usage: window_layers.py FOLDER PICTURES MASKS
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from qtpy.QtCore import QPoint, Qt, QTimer
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QDialog, QInputDialog, QLineEdit, QMenu, QPushButton, QWidget
from window_hands import Window, settle, until

from napari_medssl.project import Project
from napari_medssl.ui.panels.import_dialog import ImportLabelsDialog
from napari_medssl.ui.panels.layer_dialog import LayerDialog


class Elsewhere(Window):
    """A project that is open, and what comes into it."""

    def begin(self) -> None:
        _, self.widget = self.viewer.window.add_plugin_dock_widget("napari-medssl", "MedSSL")
        self.widget.open_folder(self.folder)
        until(lambda: self.state.has_project, "the project")
        self.hands.focus(self.window)

    def in_dialog(self, kind: type[QDialog], begin: Callable[[], None], answer: Callable[[Any], None]) -> None:
        """Do what opens a dialog, and answer it while it is open."""
        gone: list[BaseException | None] = []

        def wait() -> None:
            dialog = QApplication.activeModalWidget()
            if not isinstance(dialog, kind):
                QTimer.singleShot(50, wait)
                return
            try:
                until(dialog.isVisible, "the dialog")
                self.hands.focus(dialog)
                answer(dialog)
                gone.append(None)
            except BaseException as error:
                gone.append(error)
                dialog.reject()

        QTimer.singleShot(50, wait)
        begin()
        until(lambda: gone, f"{kind.__name__} answered")
        if gone[0] is not None:
            raise gone[0]

    def open_menu(self, *words: str) -> None:
        """An entry of the dock's menu *Open*."""
        self.hands.click(self.widget.header.open)
        menu: QMenu = until(lambda: QApplication.activePopupWidget(), "the menu")
        self.picture("menu")
        action = next(a for a in menu.actions() if a.text().startswith(words[0]))
        self.hands.click(menu, menu.actionGeometry(action).center())

    def right_click(self, layer: Any, entry: str) -> None:
        """The entry of the menu of a right click on a layer in napari's list."""
        view = self.viewer.window._qt_viewer.layers
        model = view.model()
        row = next(r for r in range(model.rowCount()) if model.index(r, 0).data() == layer.name)
        where = view.visualRect(model.index(row, 0)).center()
        self.hands.click(view.viewport(), where)
        assert self.viewer.layers.selection.active is layer

        def choose() -> None:
            menu = QApplication.activePopupWidget()
            if not isinstance(menu, QMenu):
                QTimer.singleShot(50, choose)
                return
            self.picture("right-click")
            action = next(a for a in menu.actions() if a.text() == entry)
            self.hands.click(menu, menu.actionGeometry(action).center())

        QTimer.singleShot(50, choose)
        if self.hands.xdotool:
            self.hands._x("mousemove", *self.hands._place(view.viewport(), where))
            self.hands._x("click", "3")
        else:
            QTest.mouseClick(view.viewport(), Qt.MouseButton.RightButton, pos=where)
        settle()

    def button(self, parent: QWidget, words: str) -> QPushButton:
        return next(one for one in parent.findChildren(QPushButton) if words in one.text() and one.isVisible())


def import_labels(there: Elsewhere, masks: Path) -> dict[str, Any]:
    """The menu, a folder, the preview, a value without a structure, import."""
    told: dict[str, Any] = {}

    def answer(dialog: ImportLabelsDialog) -> None:
        there.picture("import-empty")
        dialog.take([masks])
        until(lambda: dialog.plan is not None, "the preview")
        there.picture("import-preview")
        told["refused"] = dialog.words.text()
        box = dialog.values.boxes[7]
        there.hands.click(box)
        until(lambda: QApplication.activePopupWidget(), "the choices")
        for _ in range(2):
            there.hands.key(box, "Down")
        there.hands.key(box, "Return")
        until(lambda: dialog.plan is not None and not dialog.plan.open_values, "the preview with the value")
        there.hands.click(dialog.over, QPoint(10, dialog.over.height() // 2))
        there.picture("import-ready")
        told["ready"], told["chosen"] = dialog.words.text(), sorted(dialog.chosen())
        there.hands.click(dialog.ok)

    there.in_dialog(ImportLabelsDialog, lambda: there.open_menu("Import labels"), answer)
    until(lambda: "imported" in (there.state.message or ("", ""))[1], "the import")
    there.picture("imported")
    return told | {"message": there.state.message[1]}


def hand_over(there: Elsewhere) -> dict[str, Any]:
    """Draw on napari's own new layer by mistake, see the hint, make labels of it, take it back."""
    there.open_case("case-3")
    viewer, hands = there.viewer, there.hands
    hands.click(viewer.window._qt_viewer.layerButtons.newLabelsButton)
    layer = viewer.layers.selection.active
    layer.mode = "paint"
    layer.brush_size = 5
    size = there.canvas.size()
    hands.drag(there.canvas, [QPoint(int(x * size.width()), size.height() // 2) for x in np.linspace(0.42, 0.58, 9)])
    drawn = int((layer.data != 0).sum())
    there.picture("drawn-beside")
    hint = there.widget.foreign_bar.words.text()

    def answer(dialog: LayerDialog) -> None:
        there.picture("what-is-it")
        hands.click(dialog.ok)

    there.in_dialog(LayerDialog, lambda: hands.click(there.widget.foreign_bar.act), answer)
    until(lambda: "has labels of the layer" in (there.state.message or ("", ""))[1], "the labels")
    there.picture("handed-over")
    hidden = there.widget.foreign_bar.isHidden()
    taken = int((there.layer("labels").data == 1).sum())
    until(lambda: there.state.actions.save_text == "Draft saved", "the draft")
    hands.click(there.canvas, QPoint(4, 4)) if there.layer("labels").mode == "pan_zoom" else there.canvas.setFocus()
    hands.key(there.canvas, "ctrl+z")
    until(lambda: bool((there.layer("labels").data == 255).all()), "undone")
    layer.visible = True

    def once_more(dialog: LayerDialog) -> None:
        hands.click(dialog.ok)

    there.in_dialog(
        LayerDialog, lambda: there.right_click(layer, "MedSSL: use as labels of this case"), once_more
    )  # fmt: skip
    until(lambda: int((there.layer("labels").data == 1).sum()) == drawn, "by right click")
    return {"hint": hint, "drawn": drawn, "taken": taken, "hidden": hidden}


def add_case(there: Elsewhere) -> dict[str, Any]:
    """An image made in memory becomes a case."""
    rng = np.random.default_rng(0)
    layer = there.viewer.add_image(rng.normal(size=(20, 40, 40)).astype(np.float32), name="made here", scale=(2, 1, 1))
    there.viewer.layers.selection.active = layer
    settle()
    there.picture("image-beside")

    def answer(dialog: QInputDialog) -> None:
        there.picture("name")
        there.hands.key(dialog.findChild(QLineEdit), "Return")

    there.in_dialog(QInputDialog, lambda: there.right_click(layer, "MedSSL: add as a case"), answer)
    until(lambda: there.state.current == "made here" and there.state.actions.can_label, "the new case")
    there.picture("added")
    return {"message": there.state.message[1], "hidden": there.widget.foreign_bar.isHidden() and not layer.visible}


def go(folder: Path, pictures: Path, masks: Path) -> dict[str, Any]:
    """Import, hand over, add."""
    there = Elsewhere(folder, pictures)
    there.begin()
    told = {"import": import_labels(there, masks), "layer": hand_over(there), "case": add_case(there)}
    until(lambda: there.state.actions.save_text in ("Draft saved", "Nothing to save"), "saved")
    there.viewer.close()
    project = Project.open(folder)
    told["cases"] = {case.name: case.status for case in project.cases()}
    return told


if __name__ == "__main__":
    result = go(*(Path(one) for one in sys.argv[1:4]))
    print(json.dumps(result), flush=True)
    os._exit(0)
