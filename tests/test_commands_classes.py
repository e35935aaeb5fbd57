"""The command `classes`: listing, planning, changing, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from fixtures import make_project

from napari_medssl.cli import main
from napari_medssl.project import Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return make_project(tmp_path)


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    assert main(["classes", *arguments, "--json"]) == 0
    told: dict[str, Any] = json.loads(capsys.readouterr().out.splitlines()[-1])
    return told


def values(project: Project) -> set[int]:
    found: set[int] = set()
    for case in Project.open(project.root).cases():
        latest = case.latest()
        found |= set() if latest is None else set(latest.voxels)
    return found


def names(project: Project) -> dict[int, str]:
    return {one.value: one.name for one in Project.open(project.root).classes}


def test_names_and_new_ones_change_at_once(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    told = said(capsys, str(project.root), "--add", "5=cyst", "--rename", "1=light")
    assert [one["name"] for one in told["classes"]] == ["light", "dark", "cyst"]
    assert names(project) == {1: "light", 2: "dark", 5: "cyst"}


def test_what_is_drawn_changes_only_with_yes(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    told = said(capsys, str(project.root), "--turn", "2=1")
    assert told["plan"]["changes"] == {"2": "dark → bright"}
    assert (len(told["plan"]["cases"]), told["plan"]["done"]) == (2, False)
    assert names(project) == {1: "bright", 2: "dark"}
    assert said(capsys, str(project.root), "--turn", "2=1", "--yes")["plan"]["done"]
    assert names(project) == {1: "bright"}
    assert values(project) == {0, 1}


@pytest.mark.parametrize(
    ("flags", "classes", "drawn"),
    [
        (["--turn", "2=7"], {1: "bright", 7: "dark"}, {0, 1, 7}),
        (["--turn", "2=0"], {1: "bright"}, {0, 1}),
        (["--turn", "2=255"], {1: "bright"}, {0, 1, 255}),
        (["--turn", "1=9", "2=9", "--add", "9=ball"], {9: "ball"}, {0, 9}),
        (["--turn", "2=1", "--rename", "1=ball"], {1: "ball"}, {0, 1}),
    ],
)
def test_each_way_of_turning(
    project: Project, capsys: pytest.CaptureFixture[str], flags: list[str], classes: dict[int, str], drawn: set[int]
) -> None:
    said(capsys, str(project.root), *flags, "--yes")
    assert names(project) == classes
    assert values(project) == drawn


def test_a_swap_needs_no_third_label(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    newest = {case.name: case.latest() for case in project.cases()}
    before = {name: found.voxels for name, found in newest.items() if found is not None}
    said(capsys, str(project.root), "--turn", "1=2", "2=1", "--yes")
    assert names(project) == {1: "dark", 2: "bright"}
    for case in Project.open(project.root).cases():
        latest = case.latest()
        if latest is not None:
            assert (latest.voxels[1], latest.voxels[2]) == (before[case.name][2], before[case.name][1])


@pytest.mark.parametrize(
    "flags", [["--rename", "9=x"], ["--turn", "9=1"], ["--add", "1=x"], ["--add", "3=dark"], ["--turn", "2=x"]]
)
def test_what_cannot_be_is_refused(project: Project, flags: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["classes", str(project.root), *flags, "--yes"]) == 2
    assert names(project) == {1: "bright", 2: "dark"}
