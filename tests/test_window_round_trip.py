"""The whole round in a real window: open, paint, train, see the proposal, correct, accept, count.

The window lives under an X server of its own, so that `pytest` alone does it all. `MEDSSL_PICTURES` names a folder to
keep the pictures of each step in.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from screen import check_pictures, picture_folder, run_script


@pytest.mark.timeout(600)
def test_a_round_in_a_real_window(display: str, tmp_path: Path) -> None:
    pictures = picture_folder(tmp_path, "round")
    told = run_script("window_script.py", display, tmp_path / "sample", pictures, seconds=560)
    assert told["complete"]
    assert told["origin"] == "corrected"
    assert 0 <= told["dice_to_proposal"] < 1
    assert told["labelled"] == 4
    assert told["torch"] is False, "napari's process never imports torch"
    steps = ("sample-project", "case-open", "painted", "training", "proposal", "doubt", "corrected", "accepted", "next")
    check_pictures(pictures, steps)
