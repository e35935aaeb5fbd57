"""`check --repair`: what can be mended is mended, what cannot is said, and no damaged file is lost."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import attacks
import numpy as np
import pytest
from fixtures import made_run, make_project

from napari_medssl import cli
from napari_medssl.disk import read_json
from napari_medssl.project import Project
from napari_medssl.project.inventory import forget
from napari_medssl.project.reviews import add_decisions, decide
from napari_medssl.project.whole import records, single_bits
from napari_medssl.runs.spec import read_spec


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Two labelled and two unlabelled images, and two runs that proposed for one of them."""
    project = make_project(tmp_path, "raster")
    for _ in range(2):
        spec = made_run(project, "supervised", 0.8)
        (project.run_folder(spec.run) / "model.safetensors").unlink()
        forget(project.root, "run", spec.run)
        case = project.case("case-2")
        case.save_proposal(spec.run, np.zeros(case.grid.shape, np.uint8), {}, 0.5, {})
    return project


def check(capsys: Any, project: Project, *words: str) -> tuple[int, dict[str, Any], str]:
    code = cli.main(["check", str(project.root), *words, "--json"])
    out, err = capsys.readouterr()
    return code, json.loads(out), err


def cut(path: Path, by: int = 10) -> bytes:
    path.write_bytes(path.read_bytes()[:-by])
    return path.read_bytes()


def kept(path: Path) -> list[bytes]:
    return [one.read_bytes() for one in path.parent.glob(f"{path.name}.damaged-*")]


def newest(project: Project) -> Path:
    case = project.case("case-0")
    latest = case.latest()
    assert latest is not None
    return case.labels_folder / f"{latest.id}.json"


def test_a_whole_project_has_nothing_to_mend(project: Project, capsys: Any) -> None:
    code, told, _ = check(capsys, project, "--repair")
    assert (code, told["damage"], told["mended"]) == (0, [], [])


