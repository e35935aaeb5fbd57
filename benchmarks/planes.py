"""Milliseconds from a click in one of the linked planes until all three are painted, on a scan of 512 x 512 x 200.

    python benchmarks/planes.py

Needs a screen, or Xvfb. Each figure is a median, of the clock and of what the program's main thread worked itself.
Besides: the same without our planes and cross-hair, which is napari moving its sliders.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import numpy as np
import records
import screen

SHAPE = (200, 512, 512)  # plane, row, column
CLICKS = 43


def main() -> None:
    """Measure, print and append to the results."""
    with screen.screen():
        rows = run()
    for name, (clock, own) in rows.items():
        print(f"{name:<44}{clock:>8.1f} ms   main thread {own:>8.1f} ms")
    records.append("planes", {"rows": rows})


def run() -> dict[str, tuple[float, float]]:
    """All figures; milliseconds by the clock, and of the main thread."""
    import napari
    from qtpy.QtWidgets import QApplication

    from napari_medssl.imaging import Grid
    from napari_medssl.ui.display import Display
    from napari_medssl.ui.layers import CaseLayers
    from napari_medssl.ui.loading import ShownCase, shown_channel
    from napari_medssl.ui.ortho import OrthoDock
    from napari_medssl.ui.planes import go_through

    viewer = napari.Viewer()
    viewer.window.resize(1500, 940)
    values = np.random.default_rng(0).integers(-1000, 400, SHAPE, dtype=np.int16)
    display = Display(Grid(SHAPE[::-1], np.diag([0.7, 0.7, 1.5, 1.0])))
    labels = np.zeros(display.shape, np.uint8)
    labels[60:140, 100:300, 100:300] = 1
    layers = CaseLayers(viewer, lambda sure: None, lambda: None)
    layers.show_case(ShownCase("large", display, (shown_channel("image", values),), labels))

    def slide(number: int) -> None:
        go_through(viewer, display, [60 + number, 256, 200 + number])
        QApplication.processEvents()

    rows = {"sliders moved, without planes": measure(slide)}
    dock = OrthoDock(viewer, layers, lambda shown: None)
    dock.show()

    def click(number: int) -> None:
        dock.point("coronal", 60 + number, 200 + number)
        QApplication.processEvents()

    rows["a click in a plane"] = measure(click)
    rows["of it the planes' pictures"] = measure(lambda number: dock.draw())
    dock.close()
    layers.close()
    viewer.close()
    return rows


def measure(act: Callable[[int], None]) -> tuple[float, float]:
    """Medians over some times."""
    clock, own = [], []
    for number in range(CLICKS):
        begin, worked = time.perf_counter(), time.thread_time()
        act(number)
        clock.append(time.perf_counter() - begin)
        own.append(time.thread_time() - worked)
    waited, worked_for = (round(1000 * statistics.median(taken[3:]), 1) for taken in (clock, own))
    return waited, worked_for


if __name__ == "__main__":
    main()
