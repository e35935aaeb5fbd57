"""Looking at scans in a real window: windows dragged, planes linked, letters right; run by `test_window_viewing.py`.

Usage: window_viewing.py FOLDER PICTURES [SCANS]

FOLDER holds a project with labels and a proposal; SCANS, where given, one scan in all axis orders.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from qtpy.QtCore import QPoint
from qtpy.QtWidgets import QApplication
from window_hands import Window, settle, until

from napari_medssl.imaging import Grid, read_image
from napari_medssl.ui.display import PLANES, Display
from napari_medssl.ui.layers import CaseLayers
from napari_medssl.ui.loading import ShownCase, shown_channel
from napari_medssl.ui.ortho import OrthoDock
from napari_medssl.ui.planes import go_through, voxel_shown

ENDS = {"R": (0, 1), "L": (0, -1), "A": (1, 1), "P": (1, -1), "S": (2, 1), "I": (2, -1)}  # world axis, direction
SIDES = {"right": (0, 1), "left": (0, -1), "top": (1, -1), "bottom": (1, 1)}  # canvas axis, direction


class Room(Window):
    """A project with a case on the screen."""

    def begin(self) -> None:
        _, self.widget = self.viewer.window.add_plugin_dock_widget("napari-medssl", "MedSSL")
        self.widget.open_folder(self.folder)
        until(lambda: self.state.has_project, "the project")
        self.open_case(self.widget.cases.names()[0])

    def held(self, key: str, button: str, points: list[QPoint]) -> None:
        """Drag with a key and a button held down."""
        hands = self.hands
        hands._x("mousemove", *hands._place(self.canvas, points[0]))
        settle()
        hands._x("keydown", key)
        hands._x("mousedown", button)
        settle()
        for point in points[1:]:
            hands._x("mousemove", *hands._place(self.canvas, point))
            settle()
        hands._x("mouseup", button)
        hands._x("keyup", key)
        settle()

    def at(self, x: float, y: float) -> QPoint:
        size = self.canvas.size()
        return QPoint(int(x * size.width()), int(y * size.height()))

    def voxel(self) -> list[int]:
        return voxel_shown(self.viewer, self.widget.layers.display())


def drag_window(there: Room) -> dict[str, Any]:
    """Shift and the right button, with the brush in hand: the window changes and nothing is drawn."""
    labels = there.layer("labels")
    labels.mode = "paint"
    before, drawn = there.widget.layers.channels.window(), labels.data.copy()
    there.held("shift", "3", [there.at(0.4, 0.5), there.at(0.5, 0.45), there.at(0.6, 0.4)])
    after = there.widget.layers.channels.window()
    there.picture("window-dragged")
    box = there.widget.label_page.view
    assert abs(box.width_box.value() - after.width) < 0.1 * after.width
    return {
        "wider": after.width > before.width,
        "brighter": after.level < before.level,
        "untouched": bool((labels.data == drawn).all()),
    }


def link_planes(there: Room) -> dict[str, Any]:
    """Ctrl+Alt+X; a click in a plane, Shift and a click on the canvas, a stroke that is seen in the planes."""
    there.hands.focus(there.window)
    there.canvas.setFocus()
    there.hands.key(there.canvas, "ctrl+alt+x")
    dock = there.widget.planes
    until(lambda: dock.is_open and dock.panel.panes["coronal"].isVisible(), "the planes")
    settle()
    below = dock.panel.mapTo(there.window, QPoint(0, 0)).y()
    assert there.widget.mapTo(there.window, QPoint(0, there.widget.height())).y() > below, "the dock keeps its height"
    pane = dock.panel.panes["coronal"]
    row, column = 5, 8
    there.hands.click(pane, pane.place(row, column).toPoint())
    clicked = there.voxel()
    assert (clicked[0], clicked[2]) == (row, column), clicked
    there.picture("planes")
    labels = there.layer("labels")
    drawn = labels.data.copy()
    there.held("shift", "1", [there.at(0.45, 0.5)])
    pointed = there.voxel()
    untouched = bool((labels.data == drawn).all())
    before = dock.views()["sagittal"].picture
    there.paint((0.4, 0.5), 0.5)
    until(lambda: pane._view.picture.shape == dock.views()["coronal"].picture.shape, "painted")
    seen = bool((dock.views()["sagittal"].picture != before).any())
    there.picture("planes-painted")
    there.viewer.dims.ndisplay = 3
    there.viewer.scene.camera.angles = (20, 30, 10)
    settle()
    there.picture("planes-3d")
    there.viewer.dims.ndisplay = 2
    there.hands.key(there.canvas, "ctrl+alt+x")
    until(lambda: not dock.is_open, "the planes gone")
    there.hands.key(there.canvas, "ctrl+alt+x")
    until(lambda: dock.is_open and pane.isVisible(), "the planes again")
    button = there.widget.label_page.view.planes
    assert button.isChecked()
    there.hands.click(dock.panel.parentWidget().titleBarWidget().close_button)
    until(lambda: not dock.is_open and not button.isChecked(), "the planes closed by their own cross, and told")
    left = [layer.name for layer in there.viewer.layers if "cross" in layer.name]
    return {"pointed": pointed[1:] != clicked[1:], "untouched": untouched, "seen": seen, "left": left}


def time_planes(there: Room) -> dict[str, float]:
    """A click in a plane of a large scan, until all is painted: milliseconds, the middle of some."""
    values = np.random.default_rng(0).integers(-1000, 400, (200, 512, 512), dtype=np.int16)
    display = Display(Grid((512, 512, 200), np.diag([0.7, 0.7, 1.5, 1.0])))
    labels = np.zeros(display.shape, np.uint8)
    labels[60:140, 100:300, 100:300] = 1
    layers = CaseLayers(there.viewer, lambda sure: None, lambda: None)
    layers.show_case(ShownCase("large", display, (shown_channel("image", values),), labels))
    dock = OrthoDock(there.viewer, layers, lambda shown: None)
    dock.show()
    settle()
    panel, whole = [], []
    for number in range(9):
        begin = time.perf_counter()
        dock.draw()
        panel.append(time.perf_counter() - begin)
        begin = time.perf_counter()
        dock.point("coronal", 60 + number, 200 + number)
        QApplication.processEvents()
        whole.append(time.perf_counter() - begin)
    there.picture("large")
    dock.close()
    layers.close()
    return {"panel_ms": 1e3 * float(np.median(panel)), "whole_ms": 1e3 * float(np.median(whole))}


def check_orders(there: Room, scans: list[Path]) -> dict[str, int]:
    """In each file: ends of the patient, by nibabel's affine, lie on the sides that have their letters."""
    checked = {"2d": 0, "3d": 0}
    layers = CaseLayers(there.viewer, lambda sure: None, lambda: None)
    pictures, middle = [], None
    for path in scans:
        volume = read_image(path)
        display = Display(volume.grid)
        channel = shown_channel("image", display.show(volume.array[0]))
        layers.show_case(ShownCase(path.name[:3], display, (channel,), np.zeros(display.shape, np.uint8)))
        affine = nib.load(path).affine
        if middle is None:  # the same place of the patient in all of them
            middle = affine @ [*(np.array(volume.grid.shape) - 1) // 2, 1]
        voxel = shown_voxel(display, affine, middle[:3])
        go_through(there.viewer, display, voxel)
        labels = there.layer("labels")
        ends = {letter: middle[:3] + way * 24.0 * np.eye(3)[along] for letter, (along, way) in ENDS.items()}
        places = np.array(
            [labels.data_to_world(shown_voxel(display, affine, at)) for at in (middle[:3], *ends.values())]
        )
        for order in PLANES.values():
            there.viewer.dims.order = order
            checked["2d"] += check_letters(there, places)
        there.viewer.dims.ndisplay = 3
        for order in PLANES.values():
            there.viewer.dims.order = order
            for angles in ((0, 0, 0), (35, -50, 120)):
                there.viewer.scene.camera.angles = angles
                checked["3d"] += check_letters(there, places)
        there.viewer.dims.ndisplay = 2
        layers.look_from("axial")
        settle()
        pictures.append(there.viewer.screenshot(flash=False, canvas_only=True))
    first, *others = (np.asarray(one, float) for one in pictures)
    mirrored = np.abs(first - first[:, ::-1]).mean()
    same = sum(np.abs(one - first).mean() < 0.2 * mirrored for one in others)  # pixels at the borders of voxels differ
    there.picture("orders")
    layers.close()
    return {**checked, "same": 1 + int(same)}


def shown_voxel(display: Display, affine: np.ndarray, world: np.ndarray) -> list[int]:
    """Where a place of the patient (R, A, S in mm) is on the shown array: a mark in the file's own voxel is sought."""
    at = np.rint(np.linalg.inv(affine) @ [*world, 1])[:3].astype(int)
    marks = np.zeros(display.grid.shape, bool)
    marks[tuple(at)] = True
    (found,) = np.argwhere(display.show(marks))
    return [int(n) for n in found]


def check_letters(there: Room, places: np.ndarray) -> int:
    """How many letters are right, none may be wrong; `places` of the world: a middle, and the ends of the patient."""
    canvas = there.viewer.window._qt_viewer.canvas
    transform = canvas.view.scene.node_transform(canvas._scene_canvas.scene)
    flat = places[:, list(there.viewer.dims.displayed)][:, ::-1]
    mapped = transform.map(np.pad(flat, ((0, 0), (0, 3 - flat.shape[1]))))
    middle, *ends = mapped[:, :2] / mapped[:, 3:]
    lies, count = dict(zip(ENDS, ends, strict=True)), 0
    for side, (axis, sign) in SIDES.items():
        letters = there.viewer.canvas.overlays[f"medssl_{side}"].text
        assert letters, side
        for letter in letters:
            assert (lies[letter] - middle)[axis] * sign > 0, (side, letter, there.viewer.dims.order)
            count += 1
    return count


def go(folder: Path, pictures: Path, scans: Path | None) -> dict[str, Any]:
    """All of it."""
    there = Room(folder, pictures)
    there.begin()
    told: dict[str, Any] = {"drag": drag_window(there), "planes": link_planes(there)}
    there.widget.shut()  # from here on other scans are on the screen than its own
    told["time"] = time_planes(there)
    if scans is not None:
        told["orders"] = check_orders(there, sorted(scans.glob("*.nii.gz")))
    there.viewer.close()
    return told


if __name__ == "__main__":
    result = go(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]) if len(sys.argv) > 3 else None)
    print(json.dumps(result))
