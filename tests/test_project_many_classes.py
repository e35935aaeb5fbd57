"""Structures of any value from 1 to 254, with or without a key, and as many as there are values."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from test_cli_project import run_json
from test_project_importing import SHAPE, mask, write

from napari_medssl.errors import ProjectError
from napari_medssl.project import ClassInfo, Project
from napari_medssl.project.classes import check_classes, with_free_keys


def organs(*values: int) -> np.ndarray:
    array = np.zeros(SHAPE, np.uint8)
    array.reshape(-1)[: len(values)] = values
    return array


def test_every_value_can_be_a_class_at_once(tmp_path: Path) -> None:
    project = Project.create(tmp_path / "p", classes=[ClassInfo(value, f"organ {value}") for value in range(1, 255)])
    again = Project.open(project.root).classes
    assert [one.value for one in again] == list(range(1, 255))
    assert [one.key for one in again[:10]] == [*"123456789", ""]


def test_keys_are_unique_and_none_may_be_had_by_several() -> None:
    check_classes([ClassInfo(1, "a", key=""), ClassInfo(2, "b", key=""), ClassInfo(30, "c"), ClassInfo(31, "d")])
    with pytest.raises(ProjectError, match="Two classes have the key '7'"):
        check_classes([ClassInfo(7, "a"), ClassInfo(12, "b", key="7")])
    kept = with_free_keys([ClassInfo(12, "b", key="7"), ClassInfo(7, "a")])
    assert [one.key for one in kept] == ["7", ""]
    assert ClassInfo.from_json(ClassInfo(3, "a", key="").to_json()).key == ""


def test_older_projects_without_keys_have_digits() -> None:
    assert ClassInfo.from_json({"value": 3, "name": "a", "colour": "#000000"}).key == "3"
    assert ClassInfo.from_json({"value": 13, "name": "a", "colour": "#000000"}).key == ""


@pytest.mark.parametrize("values", [(12,), (200, 254), tuple(range(1, 14))])
@pytest.mark.parametrize("named", [True, False])
def test_new_takes_values_above_nine(capsys, tmp_path: Path, values: tuple[int, ...], named: bool) -> None:
    for name in ("a", "b"):
        write(tmp_path / "images" / f"{name}.nii.gz")
        write(tmp_path / "labels" / f"{name}.nii.gz", organs(*values))
    words = ["new", tmp_path / "p", "--images", tmp_path / "images", "--labels", tmp_path / "labels"]
    if named:
        words += ["--class", *(f"{value}=organ{value}" for value in values)]
    code, told, _ = run_json(capsys, *words)
    assert code == 0
    assert told["labelled"] == ["a", "b"]
    assert [int(value) for value in told["classes"]] == list(values)
    labels = Project.open(tmp_path / "p").case("a").read_labels()
    assert labels is not None
    assert set(np.unique(labels.array)) == {0, *values}


def test_structures_are_added_and_moved_beyond_nine(capsys, tmp_path: Path) -> None:
    write(tmp_path / "images" / "a.nii.gz")
    write(tmp_path / "labels" / "a.nii.gz", mask())
    run_json(
        capsys, "new", tmp_path / "p", "--images", tmp_path / "images", "--labels", tmp_path / "labels",
        "--class", "1=liver",
    )  # fmt: skip
    code, told, _ = run_json(capsys, "classes", tmp_path / "p", "--add", "10=ureter", "11=bladder")
    assert (code, [one["value"] for one in told["classes"]]) == (0, [1, 10, 11])
    code, _, _ = run_json(capsys, "classes", tmp_path / "p", "--turn", "1=120", "--yes")
    assert code == 0
    # value 1 is free again; its digit is the key of 120 still
    code, told, _ = run_json(capsys, "classes", tmp_path / "p", "--add", "1=spleen")
    assert code == 0
    assert {one["value"]: one["key"] for one in told["classes"]} == {1: "", 10: "", 11: "", 120: "1"}
    labels = Project.open(tmp_path / "p").case("a").read_labels()
    assert labels is not None
    assert set(np.unique(labels.array)) == {0, 120}
