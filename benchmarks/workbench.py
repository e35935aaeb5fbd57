"""What somebody waits for at the workbench: opening a large case, a stroke to be safe, the list to scroll, the dock.

    python benchmarks/workbench.py

The case has 512 x 512 x 200 voxels and a proposal with a map of doubt. Needs a screen, or Xvfb. Each figure is a
median; ratios to doing the bare minimum stand beside the seconds, because a busy machine is slow at both.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import records
import screen

RESULTS = "workbench"
SHAPE = (512, 512, 200)
CASES = 10_000
LIMITS = {
    "import napari_medssl": 0.1,
    "build the dock": 0.3,
    "open a case that was read ahead": 1.0,
    "a stroke is on the disk": 0.05,
    "a frame of scrolling 10,000 cases": 1 / 30,
}


def main() -> int:
    """Measure, print and append to the results."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    rows = {"import napari_medssl": time_import()}
    with screen.screen(), tempfile.TemporaryDirectory() as folder:
        rows.update(run(Path(folder)))
    for name, seconds in rows.items():
        limit = f"asked for: under {1000 * LIMITS[name]:.0f} ms" if name in LIMITS else ""
        print(f"{name:<44}{1000 * seconds:>9.1f} ms   {limit}")
    load = round(os.getloadavg()[0], 1)
    records.append(RESULTS, {"rows": {name: round(value, 5) for name, value in rows.items()}, "load": load})
    return 0 if all(rows[name] < limit for name, limit in LIMITS.items()) else 1


def time_import() -> float:
    """Seconds of `import napari_medssl` in an interpreter of its own."""
    code = "import time; t = time.perf_counter(); import napari_medssl; print(time.perf_counter() - t)"
    told = [subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True) for _ in range(5)]
    return statistics.median(float(one.stdout) for one in told)


def run(folder: Path) -> dict[str, float]:
    """Everything that needs a window."""
    from qtpy.QtWidgets import QApplication

    viewer, widget = screen.open_dock()
    rows = {"build the dock": time_dock(viewer)}
    root = make_project(folder)
    session = widget.session
    session.open_project(root)
    screen.until(lambda: session.state.has_project, widget)
    rows.update(time_opening(widget))
    rows.update(time_strokes(viewer, widget))
    rows.update(time_scrolling(widget))
    viewer.close()
    QApplication.processEvents()
    return rows


def time_dock(viewer: Any) -> float:
    """Seconds to build the dock's widget, once everything is imported."""
    from napari_medssl.ui.plugin import MedSSLWidget

    taken = []
    for _ in range(5):
        begin = time.perf_counter()
        made = MedSSLWidget(viewer)
        taken.append(time.perf_counter() - begin)
        made.shut()
        made.deleteLater()
    return statistics.median(taken)


def make_project(folder: Path) -> Path:
    """Three large scans, each with a proposal."""
    import nibabel

    from napari_medssl.project import ClassInfo, Project

    rng = np.random.default_rng(0)
    affine = np.diag([0.7, 0.7, 1.5, 1.0])
    project = Project.create(folder / "project", classes=(ClassInfo(1, "liver"), ClassInfo(2, "spleen")))
    noise = rng.normal(0, 20, SHAPE).astype(np.int16)
    axes = np.ogrid[-1 : 1 : SHAPE[0] * 1j, -1 : 1 : SHAPE[1] * 1j, -1 : 1 : SHAPE[2] * 1j]
    radius = np.sqrt(sum(axis**2 for axis in axes)).astype(np.float32)
    for number in range(3):
        body = radius < 0.5 + 0.05 * number
        path = folder / f"scan-{number}.nii.gz"
        nibabel.save(nibabel.Nifti1Image(np.where(body, 100, -900).astype(np.int16) + noise, affine), path)
        case = project.add_case(path, name=f"scan-{number}")
        doubt = np.exp(-(((radius - 0.5 - 0.05 * number) / 0.02) ** 2))
        case.save_proposal("bcp-001", body.astype(np.uint8), {"entropy": doubt}, 0.1 + 0.1 * number, {})
    return folder / "project"


def time_opening(widget: Any) -> dict[str, float]:
    """Seconds until a case is on the screen and painted: as the first, and read ahead."""
    session = widget.session
    rows = {}
    begin = time.perf_counter()
    session.open_next()
    screen.until(lambda: session.board.facts.case is not None, widget)
    rows["open a case that was not"] = time.perf_counter() - begin
    taken = []
    for _ in range(2):
        screen.until(lambda: session.cases._ahead._ready is not None, widget)
        before = session.board.facts.case
        begin = time.perf_counter()
        session.open_next()
        screen.until(lambda before=before: session.board.facts.case not in (None, before), widget)
        widget.window().repaint()
        taken.append(time.perf_counter() - begin)
    return {"open a case that was read ahead": statistics.median(taken), **rows}


def time_strokes(viewer: Any, widget: Any) -> dict[str, float]:
    """Seconds from a stroke of the brush until it is on the disk; and what a bare write of a block takes there."""
    layer = next(x for x in viewer.layers if x.metadata.get("medssl", {}).get("role") == "labels")
    layer.brush_size = 30
    keeper = widget.session.cases.saver.keeper
    taken, bare = [], []
    plane = layer.data.shape[0] // 2
    for number in range(20):
        begin = time.perf_counter()
        layer.paint((plane, 200 + 5 * number, 200), 1)
        while keeper._pending or keeper._log.is_empty:
            time.sleep(0.0005)
        keeper._jobs._lanes["strokes"].submit(lambda: None).result()
        taken.append(time.perf_counter() - begin)
        with tempfile.NamedTemporaryFile(dir=keeper._folder) as file:
            begin = time.perf_counter()
            file.write(bytes(1000))
            file.flush()
            os.fsync(file.fileno())
            bare.append(time.perf_counter() - begin)
    return {"a stroke is on the disk": statistics.median(taken), "a bare fsync": statistics.median(bare)}


def time_scrolling(widget: Any) -> dict[str, float]:
    """Seconds a frame while a list of 10,000 cases is scrolled from end to end."""
    from dataclasses import replace

    from qtpy.QtWidgets import QApplication

    state = widget.session.state
    panel = widget.cases
    one = state.cases[0]
    panel.draw(replace(state, cases=tuple(replace(one, name=f"case-{n:05d}") for n in range(CASES))))
    bar = panel.table.verticalScrollBar()
    taken = []
    for step in range(120):
        begin = time.perf_counter()
        bar.setValue(bar.maximum() * step // 120)
        panel.table.viewport().repaint()
        QApplication.processEvents()
        taken.append(time.perf_counter() - begin)
    return {"a frame of scrolling 10,000 cases": statistics.median(taken)}


if __name__ == "__main__":
    sys.exit(main())
