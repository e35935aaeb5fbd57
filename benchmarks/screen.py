"""A screen for benchmarks that need napari's window, and napari's window with the MedSSL dock in it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def screen() -> Iterator[None]:
    """Use the screen there is, else an X server without one; to be entered before Qt is imported."""
    server = _start_server()
    os.environ.setdefault("NAPARI_CONFIG", str(Path(tempfile.mkdtemp()) / "settings.yaml"))
    try:
        yield
    finally:
        if server is not None:
            server.terminate()


def _start_server() -> subprocess.Popen[bytes] | None:
    if os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY") or sys.platform in ("win32", "darwin"):
        return None
    found = shutil.which("Xvfb")
    if found is None:
        sys.exit("no screen, and Xvfb is not installed")
    read, write = os.pipe()
    command = [found, "-displayfd", str(write), "-screen", "0", "1500x940x24", "-nolisten", "tcp"]
    process = subprocess.Popen(command, pass_fds=[write], stderr=subprocess.DEVNULL)
    os.close(write)
    with os.fdopen(read) as pipe:
        os.environ["DISPLAY"] = f":{pipe.readline().strip()}"
    os.environ["QT_QPA_PLATFORM"] = "xcb"
    os.environ["LIBGL_ALWAYS_SOFTWARE"] = "1"
    return process


def open_dock(width: int = 1100, height: int = 750) -> tuple[Any, Any]:
    """napari's viewer and the MedSSL dock in it."""
    import napari

    viewer = napari.Viewer()
    viewer.window.resize(width, height)
    _, widget = viewer.window.add_plugin_dock_widget("napari-medssl", "MedSSL")
    return viewer, widget


def until(condition: Callable[[], Any], widget: Any = None, seconds: float = 300) -> None:
    """Handle events until something holds."""
    from qtpy.QtCore import QEventLoop
    from qtpy.QtWidgets import QApplication

    end = time.monotonic() + seconds
    while not condition():
        QApplication.processEvents(QEventLoop.ProcessEventsFlag.AllEvents, 5)
        if time.monotonic() > end:
            sys.exit(f"nothing came: {widget.session.state.message if widget is not None else condition}")
