"""The tour in a real window, with mouse and keys, to its end: by the script that makes the tutorial's pictures."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.timeout(900)
def test_the_tour_can_be_taken_to_its_end(repository: Path, tmp_path: Path) -> None:
    if shutil.which("Xvfb") is None or shutil.which("xdotool") is None:
        pytest.skip("Xvfb and xdotool are not both installed: no real window to test in")
    script = repository / "docs" / "make_pictures.py"
    command = [sys.executable, str(script), "--minutes", "0.1", "--cases", "6", "--to", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=800, check=False)
    assert done.returncode == 0, f"{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
    told = (repository / "docs" / "images").glob("*.png")
    assert {path.name for path in tmp_path.glob("*.png")} == {path.name for path in told}
