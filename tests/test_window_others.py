"""Two people on one case, one of them in a real window: `window_others.py`.

`MEDSSL_PICTURES` names a folder to keep the pictures in.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from fixtures import make_project
from screen import picture_folder, run_script


@pytest.mark.timeout(300)
def test_nothing_newer_is_replaced_unasked(display: str, tmp_path: Path) -> None:
    make_project(tmp_path, shape=(40, 44, 24))
    told = run_script(
        "window_others.py", display, tmp_path / "project", picture_folder(tmp_path, "others"), seconds=280
    )
    ben, me, beside = [True, True, False], [False, False, False], [False, False, True]
    assert told["kept"] == [ben, me]
    assert told["opened"][:3] == [ben, me, ben]
    # on a busy machine a save of half a stroke may still have been waiting
    assert told["opened"][3:] in ([beside], [beside, beside])
    assert told["history"][-3:] == ["complete · counts", "draft", "complete"]
    assert set(told["history"][:-3]) == {"kept beside"}
    assert told["restored"] == [False, True, False]
