"""Looking at scans in a real window: what `window_viewing.py` does there is right.

`MEDSSL_PICTURES` names a folder to keep the pictures in.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from fixtures import make_project
from screen import check_pictures, picture_folder, run_script

STEPS = ("case-open", "window-dragged", "planes", "planes-painted", "planes-3d", "large", "orders")


@pytest.mark.timeout(400)
def test_windows_planes_and_letters_in_a_real_window(display: str, tmp_path: Path, data_root: Path) -> None:
    make_project(tmp_path, shape=(40, 44, 24))
    pictures = picture_folder(tmp_path, "viewing")
    scans = data_root / "odd" / "orient48"
    told = run_script("window_viewing.py", display, tmp_path / "project", pictures, str(scans), seconds=380)
    assert told["drag"] == {"wider": True, "brighter": True, "untouched": True}
    assert told["planes"] == {"pointed": True, "untouched": True, "seen": True, "left": []}
    orders = len(list(scans.glob("*.nii.gz")))
    assert told["orders"]["same"] == orders == 24
    assert told["orders"]["2d"] == orders * 3 * 4
    assert told["orders"]["3d"] >= orders * 3 * 2 * 4
    check_pictures(pictures, STEPS)
