"""One round in a real napari window, driven by real mouse and key events; run by `test_window_round_trip.py`.

Usage: window_script.py FOLDER PICTURES
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
from qtpy.QtCore import QPoint
from window_hands import Window, until

from napari_medssl.project import Project
from napari_medssl.ui import projects


class Round(Window):
    """The sample project, once round."""

    last_case = ""

    def open_sample(self) -> None:
        self.menu("File", "Open Sample", "MedSSL", "Sample project")
        self.widget = self.docks()[0]
        until(lambda: self.widget.layers.has_case, "the sample's first case", 240)
        assert self.state.progress == (3, projects.SAMPLE_CASES)
        self.hands.focus(self.window)
        self.picture("sample-project")

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
    """The dock's own cross saves and lets go; opened again, the plugin is where it was and its keys work."""
    old = there.widget
    there.paint((0.45, 0.55), 0.55)
    there.hands.click(old.parent().title.close_button)
    until(lambda: old._closed, "the dock closed")
    assert not old._timer.isActive()
    project = Project.open(there.folder / "project")
    assert project.case(there.last_case).latest() is not None
    assert not there.viewer.layers, "nobody paints into nothing"
    there.menu("Plugins", "MedSSL")
    (there.widget,) = until(there.docks, "the dock opened again")
    assert there.widget is not old
    until(lambda: there.widget.layers.has_case, "the case again")
    assert there.state.current == there.last_case
    assert there.widget.height() >= there.widget.parent().height() - 40
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
    until(lambda: "entropy" in there.widget.layers.overlays.look().visible, "doubt shown by its key")
    there.picture("doubt")
    hands.key(there.canvas, "alt+o")
    until(lambda: "proposal" not in there.widget.layers.overlays.look().visible, "the proposal hidden by its key")
    hands.key(there.canvas, "alt+u")
    hands.key(there.canvas, "alt+e")
    until(lambda: there.state.actions.can_accept and not there.state.actions.can_correct, "the proposal copied")
    hands.key(there.canvas, "alt+1")
    there.paint((0.35, 0.6), 0.4)
    # A good model may have proposed class 1 all along that stroke; over it, class 2 is a change for certain.
    before = int((labels.data == 2).sum())
    hands.key(there.canvas, "alt+2")
    there.paint((0.35, 0.6), 0.4)
    assert int((labels.data == 2).sum()) > before
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
