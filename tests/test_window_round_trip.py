"""The whole round in a real window: open, paint, train, see the proposal, correct, accept, count.

The window lives under an X server of its own, so that `pytest` alone does it all. `MEDSSL_PICTURES` names a folder to
keep the pictures of each step in.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

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


@pytest.mark.timeout(600)
def test_a_round_in_a_real_window(display: str, tmp_path: Path) -> None:
    pictures = Path(os.environ.get("MEDSSL_PICTURES", tmp_path / "pictures")).absolute()
    pictures.mkdir(parents=True, exist_ok=True)
    env = os.environ | {
        "DISPLAY": display,
        "QT_QPA_PLATFORM": "xcb",
        "LIBGL_ALWAYS_SOFTWARE": "1",
        "NAPARI_CONFIG": str(tmp_path / "settings.yaml"),
        "OMP_NUM_THREADS": "1",
    }
    env.pop("WAYLAND_DISPLAY", None)
    script = Path(__file__).with_name("window_script.py")
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path / "sample"), str(pictures)],
        env=env,
        capture_output=True,
        text=True,
        timeout=560,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-6000:]}"
    told = json.loads(done.stdout.strip().splitlines()[-1])
    assert told["complete"]
    assert told["origin"] == "corrected"
    assert 0 <= told["dice_to_proposal"] < 1
    assert told["labelled"] == 4
    assert told["torch"] is False, "napari's process never imports torch"
    steps = ("sample-project", "case-open", "painted", "training", "proposal", "doubt", "corrected", "accepted", "next")
    for number, step in enumerate(steps, 1):
        picture = pictures / f"{number:02d}-{step}.png"
        assert picture.stat().st_size > 20_000, f"{picture} is blank"
