"""A day at the workbench in a real window, driven by mouse and keys; run by `test_window_day.py`.

Usage: window_day.py FOLDER PICTURES SCANS LABELS MINUTES, and the next morning: window_day.py FOLDER PICTURES again RUN

SCANS are taken into a new project; LABELS, of the same names, guide the hand of who draws.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from qtpy.compat import isalive
from qtpy.QtCore import QPoint, Qt, QTimer
from qtpy.QtWidgets import (
    QApplication,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QWidget,
)
from window_hands import Window, settle, until

from napari_medssl.imaging import read_labels
from napari_medssl.project import Project
from napari_medssl.ui.panels.dialogs import NewProjectDialog

STRUCTURES = ("first", "second", "third")
PLANES = 4  # labelled by hand in each of the first cases


class Day(Window):
    """A new project, two rounds, an evening and a morning."""

    labels_folder: Path

    # --- finding one's way

    def open_dock(self) -> None:
        self.menu("Plugins", "MedSSL")
        (self.widget,) = until(self.docks, "the dock")
        self.hands.focus(self.window)

    def in_dialogs(self, begin: Callable[[], None], *answers: tuple[type, Callable[[Any], None]]) -> None:
        """Do what opens a dialog, or one after the other, and answer each while it is open."""
        trouble: list[BaseException] = []
        left = list(answers)

        def look() -> None:
            dialog = QApplication.activeModalWidget()
            kind, answer = left[0]
            if isinstance(dialog, kind) and dialog.isVisible():
                timer.stop()
                del left[0]
                try:
                    self.hands.focus(dialog)
                    answer(dialog)
                except BaseException as error:
                    trouble.append(error)
                    left.clear()
                    dialog.close()
                if left:
                    timer.start()

        timer = QTimer()
        timer.setInterval(50)
        timer.timeout.connect(look)
        timer.start()
        begin()
        until(lambda: not left, "the answers to dialogs", 120)
        if trouble:
            raise trouble[0]

    def scroll_to(self, control: QWidget) -> None:
        """As the wheel would."""
        area = control.parentWidget()
        while not isinstance(area, QScrollArea):
            area = area.parentWidget()
        area.ensureWidgetVisible(control)
        settle()

    def find(self, words: str) -> QPushButton | None:
        """The button of the dock with these words, where one can be seen."""
        found = self.widget.findChildren(QPushButton)
        return next((one for one in found if words in one.text() and one.isVisible()), None)

    # --- opening

    def new_project(self, scans: Path, structures: int) -> None:
        """A folder is chosen in the file dialog; the scans are checked; the structures get names."""
        self.in_dialogs(
            lambda: self.hands.click(self.find("Open a folder")),
            (QFileDialog, lambda dialog: self._choose(dialog, scans)),
            (NewProjectDialog, lambda dialog: self._answer(dialog, structures)),
        )
        until(lambda: self.state.has_project, "the project", 120)
        self.picture("project")

    def _choose(self, dialog: QFileDialog, folder: Path) -> None:
        name = dialog.findChild(QLineEdit)
        self.hands.click(name)
        self.hands.key(name, "ctrl+a")
        self.hands.write(name, str(folder))
        self.picture("choose-folder")
        self.hands.key(name, "Return")
        if dialog.isVisible():  # the first Return went into the folder
            self.hands.key(name, "Return")

    def _answer(self, dialog: NewProjectDialog, structures: int) -> None:
        until(lambda: dialog.check.over, "the check of the scans", 120)
        table = dialog.classes.table
        for number in range(structures):
            if number >= table.rowCount():
                self.hands.click(dialog.classes.add)
            cell = table.visualItemRect(table.item(number, 1)).center()
            if table.findChild(QLineEdit) is None:
                self.hands.click(table.viewport(), cell, double=True)
            editor = until(lambda: table.findChild(QLineEdit), "the cell's editor")
            self.hands.key(editor, "ctrl+a")
            self.hands.write(editor, STRUCTURES[number])
            self.hands.key(editor, "Return")
        self.picture("new-project")
        assert dialog.ok.isEnabled()
        self.hands.click(dialog.ok)

    # --- drawing

    @property
    def labels(self) -> Any:
        return self.layer("labels")

    def place(self, row: float, column: float) -> QPoint:
        """Where a voxel of the slice on the screen is on the canvas."""
        world = self.labels.data_to_world((*self.viewer.dims.current_step[:-2], row, column))
        camera = getattr(self.viewer, "scene", self.viewer).camera
        size = self.canvas.size()
        x = size.width() / 2 + (world[-1] - camera.center[-1]) * camera.zoom
        y = size.height() / 2 + (world[-2] - camera.center[-2]) * camera.zoom
        return QPoint(round(x), round(y))

    def truth(self) -> np.ndarray:
        """What the reader sees in the case: as shown."""
        shown = self.widget.session.cases._shown
        found = next(p for p in self.labels_folder.iterdir() if p.name.startswith(f"{shown.name}."))
        return np.asarray(shown.display.show(read_labels(found).array))

    def to_plane(self, plane: int) -> None:
        """Arrow keys go through the slices."""
        for _ in range(self.labels.data.shape[0]):
            now = self.viewer.dims.current_step[0]
            if now == plane:
                return
            self.hands.key(self.canvas, "Right" if now < plane else "Left")
        raise AssertionError(f"the arrow keys do not lead to slice {plane}: {self.viewer.dims.current_step}")

    def turn_to(self, page: str) -> None:
        """A page, by its button."""
        self.hands.click(self.widget.header.verbs[page])
        assert self.widget.header.verbs[page].isChecked(), f"the button does not turn to {page}"

    def take(self, value: int) -> None:
        """A structure's button."""
        self.hands.click(self.widget.label_page._classes.button(value))
        assert self.labels.selected_label == value, f"the button does not take it: {self.labels.selected_label}"

    def draw_plane(self, truth: np.ndarray) -> None:
        """Each structure with the brush, row by row; then the rest of the slice is filled with background."""
        plane = self.viewer.dims.current_step[0]
        hands = self.hands
        for value in sorted(set(np.unique(truth[plane])) - {0}):
            self.take(int(value))
            hands.key(self.canvas, "2")
            assert self.labels.mode == "paint", self.labels.mode
            rows = np.flatnonzero((truth[plane] == value).any(axis=1))
            for row in rows[:: max(1, self.labels.brush_size - 1)]:
                columns = np.flatnonzero(truth[plane, row] == value)
                ends = [self.place(row, columns[0]), self.place(row, columns[-1])]
                hands.drag(self.canvas, [ends[0], (ends[0] + ends[1]) / 2, ends[1]])
        self.take(0)
        hands.key(self.canvas, "4")
        assert self.labels.mode == "fill", self.labels.mode
        free = np.argwhere(self.labels.data[plane] == 255)
        hands.click(self.canvas, self.place(*free[len(free) // 8]))
        assert (self.labels.data[plane] == 0).any(), "the background was filled"

    def label_by_hand(self, name: str) -> None:
        """Some slices of a case, from the first to the last that shows anything; the others stay not looked at."""
        self.open_case_by_name(name)
        self.turn_to("Label")
        truth = self.truth()
        self.labels.brush_size = 2
        seen = np.flatnonzero((truth > 0).any(axis=(1, 2)))
        for plane in np.linspace(seen[1], seen[-2], PLANES).round().astype(int):
            self.take(1)  # the keyboard is napari's again
            self.to_plane(int(plane))
            self.draw_plane(truth)
        self.picture("labelled-by-hand")
        before = self.state.progress[0]
        self.hands.key(self.canvas, "ctrl+alt+m")
        until(lambda: self.state.progress[0] == before + 1, "one more labelled case", 60)

    def open_case_by_name(self, name: str) -> None:
        table = self.widget.cases.table
        row = self.widget.cases.names().index(name)
        table.scrollTo(table.model().index(row, 0))
        settle()
        self.hands.click(table.viewport(), table.visualRect(table.model().index(row, 1)).center(), double=True)
        until(lambda: self.state.actions.can_label and self.state.actions.title == name, f"{name} open")

    # --- training

    def start_training(self, method: str, minutes: str) -> str:
        """Choose on the Train page, by keyboard; start."""
        page, hands = self.widget.train_page, self.hands
        hands.key(self.canvas, "alt+z")
        until(lambda: page.isVisible(), "the Train page")
        row = page.method.findData(method)
        self.scroll_to(page.method)
        hands.click(page.method)
        view = until(lambda: page.method.view() if page.method.view().isVisible() else None, "the list of methods")
        hands.click(view.viewport(), view.visualRect(view.model().index(row, 0)).center())
        until(lambda: self.state.train.method == method, f"{method} chosen")
        box = page.minutes
        self.scroll_to(box)
        hands.click(box, QPoint(box.width() // 3, box.height() // 2))
        hands.key(box, "ctrl+a")
        hands.write(box, minutes)
        hands.key(box, "Tab")
        assert box.value() == float(minutes), box.value()
        hands.key(self.canvas, "alt+z")
        until(lambda: page.start.hasFocus(), f"the focus, which {QApplication.focusWidget()} has, on Train", 10)
        hands.key(page.start, "space")
        until(lambda: self.state.run.under_way, f"the run under way ({self.state.message})")
        until(lambda: len(self.state.run.loss) >= 2, f"a loss curve ({self.state.message})", 240)
        return str(self.state.run.name)


def day(folder: Path, pictures: Path, scans: Path, labels: Path, minutes: str) -> dict[str, Any]:
    """From a folder of scans to a second training, which is still going on when the window closes."""
    there = Day(folder, pictures)
    there.labels_folder = labels
    hands = there.hands
    there.open_dock()
    there.picture("welcome")
    first_label = read_labels(sorted(labels.iterdir())[0]).array
    there.new_project(scans, int(first_label.max()))
    root = Path(there.widget.session.board.facts.project.root)
    names = there.widget.cases.names()
    for name in names[:2]:
        there.label_by_hand(name)

    first = there.start_training("bcp", minutes)
    there.picture("training")
    there.open_case_by_name(names[2])
    there.turn_to("Label")
    there.take(1)
    hands.key(there.canvas, "2")
    there.paint((0.48, 0.52), 0.5)
    assert there.state.run.under_way, "annotating goes on meanwhile"
    until(lambda: there.state.actions.save_text == "Draft saved", "the draft saved while training")
    until(lambda: not there.state.run.under_way, "the end of the run", 60 * float(minutes) + 300)
    assert there.state.run.title.startswith("Finished"), (there.state.run.title, there.state.run.phase)
    there.picture("trained")

    hands.focus(there.window)
    hands.key(there.canvas, "alt+g")
    until(lambda: there.state.actions.can_accept and there.state.actions.title != names[2], "the next case", 60)
    case = there.state.actions.title
    until(lambda: there.state.review.lines, "its doubtful regions", 60)
    hands.key(there.canvas, "alt+n")
    until(lambda: there.state.review.current is not None, "a region")
    there.picture("region")
    hands.key(there.canvas, "alt+y")
    until(lambda: "1 of" in there.state.review.text, "one region reviewed")
    hands.key(there.canvas, "alt+n")
    hands.key(there.canvas, "alt+e")
    until(lambda: not there.state.actions.can_correct, "the proposal copied")
    hands.key(there.canvas, "alt+1")
    hands.key(there.canvas, "2")
    before = there.labels.data.copy()
    there.paint((0.45, 0.55), 0.5)
    if (there.labels.data == before).all():  # the model thinks so too: then another structure
        hands.key(there.canvas, "alt+2")
        hands.key(there.canvas, "2")
        there.paint((0.45, 0.55), 0.5)
    assert (there.labels.data != before).any(), "a correction"
    there.picture("corrected")
    done = there.state.progress[0]
    hands.key(there.canvas, "alt+d")
    until(
        lambda: there.state.progress[0] == done + 1 and there.state.actions.title != case, "accepted, and the next", 60
    )
    there.picture("accepted-and-next")
    drawn = there.labels.data.copy()
    print(there.state.actions.title, np.unique(drawn, return_counts=True), flush=True)

    second = there.start_training("bcp", minutes)
    there.picture("training-again")
    np.testing.assert_array_equal(there.labels.data, drawn, "what was drawn is untouched")
    there.in_dialogs(lambda: hands.key(there.canvas, "ctrl+q"), (QDialog, _agree))
    until(lambda: not isalive(there.window) or not there.window.isVisible(), "the window closed")
    project = Project.open(root)
    reviewed = project.case(case)
    return {
        "root": str(root),
        "first": first,
        "second": second,
        "hand": [_revision(project, name) for name in names[:2]],
        "draft": _revision(project, names[2]),
        "reviewed": _revision(project, case),
        "decisions": len(list(reviewed.folder.rglob("reviews*"))),
        "torch": "torch" in sys.modules,
    }


def _agree(dialog: QDialog) -> None:
    """Yes, close it."""
    box = dialog.findChild(QDialogButtonBox)
    agree = box.buttons()[0] if box is not None else dialog.findChildren(QPushButton)[-1]
    agree.setFocus(Qt.FocusReason.OtherFocusReason)
    agree.click()


def _revision(project: Project, name: str) -> dict[str, Any]:
    found = project.case(name).latest()
    assert found is not None
    return {
        "origin": found.origin,
        "complete": found.complete,
        "run": found.run,
        "values": sorted(found.voxels),
        "strokes": sum(one.strokes or 0 for one in project.case(name).revisions()),
        "minutes": found.minutes,
        "dice": found.dice_to_proposal,
    }


def morning(folder: Path, pictures: Path, run: str) -> dict[str, Any]:
    """napari again: the project is among the recent ones, the run still there."""
    there = Day(folder, pictures, first=len(list(pictures.glob("*.png"))) + 1)
    there.open_dock()
    there.picture("morning")
    until(lambda: there.find("scans-medssl"), "the recent project")
    there.hands.click(there.find("scans-medssl"))
    until(lambda: there.state.has_project, "the project")
    until(lambda: there.state.run.under_way, "the run of yesterday")
    assert there.state.run.name == run, there.state.run.name
    step = there.state.run.loss[-1].step if there.state.run.loss else 0
    until(lambda: there.state.run.loss and there.state.run.loss[-1].step > step, "its loss goes on", 240)
    there.turn_to("Train")
    there.picture("still-there")
    there.hands.click(there.widget.train_page.card.keep)
    until(lambda: not there.state.run.under_way, "the run stopped and kept", 240)
    there.picture("stopped-and-kept")
    title = there.state.run.title
    there.viewer.close()
    return {"title": title}


if __name__ == "__main__":
    os.environ["XDG_DATA_HOME"] = os.environ["LOCALAPPDATA"] = str(Path(sys.argv[1]) / "home")
    folder, pictures = Path(sys.argv[1]), Path(sys.argv[2])
    if sys.argv[3] == "again":
        print(json.dumps(morning(folder, pictures, sys.argv[4])))
    else:
        print(json.dumps(day(folder, pictures, Path(sys.argv[3]), Path(sys.argv[4]), sys.argv[5])))
