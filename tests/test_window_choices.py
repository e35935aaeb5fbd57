"""Mistakes of the hand in a real window: what `window_choices.py` tries there changes nothing unasked.

`MEDSSL_PICTURES` names a folder to keep the pictures in.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from fixtures import make_project
from review_world import propose
from screen import picture_folder, run_script


@pytest.mark.timeout(400)
def test_the_wheel_and_hasty_keys_decide_nothing(display: str, tmp_path: Path) -> None:
    propose(make_project(tmp_path, shape=(40, 44, 24)))
    pictures = picture_folder(tmp_path, "choices")
    told = run_script("window_choices.py", display, tmp_path / "project", pictures, seconds=380)
    assert told["scroll"] == {"scope": "This region"}
    assert told["wheel"]["changed"] == 0
    assert told["wheel"]["tried"] > 8
    assert told["reject"] == {"asked": True, "scope": "This region"}
    assert told["complete"] == {"asked": True}
    assert told["focus"] == {"focus": True, "slices": 1, "untouched": True}
    assert told["brush"] == {"moved": True, "kept": True}
    assert told["save"] == {"written": ["h14.nii.gz"]}
