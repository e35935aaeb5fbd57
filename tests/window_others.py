"""Somebody else saves labels of the case on the screen of a real window; run by `test_window_others.py`.

Usage: window_others.py FOLDER PICTURES

FOLDER holds a project. The other person is a process of its own.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QApplication
from window_hands import Window, until

from napari_medssl.project import Project
from napari_medssl.ui.panels.history_dialog import HistoryDialog

CASE = "case-2"
BEN = """
import sys
import numpy as np
from napari_medssl.project import Draft, Project
case = Project.open(sys.argv[1]).case("case-2")
with Draft(case, "Ben", "his"):
    print("open", flush=True)
    for line in sys.stdin:
        labels = np.zeros(case.grid.shape, np.uint8)
        labels[12:24, 14:28, 8:14] = int(line)
        case.save_labels(labels, author="Ben", origin="drawn", complete=True)
        print("saved", flush=True)
"""


class Ben:
    """Somebody at another computer."""

    def __init__(self, folder: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", BEN, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "open\n"

    def save(self, value: int) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{value}\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == "saved\n"

    def go(self) -> None:
        self.process.communicate()


class Desk(Window):
    """A case that two people have open."""

    def begin(self) -> None:
        _, self.widget = self.viewer.window.add_plugin_dock_widget("napari-medssl", "MedSSL")
        self.widget.open_folder(self.folder)
        until(lambda: self.state.has_project, "the project")
        self.open_case(CASE)

    @property
    def revisions(self) -> list[list[Any]]:
        """Author, complete and beside of all, oldest first."""
        case = Project.open(self.folder).case(CASE)
        return [[one.author == "Ben", one.complete, bool(one.beside)] for one in case.revisions()]

    def draw_over(self, ben: Ben, value: int, name: str) -> None:
        """Both draw; the box asks."""
        self.hands.click(self.widget.header.verbs["Label"])
        self.hands.click(self.widget.label_page._classes.button(3 - value))
        ben.save(value)
        self.paint((0.4, 0.5), 0.5)
        until(lambda: self.widget.others.choices.isVisible(), "the choice")
        until(lambda: self.state.others.can_differ, "the difference")
        until(lambda: self.state.actions.save_text.startswith("NOT SAVED"), "nothing saved")
        self.picture(name)


def history(there: Desk) -> list[str]:
    """The dialog, by the menu of the list."""
    seen: list[str] = []

    def look() -> None:
        dialog = QApplication.activeModalWidget()
        if isinstance(dialog, HistoryDialog) and dialog.isVisible():
            timer.stop()
            seen.extend(dialog.table.item(row, 2).text() for row in range(dialog.table.rowCount()))
            there.picture("history")
            dialog.table.selectRow(dialog.table.rowCount() - 1)
            there.hands.click(dialog.restore)

    timer = QTimer(there.window)
    timer.setInterval(100)
    timer.timeout.connect(look)
    timer.start()
    there.widget.cases.choose(CASE)
    there.widget.cases._ask("history")
    until(lambda: bool(seen), "the history")
    return seen


def main(folder: Path, pictures: Path) -> dict[str, Any]:
    there = Desk(folder, pictures)
    ben = Ben(folder)
    there.begin()
    until(lambda: "Ben, too, has case-2 open" in there.state.others.words, "word of Ben")
    there.picture("open-elsewhere")
    there.draw_over(ben, 1, "choice")
    there.hands.click(there.widget.others.differ)
    until(lambda: there.state.others.differing, "the difference on the screen")
    there.picture("difference")
    there.hands.click(there.widget.others.mine)
    until(lambda: there.state.actions.save_text == "Draft saved", "mine saved")
    kept = there.revisions
    there.draw_over(ben, 2, "choice-again")
    there.hands.click(there.widget.others.theirs)
    until(lambda: there.layer("labels") is not None and (there.layer("labels").data == 2).any(), "theirs")
    until(lambda: there.revisions[-1] == [False, False, True], "mine beside them")
    until(lambda: "kept beside" in (there.state.message or ("", ""))[1], "word of it")
    there.picture("theirs")
    opened = there.revisions
    seen = history(there)
    until(lambda: len(there.revisions) == len(opened) + 1, "the first restored")
    until(lambda: (there.layer("labels").data == 1).any(), "the first on the screen")
    there.picture("restored")
    ben.go()
    until(lambda: not there.state.others.words, "Ben gone")
    return {"kept": kept, "opened": opened, "history": seen, "restored": there.revisions[-1]}


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), Path(sys.argv[2]))))
