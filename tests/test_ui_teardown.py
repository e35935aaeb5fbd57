"""A dock that was closed leaves nothing behind: no object of it lives on. In a process where nothing else holds it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from fixtures import make_project

LIFE = """
import gc, sys, time, weakref
from qtpy.QtCore import QCoreApplication, QEvent
from qtpy.QtWidgets import QApplication
app = QApplication([])
from napari.components import ViewerModel
from napari_medssl.ui.plugin import MedSSLWidget

viewer = ViewerModel()
dock = MedSSLWidget(viewer)
dock.show()

def until(condition):
    end = time.monotonic() + 60
    while not condition():
        app.processEvents()
        assert time.monotonic() < end, dock.session.state.message

dock.open_folder(sys.argv[1])
until(lambda: dock.session.state.has_project)
dock.session.cases.open("case-2")
until(lambda: dock.session.state.actions.can_label)
viewer.layers["case-2 · labels"].paint((5, 5, 5), 1)
for page in ("Label", "Train", "Review"):
    dock.show_page(page)
    app.processEvents()
gone = [weakref.ref(one) for one in (dock, dock.session, dock.layers, dock.session.cases)]
dock.close()
dock.deleteLater()
del dock
QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
app.processEvents()
gc.collect()
alive = [type(one()).__name__ for one in gone if one() is not None]
sys.exit(f"still alive: {alive}" if alive else 0)
"""


@pytest.mark.timeout(180)
def test_nothing_of_a_closed_dock_lives_on(tmp_path: Path) -> None:
    make_project(tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", LIFE, str(tmp_path / "project")],
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
