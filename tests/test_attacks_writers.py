"""A short share of the attacks by several writers and by clocks that step; `benchmarks/attacks` repeats them."""

from __future__ import annotations

import json
from pathlib import Path

import attacks
import numpy as np
import pytest
from fixtures import make_project

from napari_medssl.errors import ProjectError
from napari_medssl.project import ClassInfo, Project
from napari_medssl.project.classes import merge_classes
from napari_medssl.project.revisions import new_revision_id


@pytest.mark.parametrize(("kind", "times"), [("writers", 60), ("clocks", 24)])
def test_it_holds(kind: str, times: int, tmp_path: Path) -> None:
    tally = attacks.load(kind).attack(tmp_path, times, 1)
    assert tally.failures == ()
    assert sum(tally.tried.values()) >= times / 2
    assert kind != "writers" or tally.tried["resume"]


def test_an_id_sorts_after_whatever_is_there() -> None:
    ids = ["99991231T235959999998Z-ffffff"]
    for _ in range(2000):
        ids.append(new_revision_id(ids)[0])
    assert ids == sorted(ids)
    assert [f"{id}.json" for id in ids] == sorted(f"{id}.json" for id in ids)
    assert len(set(ids)) == len(ids)
    assert max(map(len, ids)) < 60
    assert new_revision_id(["zebra"])[0] > "zebra"
    assert new_revision_id([])[0] < "9"


def test_older_proposals_come_first_by_their_time(tmp_path: Path) -> None:
    case = make_project(tmp_path, "raster", labelled=0, unlabelled=1).case("case-0")
    empty = np.zeros(case.grid.shape, np.uint8)
    for run in ("bcp-001", "bcp-002", "bcp-003"):
        path = case.save_proposal(run, empty, {}, 0.5, {}).labels_path.with_name("proposal.json")
        if run != "bcp-003":
            values = json.loads(path.read_text())
            del values["order"], values["crc32"]
            values["time"] = "2031" if run == "bcp-001" else "2030"
            path.write_text(json.dumps(values))
    assert [one.run for one in case.proposals()] == ["bcp-002", "bcp-001", "bcp-003"]


class TestStructures:
    ONE, TWO, THREE = ClassInfo(1, "one"), ClassInfo(2, "two"), ClassInfo(3, "three")

    def test_what_two_windows_change_is_both_there(self, tmp_path: Path) -> None:
        first = Project.create(tmp_path / "p", classes=(self.ONE,))
        second = Project.open(first.root)
        first.set_classes((self.ONE, self.TWO))
        second.set_classes((ClassInfo(1, "uno"), self.THREE))
        assert [one.name for one in Project.open(first.root).classes] == ["uno", "two", "three"]
        assert [one.name for one in second.classes] == ["uno", "two", "three"]

    def test_the_same_one_changed_twice_is_refused(self, tmp_path: Path) -> None:
        first = Project.create(tmp_path / "p", classes=(self.ONE,))
        second = Project.open(first.root)
        first.set_classes((ClassInfo(1, "eins"),))
        with pytest.raises(ProjectError, match=r"1 'eins' was changed in another window meanwhile"):
            second.set_classes((ClassInfo(1, "uno"),))
        assert [one.name for one in Project.open(first.root).classes] == ["eins"]

    def test_removed_and_the_same_change_made_twice(self) -> None:
        both = (self.ONE, self.TWO)
        assert merge_classes(both, (self.ONE,), (*both, self.THREE)) == (self.ONE, self.THREE)
        assert merge_classes((self.ONE,), both, both) == both
        with pytest.raises(ProjectError, match="changed in another window"):
            merge_classes(both, (self.ONE,), (self.ONE, ClassInfo(2, "zwei")))
