"""How long napari's event loop keeps a person waiting while a training process runs.

A timer of 10 ms says how late each tick comes; meanwhile somebody scrolls through the slices (25 a second) and draws a
stroke each second. Measured twice: without a run, and while one trains on the same machine. Needs a screen, or Xvfb.

    python benchmarks/event_loop.py --seconds 30
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).with_name("results") / "event_loop.jsonl"
TICK = 10.0  # ms
LIMIT = 33.0  # ms: two frames at 60 Hz


def find_screen() -> subprocess.Popen[bytes] | None:
    """Use the screen there is, else start an X server without one; to be called before Qt is imported."""
    if os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY") or sys.platform in ("win32", "darwin"):
        return None
    server = shutil.which("Xvfb")
    if server is None:
        sys.exit("no screen, and Xvfb is not installed")
    read, write = os.pipe()
    process = subprocess.Popen(
        [server, "-displayfd", str(write), "-screen", "0", "1500x940x24", "-nolisten", "tcp"], pass_fds=[write]
    )
    os.close(write)
    with os.fdopen(read) as pipe:
        os.environ["DISPLAY"] = f":{pipe.readline().strip()}"
    os.environ["QT_QPA_PLATFORM"] = "xcb"
    return process


def measure(viewer: Any, layer: Any, seconds: float) -> dict[str, float]:
    """Lateness of a 10 ms timer, in ms, while slices are scrolled and strokes drawn."""
    import numpy as np
    from qtpy.QtCore import QEventLoop, Qt, QTimer

    late: list[float] = []
    loop = QEventLoop()
    last = [time.perf_counter()]

    def tick() -> None:
        now = time.perf_counter()
        late.append(max(0.0, (now - last[0]) * 1000 - TICK))
        last[0] = now

    step = [0]

    def scroll() -> None:
        step[0] += 1
        count = layer.data.shape[0]
        viewer.dims.set_current_step(0, abs(step[0] % (2 * count) - count) % count)
        if step[0] % 25 == 0:
            at = viewer.dims.current_step[0]
            layer.paint((at, 20 + step[0] % 20, 20), 1)

    timers = []
    for interval, slot in ((int(TICK), tick), (40, scroll)):
        timer = QTimer()
        timer.setTimerType(Qt.TimerType.PreciseTimer)
        timer.setInterval(interval)
        timer.timeout.connect(slot)
        timer.start()
        timers.append(timer)
    QTimer.singleShot(int(seconds * 1000), loop.quit)
    last[0] = time.perf_counter()
    loop.exec_()
    for timer in timers:
        timer.stop()
    values = np.array(late)
    return {
        "ticks": len(late),
        "p50": round(float(np.percentile(values, 50)), 2),
        "p95": round(float(np.percentile(values, 95)), 2),
        "p99": round(float(np.percentile(values, 99)), 2),
        "max": round(float(values.max()), 2),
    }


def main() -> int:
    """Measure, print and append to the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=30.0, help="how long to measure, each time")
    parser.add_argument("--method", default="bcp")
    parser.add_argument(
        "--window",
        type=int,
        nargs=2,
        default=(1100, 750),
        help="its width and height: without a GPU, drawing it is the cost",
    )
    args = parser.parse_args()
    server = find_screen()
    os.environ.setdefault("NAPARI_CONFIG", str(Path(tempfile.mkdtemp()) / "settings.yaml"))
    try:
        return run(args)
    finally:
        if server is not None:
            server.terminate()


def run(args: argparse.Namespace) -> int:
    """The benchmark itself, once there is a screen."""
    import napari
    import psutil
    from qtpy.QtCore import QEventLoop
    from qtpy.QtWidgets import QApplication

    from napari_medssl.ui import projects

    projects.SAMPLE_CASES = 8
    viewer = napari.Viewer()
    viewer.window.resize(*args.window)
    _, widget = viewer.window.add_plugin_dock_widget("napari-medssl", "MedSSL")

    def until(condition: Any) -> None:
        end = time.monotonic() + 300
        while not condition():
            QApplication.processEvents(QEventLoop.ProcessEventsFlag.AllEvents, 20)
            if time.monotonic() > end:
                sys.exit(f"nothing came: {widget.session.state.message}")

    with tempfile.TemporaryDirectory() as folder:
        session = widget.session
        session.make_sample(folder, session.open_next)
        until(lambda: widget.layers.has_case)
        layer = next(x for x in viewer.layers if x.metadata.get("medssl", {}).get("role") == "labels")
        measure(viewer, layer, 2.0)  # first-time costs are not what a person feels all day
        rows = {"alone": measure(viewer, layer, args.seconds)}
        session.runs.train(args.method, minutes=(args.seconds + 120) / 60, device="cpu")
        until(lambda: len(session.state.run.loss) >= 1)
        rows["training"] = measure(viewer, layer, args.seconds)
        assert session.state.run.under_way, "the run ended too early"
        session.runs.stop("discard")
        until(lambda: not session.state.run.under_way)
        viewer.close()
        QApplication.processEvents()
    load = psutil.getloadavg()[0]
    result = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": f"python benchmarks/event_loop.py --seconds {args.seconds:g} --method {args.method}",
        "machine": f"{psutil.cpu_count()} CPUs, {platform.system()}, Python {platform.python_version()}",
        "load": round(load, 1),
        "window": list(args.window),
        "unit": "ms late",
        "rows": rows,
        "torch_in_napari": "torch" in sys.modules,
    }
    print(f"{'lateness of a 10 ms timer, ms':<34}{'p50':>8}{'p95':>8}{'p99':>8}{'max':>8}")
    for name, row in rows.items():
        words = "napari alone" if name == "alone" else f"while {args.method} trains beside it"
        print(f"{words:<34}{row['p50']:>8}{row['p95']:>8}{row['p99']:>8}{row['max']:>8}")
    print(f"load of the machine: {load:.1f} on {psutil.cpu_count()} CPUs; asked for: p99 under {LIMIT:g} ms")
    RESULTS.parent.mkdir(exist_ok=True)
    with open(RESULTS, "a", encoding="utf-8") as file:
        file.write(json.dumps(result) + "\n")
    return 0 if rows["training"]["p99"] < LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())
