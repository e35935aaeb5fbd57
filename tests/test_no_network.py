"""Nothing leaves the machine: whole commands run under an audit hook that fails the process on any use of the network.

The hook sits in a `sitecustomize`, so that processes which a command starts are watched as well.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

HOOK = """
import os, sys

_NETWORK = ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto", "urllib.Request")

def _watch(event, args):
    if event not in _NETWORK:
        return
    if event in ("socket.connect", "socket.sendto"):
        if args[0].family == 1 or args[1][0] in ("127.0.0.1", "::1"):  # 1 = AF_UNIX
            return
    with open(os.environ["MEDSSL_NETWORK_LOG"], "a") as log:
        log.write(f"{event} {args!r} in {sys.argv!r}\\n")
    raise RuntimeError(f"the network was used: {event} {args!r}")

sys.addaudithook(_watch)
"""


@pytest.fixture
def watched(tmp_path: Path) -> dict[str, str]:
    """An environment in which every Python process refuses and writes down any use of the network."""
    (tmp_path / "hook").mkdir()
    (tmp_path / "hook" / "sitecustomize.py").write_text(HOOK, encoding="utf-8")
    return {
        **os.environ,
        "PYTHONPATH": str(tmp_path / "hook"),
        "MEDSSL_NETWORK_LOG": str(tmp_path / "network.log"),
        "OMP_NUM_THREADS": "1",
    }


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    """Four tiny scans with a bright ball in each, and the ball's labels."""
    import nibabel as nib

    generator = np.random.default_rng(0)
    (tmp_path / "images").mkdir()
    (tmp_path / "labels").mkdir()
    i, j, k = np.indices((24, 24, 16))
    for n in range(4):
        ball = ((i - 10 - n) ** 2 + (j - 12) ** 2 + (2 * (k - 8)) ** 2 < 36).astype(np.uint8)
        image = (100 * ball + generator.normal(0, 10, ball.shape)).astype(np.float32)
        affine = np.diag([1.0, 1.0, 2.0, 1.0])
        nib.save(nib.Nifti1Image(image, affine), tmp_path / "images" / f"scan_{n}.nii.gz")
        nib.save(nib.Nifti1Image(ball, affine), tmp_path / "labels" / f"scan_{n}.nii.gz")
    return tmp_path


def _command(environment: dict[str, str], *arguments: str | Path) -> dict:
    script = Path(sys.executable).with_name("napari-medssl")
    done = subprocess.run([script, *arguments, "--json"], env=environment, capture_output=True, text=True, timeout=200)
    log = Path(environment["MEDSSL_NETWORK_LOG"])
    assert not log.exists(), log.read_text(encoding="utf-8")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_hook_sees_the_network(watched: dict[str, str]) -> None:
    code = "import socket; socket.create_connection(('192.0.2.1', 80), timeout=1)"  # an address reserved for examples
    done = subprocess.run([sys.executable, "-c", code], env=watched, capture_output=True, text=True)
    assert done.returncode != 0
    assert "192.0.2.1" in Path(watched["MEDSSL_NETWORK_LOG"]).read_text(encoding="utf-8")


def test_a_round_on_the_command_line_uses_no_network(watched: dict[str, str], scans: Path) -> None:
    project = scans / "project"
    _command(
        watched, "new", project, "--images", scans / "images", "--labels", scans / "labels",
        "--class", "1=ball", "--label-cases", "2",
    )  # fmt: skip
    _command(watched, "train", project, "--method", "supervised", "--steps", "2", "--device", "cpu")
    status = _command(watched, "status", project)
    assert status


DOCK = """
import sys, time
from napari.components import ViewerModel
from qtpy.QtWidgets import QApplication

app = QApplication([])
from napari_medssl.ui.plugin import MedSSLWidget

widget = MedSSLWidget(ViewerModel())
widget.open_folder(sys.argv[1])
until = time.monotonic() + 60
while not widget.session.state.cases and time.monotonic() < until:
    app.processEvents()
    time.sleep(0.01)
print(len(widget.session.state.cases), "torch" in sys.modules)
widget.shut()
"""


def test_the_dock_opens_a_project_without_network_and_without_torch(watched: dict[str, str], scans: Path) -> None:
    _command(watched, "new", scans / "project", "--images", scans / "images", "--class", "1=ball")
    done = subprocess.run(
        [sys.executable, "-c", DOCK, scans / "project"], env=watched, capture_output=True, text=True, timeout=120
    )
    log = Path(watched["MEDSSL_NETWORK_LOG"])
    assert not log.exists(), log.read_text(encoding="utf-8")
    assert done.stdout.split() == ["4", "False"], done.stderr
