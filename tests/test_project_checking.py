"""The check of scans before anything starts: each rule finds what it is for, and nothing in a clean set."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from fixtures import balls, make_project, write_scan
from test_project_bad_files import damage

from napari_medssl.cli import main
from napari_medssl.imaging import Grid
from napari_medssl.project import Project, freeze_audit
from napari_medssl.project.checking import compare
from napari_medssl.project.examining import check_files, check_project
from napari_medssl.project.findings import Finding, Mask, Scan, in_words
from napari_medssl.project.patients import guess_patients


def scan(name: str, spacing: float = 1.0, shape: tuple[int, ...] = (10, 10, 10), **more: Any) -> Scan:
    grid = Grid(shape, np.diag([spacing, spacing, spacing, 1.0])) if len(shape) == 3 else Grid.raster(shape)
    values: dict[str, Any] = {"channels": 1, "low": -1000.0, "high": 400.0, "finite": 1.0, "digest": name, **more}
    return Scan(name, name, grid, **values)


def rules(findings: list[Finding]) -> list[str]:
    return [finding.rule for finding in findings]


CLEAN = [scan(f"scan {number}") for number in range(5)]


def test_a_clean_set_has_no_findings() -> None:
    assert compare(CLEAN) == []
    assert in_words([]) == "nothing odd"


@pytest.mark.parametrize(
    ("odd", "rule", "level"),
    [
        (scan("odd", spacing=5.0), "spacing", "warning"),
        (scan("odd", shape=(40, 10, 10)), "shape", "warning"),
        (scan("odd", shape=(10, 10)), "kind", "error"),
        (scan("odd", channels=3), "kind", "error"),
        (scan("odd", digest="scan 1"), "duplicate", "error"),
        (scan("odd", low=7.0, high=7.0), "constant", "error"),
        (scan("odd", finite=0.0, low=0.0, high=0.0), "constant", "error"),
        (scan("odd", finite=0.9), "not-a-number", "warning"),
        (scan("odd", low=0.0, high=1.0), "range", "warning"),
        (scan("odd", low=0.0, high=1400.0), "range", "warning"),
    ],
)
def test_each_rule_finds_the_odd_one(odd: Scan, rule: str, level: str) -> None:
    (finding, *rest) = compare([*CLEAN, odd])
    assert (finding.rule, finding.level, rest) == (rule, level, [])
    assert "odd" in finding.items
    assert finding.what.endswith(".")
    assert finding.todo.endswith(".")
    assert finding.leave_out == ("odd",)


def test_without_air_only_the_span_of_values_counts() -> None:
    calm = [replace(one, low=0.0, high=200.0 + number) for number, one in enumerate(CLEAN)]
    assert compare(calm) == []
    assert rules(compare([*calm, scan("odd", low=0.0, high=60_000.0)])) == ["range"]


def test_orientation_missing_and_mixed() -> None:
    blind = replace(CLEAN[0], grid=replace(CLEAN[0].grid, header=SimpleNamespace(source="pixdim")))
    assert rules(compare([*CLEAN[1:], blind])) == ["orientation"]
    turned = replace(CLEAN[0], grid=replace(CLEAN[0].grid, affine=np.diag([-1.0, -1.0, 1.0, 1.0])))
    (finding,) = compare([*CLEAN[1:], turned])
    assert (finding.level, finding.items, finding.leave_out) == ("info", ("scan 0",), ())


def test_labels_are_held_against_scans_and_each_other() -> None:
    grid = CLEAN[0].grid
    masks = [Mask(f"m{n}", f"m{n}", f"scan {n}", grid, (1, 2)) for n in range(4)]
    assert compare(CLEAN, masks) == []
    odd = Mask("m", "m", "scan 4", grid, (1, 7))
    (finding,) = compare(CLEAN, [*masks, odd])
    assert (finding.rule, "7" in finding.what) == ("label-values", True)
    assert rules(compare(CLEAN, masks, known={1: "liver"})) == ["label-values"]
    assert rules(compare(CLEAN, [replace(masks[0], scan="")])) == ["no-scan"]
    elsewhere = scan("x", shape=(9, 10, 10)).grid
    assert rules(compare(CLEAN, [replace(masks[0], grid=elsewhere)])) == ["label-grid"]


@pytest.mark.parametrize(
    ("names", "patients"),
    [
        (["P01_1", "P01_2", "P02_1", "P03"], {"P01": 2}),
        (["p7-pre", "p7-post", "p8-pre", "p8-post"], {"p7": 2, "p8": 2}),
        (["case-0", "case-1", "hippocampus_001", "hippocampus_002"], {}),
        ([f"study2021_{n:02d}" for n in range(40)] + ["study2022_01"], {}),
    ],
)
def test_patients_are_guessed_from_names_where_that_is_plausible(names: list[str], patients: dict[str, int]) -> None:
    guessed = guess_patients({name: ("", name) for name in names})
    assert {patient: list(guessed.values()).count(patient) for patient in set(guessed.values())} == patients


def test_patients_are_guessed_from_folders() -> None:
    guessed = guess_patients({f"{who}/{what}": (who, what) for who in ("ann", "ben") for what in ("t1", "t2")})
    assert guessed == {"ann/t1": "ann", "ann/t2": "ann", "ben/t1": "ben", "ben/t2": "ben"}


# --- files


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "scans"
    for number in range(4):
        (path,) = write_scan(place, "new", "3d", balls((12, 12, 12), number)[0])
        path.rename(place / f"P{number // 2}_{number % 2}.nii")
    return place


def files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.nii"))


def test_files_are_read_whole_and_bad_ones_are_left_out(folder: Path) -> None:
    paths = files(folder)
    damage(paths[0])
    paths[2].write_bytes(paths[1].read_bytes())
    told: list[tuple[int, int]] = []
    report = check_files(paths, on_progress=lambda done, total: told.append((done, total)))
    assert (report.scans, report.whole) == (3, True)
    assert told[-1] == (4, 4)
    assert report.leave_out.keys() == {str(paths[0]), str(paths[2])}
    assert [finding.rule for finding in report.findings][:2] == ["unreadable", "duplicate"]


def test_a_check_can_be_stopped(folder: Path) -> None:
    looked: list[int] = []
    report = check_files(files(folder), stop=lambda: bool(looked) or looked.append(1) is not None)
    assert (report.scans, report.whole) == (1, False)


def test_labels_beside_scans_find_them_by_name(folder: Path) -> None:
    paths = files(folder)
    labels = folder / paths[0].name.replace(".nii", "_label.nii")
    nib.save(nib.Nifti1Image(np.zeros((12, 12, 12), np.uint8), nib.load(paths[0]).affine), labels)
    stray = folder / "nobody_label.nii"
    nib.save(nib.Nifti1Image(np.full((5, 5, 5), 0.5, np.float32), np.eye(4)), stray)
    report = check_files(paths, [labels, stray])
    assert [(one.rule, one.items) for one in report.findings if one.level == "error"] == [
        ("label-unreadable", ("nobody_label.nii",))
    ]


def test_a_project_is_checked_across_the_audit_line(tmp_path: Path) -> None:
    project = Project.create(tmp_path / "project")
    for name in ("P01_1", "P01_2", "P02_1", "P03_1"):
        path = write_scan(tmp_path / "scans", name, "3d", balls((12, 12, 12), len(name) + ord(name[2]))[0])[0]
        kept = path.rename(path.with_name(f"{name}.nii"))
        project.add_case(kept)
    freeze_audit(project, ["P01_1"])
    report = check_project(project)
    across = [one for one in report.findings if one.rule == "audit-line"]
    assert [(one.items, one.leave_out) for one in across] == [(("P01_1", "P01_2"), ("P01_2",))]
    twice = [one for one in report.findings if one.rule == "duplicate"]
    assert twice, "P01_1 and P01_2 were made alike"
    assert "audit" in twice[0].what
    assert twice[0].leave_out == ("P01_2",)


def test_damaged_labels_of_a_project_are_told(tmp_path: Path) -> None:
    project = make_project(tmp_path)
    latest = project.case("case-0").latest()
    assert latest is not None
    damage(latest.path)
    (finding,) = [one for one in check_project(project).findings if one.level == "error"]
    assert (finding.rule, finding.items) == ("labels", ("case-0",))


def test_the_command_tells_it_too(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(folder)]) == 0
    assert "4 scans read, 1 note." in capsys.readouterr().out
    damage(files(folder)[0])
    assert main(["check", str(folder), "--json"]) == 2
    told = json.loads(capsys.readouterr().out)
    assert told["findings"][0]["rule"] == "unreadable"
    make_project(tmp_path)
    assert main(["check", str(tmp_path / "project")]) == 0
