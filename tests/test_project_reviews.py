"""What people decided about proposals: kept beside them, in order, and never lost to a bad file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from fixtures import make_project

from napari_medssl.disk import names_in, read_json, write_json
from napari_medssl.errors import ProjectError
from napari_medssl.project.reviews import add_decisions, decide, read_decisions


def test_decisions_are_added_to_those_that_are_there(tmp_path: Path) -> None:
    case = make_project(tmp_path).case("case-2")
    assert read_decisions(case, "bcp-001") == ()
    first = decide("accept", "region", "1-2-3/40", "anna")
    second = decide("reject", "class", "2", "ben")
    add_decisions(case, "bcp-001", (first,))
    add_decisions(case, "bcp-001", (second,))
    add_decisions(case, "bcp-002", (second,))
    assert read_decisions(case, "bcp-001") == (first, second)
    assert first.time <= second.time
    assert read_decisions(case, "bcp-002") == (second,)
    assert sorted(names_in(case.folder / "reviews")) == ["bcp-001.json", "bcp-002.json"]


def test_what_is_not_understood_is_left_out_and_kept(tmp_path: Path) -> None:
    case = make_project(tmp_path).case("case-2")
    one = decide("redo", "case", "", "anna")
    add_decisions(case, "bcp-001", (one,))
    path = case.folder / "reviews" / "bcp-001.json"
    values = read_json(path) or {}
    values["decisions"] += [{"verb": "sing", "scope": "case", "what": "", "author": "x", "time": ""}, 7, {}]
    write_json(path, values)
    assert read_decisions(case, "bcp-001") == (one,)
    add_decisions(case, "bcp-001", (one,))
    assert read_decisions(case, "bcp-001") == (one, one)
    assert len(json.loads(path.read_text())["decisions"]) == 5


def test_a_full_disk_is_one_clear_line_and_nothing_is_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    case = make_project(tmp_path).case("case-2")
    one = decide("accept", "slice", "0/3", "anna")
    add_decisions(case, "bcp-001", (one,))

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("napari_medssl.project.reviews.write_json", full)
        with pytest.raises(ProjectError, match="case-2: what you decided was not noted"):
            add_decisions(case, "bcp-001", (one,))
    assert read_decisions(case, "bcp-001") == (one,)
