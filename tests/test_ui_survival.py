"""A run outlives napari and is found again; what was drawn outlives it too. Real processes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from fixtures import make_project, quick
from test_ui_widget import Bench

from napari_medssl.project import Project
from napari_medssl.runs.drivers import ProcessDriver, find_running

FIRST_LIFE = """
import sys, time
from qtpy.QtWidgets import QApplication
app = QApplication([])
from napari.components import ViewerModel
from napari_medssl.runs.outlook import Wish
from napari_medssl.ui.plugin import MedSSLWidget

viewer = ViewerModel()
widget = MedSSLWidget(viewer)
widget.show()
session = widget.session

def until(condition):
    end = time.monotonic() + 200
    while not condition():
        app.processEvents()
        assert time.monotonic() < end, session.state.message

session.open_project(sys.argv[1])
until(lambda: session.state.has_project)
session.cases.open("case-2")
until(lambda: session.state.actions.can_label)
session.runs.train([Wish("supervised", steps=1_000_000, device="cpu", settings=SETTINGS)])
until(lambda: len(session.state.run.loss) > 0)
viewer.layers["case-2 · labels"].paint((5, 5, 5), 1)
print(session.state.run.name, flush=True)
app.exit()
app.aboutToQuit.emit()
sys.exit("torch is here" if "torch" in sys.modules else 0)
"""


@pytest.mark.timeout(300)
def test_a_run_survives_napari_and_is_found_on_the_next_start(qtbot: Any, tmp_path: Path) -> None:
    make_project(tmp_path)
    root = tmp_path / "project"
    code = FIRST_LIFE.replace("SETTINGS", repr(quick()))
    try:
        first = subprocess.run(
            [sys.executable, "-c", code, str(root)], capture_output=True, text=True, timeout=250, check=False
        )
        assert first.returncode == 0, first.stderr
        run = first.stdout.strip().splitlines()[-1]
        assert find_running(root) == [run], "the run goes on without napari"
        assert Project.open(root).case("case-2").latest() is not None, "the stroke was saved on the way out"
        bench = Bench(qtbot, None, driver=ProcessDriver())
        bench.widget.session.open_project(root)
        bench.until(lambda: bench.state.run.under_way)
        assert bench.state.run.name == run
        assert "still training" in bench.state.message[1]
        bench.until(lambda: len(bench.state.run.loss) > 1)
        step = bench.state.run.loss[-1].step
        bench.until(lambda: bench.state.run.loss[-1].step > step)
    finally:
        for name in find_running(root):  # whatever happens, no run is left behind
            ProcessDriver().attach(root, name).stop("discard")
    bench.until(lambda: not bench.state.run.under_way)
    assert bench.state.run.title.startswith("Discarded")
    assert find_running(root) == []
