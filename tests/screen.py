"""A screen for scripts that want a real window: an X server of their own, and a process in it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def display() -> Iterator[str]:
    """An X server without a screen."""
    server = shutil.which("Xvfb")
    if server is None:
        pytest.skip("Xvfb is not installed (apt-get install xvfb): no real window to test in")
    read, write = os.pipe()
    process = subprocess.Popen(
        [server, "-displayfd", str(write), "-screen", "0", "1500x940x24", "-nolisten", "tcp"],
        pass_fds=[write],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(write)
    try:
        with os.fdopen(read) as pipe:
            number = pipe.readline().strip()  # comes when the server is ready; empty when it died
        assert number, "Xvfb did not start"
        yield f":{number}"
    finally:
        process.terminate()
        process.wait(10)


def run_script(name: str, display: str, folder: Path, pictures: Path, *more: str, seconds: float) -> dict[str, Any]:
    """Run a script of this folder in a real window; what it told on its last line.

    It is given `folder`, `pictures` and `more` as arguments.
    """
    env = os.environ | {
        "DISPLAY": display,
        "QT_QPA_PLATFORM": "xcb",
        "LIBGL_ALWAYS_SOFTWARE": "1",
        "NAPARI_CONFIG": str(folder.parent / "settings.yaml"),
        "OMP_NUM_THREADS": "1",
    }
    env.pop("WAYLAND_DISPLAY", None)
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name(name)), str(folder), str(pictures), *more],
        env=env,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-6000:]}"
    told: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return told


def picture_folder(tmp_path: Path, name: str) -> Path:
    """Where a script keeps its pictures: in `MEDSSL_PICTURES`, where that is set."""
    folder = Path(os.environ.get("MEDSSL_PICTURES", tmp_path / "pictures")).absolute() / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def check_pictures(folder: Path, steps: tuple[str, ...]) -> None:
    """Each step has its picture, and something is on it."""
    for number, step in enumerate(steps, 1):
        picture = folder / f"{number:02d}-{step}.png"
        assert picture.stat().st_size > 20_000, f"{picture} is blank"