@pytest.mark.parametrize("name", ["project.json", "cases/case-0/case.json", "cases/case-0/reviews/supervised-001.json"])
def test_a_repair_that_the_disk_has_no_room_for_takes_nothing_away(name: str, project: Project) -> None:
    add_decisions(project.case("case-0"), "supervised-001", (decide("accept", "region", "r1", "a"),))
    path = project.root / name
    bad = bytearray(path.read_bytes())
    bad[len(bad) // 3] ^= 4
    if name.endswith("case.json"):
        bad[-3] ^= 4  # more than one: it is made anew
    path.write_bytes(bad)
    number, refused = 0, True
    while refused:
        with attacks.load("faulty").Disk(project.root, number) as disk:
            code = cli.main(["check", str(project.root), "--repair"])
        refused, number = disk.refused, number + 1
        assert path.exists()
        if refused:
            assert bytes(bad) in [path.read_bytes(), *kept(path)]
            assert code in (0, 2)
    assert number > 3
    assert cli.main(["check", str(project.root)]) == 0


def test_single_bits_of_all_records_are_put_right(project: Project, capsys: Any) -> None:
    whole = {path: path.read_bytes() for path in records(project.root)}
    for path, data in whole.items():
        bad = bytearray(data)
        bad[len(data) // 3] ^= 4
        path.write_bytes(bad)
    code, told, _ = check(capsys, project)
    assert code == 2
    assert {one["file"] for one in told["damage"]} >= {str(path) for path in whole if path.name != "spec.json"}
    code, told, _ = check(capsys, project, "--repair")
    assert (code, told["damage"]) == (0, [])
    assert {path: path.read_bytes() for path in whole} == whole
    assert all(len(kept(path)) == 1 for path in whole)
    assert list(single_bits(project.root)) == []
    assert [read_spec(project.run_folder(run)).run for run in project.runs()] == project.runs()


def test_labels_whose_record_is_lost_come_back_as_a_draft(project: Project, capsys: Any) -> None:
    path = newest(project)
    labels = project.case("case-0").read_labels()
    assert labels is not None
    bad = cut(path, 30)
    assert check(capsys, project)[0] == 2
    _, told, _ = check(capsys, project, "--repair")
    assert any("draft" in one for one in told["mended"])
    case = Project.open(project.root).case("case-0")
    latest = case.latest()
    assert latest is not None
    assert (case.status, latest.id, latest.author, latest.complete) == ("draft", path.stem, "", False)
    assert "not known" in latest.note
    again = case.read_labels()
    assert again is not None
    np.testing.assert_array_equal(again.array, labels.array)
    assert kept(path) == [bad]


def test_labels_that_are_damaged_with_their_record_are_set_aside_and_earlier_ones_count(
    project: Project, capsys: Any
) -> None:
    case = project.case("case-0")
    first = case.latest()
    case.save_labels(np.ones(case.grid.shape, np.uint8), author="x", origin="drawn")
    path = newest(project)
    cut(path, 30)
    cut(path.with_suffix(".png"), 30)
    _, told, _ = check(capsys, project, "--repair")
    assert any("earlier ones count" in one for one in told["mended"])
    again = Project.open(project.root).case("case-0")
    assert (again.status, again.latest()) == ("labelled", first)
    assert len(kept(path)) == len(kept(path.with_suffix(".png"))) == 1


@pytest.mark.parametrize("newer", [False, True])
def test_labels_without_a_record_come_back_unless_newer_ones_are_there(
    project: Project, capsys: Any, newer: bool
) -> None:
    path = newest(project)
    path.unlink()
    os.utime(path.with_suffix(".png"), (1e9, 1e9))
    case = Project.open(project.root).case("case-0")
    if newer:
        case.save_labels(np.ones(case.grid.shape, np.uint8), author="x", origin="drawn")
    labels = path.with_suffix(".png")
    before = labels.read_bytes()
    code, told, _ = check(capsys, project, "--repair")
    assert path.exists() != newer
    assert (kept(labels) if newer else [labels.read_bytes()]) == [before]
    assert (code, told["damage"]) == (0, [])  # nothing is told of for ever


def test_a_case_record_is_made_anew_from_its_scan(project: Project, capsys: Any) -> None:
    case = project.case("case-1")
    case.comment_on("look again", "me")
    before, path = read_json(case.folder / "case.json"), case.folder / "case.json"
    bad = cut(path, 40)
    _, told, _ = check(capsys, project, "--repair")
    assert any("patient" in one for one in told["mended"])
    after = read_json(path)
    assert before is not None
    assert after is not None
    assert {name: after[name] for name in ("patient", "images", "grid")} == {
        name: before[name] for name in ("patient", "images", "grid")
    }
    assert Project.open(project.root).case("case-1").status == "labelled"
    assert kept(path) == [bad]


def test_a_case_record_of_a_scan_that_is_another_now_is_not_made_anew(project: Project, capsys: Any) -> None:
    path = project.root / "cases" / "case-1" / "case.json"
    bad = cut(path, 40)
    scan, other = (project.case(name).images[0] for name in ("case-1", "case-0"))
    scan.write_bytes(other.read_bytes())
    code, _, err = check(capsys, project, "--repair")
    assert code == 2
    assert str(path) in err
    assert path.read_bytes() == bad


def test_damaged_proposals_and_decisions_are_set_aside(project: Project, capsys: Any) -> None:
    case, runs = project.case("case-2"), project.runs()
    add_decisions(case, runs[0], (decide("accept", "case", "", "me"),))
    proposal, review = case.proposals_folder / runs[1] / "proposal.json", case.folder / "reviews" / f"{runs[0]}.json"
    for path in (proposal, review):
        cut(path)
    code, told, _ = check(capsys, project)
    assert code == 2
    assert {str(proposal), str(review)} <= {one["file"] for one in told["damage"]}
    code, told, _ = check(capsys, project, "--repair")
    assert (code, told["damage"]) == (0, [])
    assert [one.run for one in Project.open(project.root).case("case-2").proposals()] == runs[:1]
    assert len(kept(proposal)) == len(kept(review)) == 1


def test_what_killed_writers_left_is_removed_and_nothing_else(project: Project, capsys: Any) -> None:
    old = [
        project.root / place / ".x.0000.tmp"
        for place in ("", "cases/case-0", "cases/case-0/labels", f"cases/case-2/proposals/{project.runs()[0]}", "runs")
    ]
    young, mine = project.root / "cases" / ".y.0000.tmp", project.root / "cases" / "notes.tmp"
    for path in (*old, young, mine):
        path.write_bytes(b"1")
    for path in (*old, mine):
        os.utime(path, (1e9, 1e9))
    (project.root / "runs" / "bcp-009").mkdir()
    os.utime(project.root / "runs" / "bcp-009", (1e9, 1e9))
    (project.root / "runs" / "bcp-010").mkdir()
    assert "leftovers" in check(capsys, project)[2]
    assert all(path.exists() for path in old)
    check(capsys, project, "--repair")
    assert not any(path.exists() for path in old)
    assert young.exists()
    assert mine.exists()
    assert [name for name in project.runs() if name.startswith("bcp")] == ["bcp-010"]


@pytest.mark.parametrize("which", ["older", "run"])
def test_proposals_are_cleared_on_request(project: Project, capsys: Any, which: str) -> None:
    case, (first, second) = project.case("case-2"), project.runs()
    (case.proposals_folder / first / "mine.txt").write_text("x")
    check(capsys, project, "--repair")
    assert len(case.proposals()) == 2
    _, told, _ = check(capsys, project, "--clear-proposals", "older" if which == "older" else first)
    assert told["mended"][0].startswith("1 proposals removed")
    assert [one.run for one in case.proposals()] == [second]
    assert (case.proposals_folder / first / "mine.txt").exists()
    assert check(capsys, project, "--clear-proposals", "nobody-001")[0] == 2


def test_a_damaged_model_and_a_damaged_cache_are_named(tmp_path: Path, quick_machine: None, capsys: Any) -> None:
    from fixtures import quick_spec, run_inline

    project = make_project(tmp_path, "raster")
    run = quick_spec(project, "supervised", "raster", steps=2).run
    run_inline(project, run)
    model = project.run_folder(run) / "model.safetensors"
    cached = sorted((project.root / "cache").rglob("*.npy"))
    assert check(capsys, project)[1]["damage"] == []
    for path in (model, cached[0]):
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.write_bytes(data)
    code, told, _ = check(capsys, project)
    assert code == 2
    assert {one["file"] for one in told["damage"]} == {str(model), str(cached[0])}
    check(capsys, project, "--repair")
    assert not cached[0].exists()
    assert model.exists()
