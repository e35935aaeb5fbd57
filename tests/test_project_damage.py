"""A damaged file is named, stops nothing else, and never lets older data count without a word."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fixtures import made_run, make_project, quick_spec

from napari_medssl import cli
from napari_medssl.disk import read_json, write_json
from napari_medssl.errors import MedSSLError, ProjectError, SpecError
from napari_medssl.project import Project
from napari_medssl.project.champions import decide_champion
from napari_medssl.project.integrity import find_damage
from napari_medssl.project.migration import ClassChange, plan_change
from napari_medssl.project.refused import note_refused, read_refused
from napari_medssl.project.reviews import add_decisions, decide, read_decisions
from napari_medssl.runs.history import read_history, unreadable_runs
from napari_medssl.runs.journal import JOURNAL_NAME, JournalReader
from napari_medssl.runs.picking import left_out, look_at_cases
from napari_medssl.runs.spec import SPEC_NAME, read_spec
from napari_medssl.ui.facts import read_facts

DEEP = "[" * 100_000


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Two labelled and two unlabelled images, and a run that proposed for one of them."""
    project = make_project(tmp_path, "raster")
    spec = made_run(project, "supervised", 0.8)
    case = project.case("case-2")
    case.save_proposal(spec.run, np.zeros(case.grid.shape, np.uint8), {}, 0.5, {})
    return project


def cut(path: Path, by: int = 10) -> None:
    path.write_bytes(path.read_bytes()[:-by])


def tell(capsys: Any, *words: object) -> tuple[int, dict[str, Any], str]:
    code = cli.main([*map(str, words), "--json"])
    out, err = capsys.readouterr()
    return code, json.loads(out), err


# --- cases


def test_a_damaged_case_record_is_listed_as_unreadable_with_its_file(project: Project, capsys: Any) -> None:
    path = project.root / "cases" / "case-0" / "case.json"
    cut(path)
    code, told, err = tell(capsys, "status", project.root)
    assert code == 0
    assert {one["case"]: one["status"] for one in told["cases"]}["case-0"] == "unreadable"
    assert str(path) in err
    assert [one["file"] for one in told["damage"]] == [str(path)]
    fresh = Project.open(project.root)
    assert [case.name for case in fresh.cases()] == [f"case-{n}" for n in range(4)]
    assert str(path) in left_out(fresh)["case-0"]
    assert "case-0" not in {one.case for one in look_at_cases(fresh)}
    facts = {one.name: one for one in read_facts(fresh).cases}
    assert (facts["case-0"].status, str(path) in facts["case-0"].note) == ("unreadable", True)
    with pytest.raises(MedSSLError, match=r"case\.json"):
        fresh.case("case-0").read_image()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("images", 7), ("images", "abc"), ("images", [7]), ("images", [{"path": 7}]), ("images", []), ("grid", 7),
        ("grid", {"shape": "ab"}), ("grid", {"shape": [2, 2], "affine": [[0, 0], [0, 0]]}), ("history", "abc"),
    ],
)  # fmt: skip
def test_a_field_of_another_type_makes_a_case_unreadable_and_stops_nothing(
    project: Project, field: str, value: object, capsys: Any
) -> None:
    path = project.root / "cases" / "case-0" / "case.json"
    record = read_json(path)
    assert record is not None
    write_json(path, record | {field: value})
    code, told, err = tell(capsys, "status", project.root)
    assert (code, told["counts"]["unreadable"]) == (0, 1)
    assert str(path) in err
    assert tell(capsys, "suggest", project.root)[0] == 0
    assert tell(capsys, "runs", "list", project.root)[0] == 0


def test_a_window_that_remembers_a_record_writes_nothing_over_a_damaged_one(project: Project) -> None:
    case = project.case("case-0")
    path = case.folder / "case.json"
    cut(path)
    before = path.read_bytes()
    with pytest.raises(MedSSLError, match=r"case\.json"):
        case.flag()
    assert path.read_bytes() == before


def test_labels_without_a_case_record_are_no_case_that_vanished(project: Project) -> None:
    (project.root / "cases" / "case-0" / "case.json").unlink()
    assert Project.open(project.root).case("case-0").status == "unreadable"


# --- labels


def newest_record(project: Project, case: str = "case-0") -> Path:
    found = project.case(case)
    latest = found.latest()
    assert latest is not None
    return found.labels_folder / f"{latest.id}.json"


def save_again(project: Project, complete: bool = True) -> str:
    case = project.case("case-0")
    array = np.zeros(case.grid.shape, np.uint8)
    return case.save_labels(array, author="second", origin="drawn", parent=case.latest(), complete=complete).id


def break_record(path: Path) -> None:
    cut(path, 30)


def break_type(path: Path) -> None:
    values = read_json(path)
    assert values is not None
    write_json(path, values | {"voxels": 7})


def break_deep(path: Path) -> None:
    path.write_text(DEEP)


def take_labels(path: Path) -> None:
    path.with_suffix(".png").unlink()


def take_record(path: Path) -> None:
    path.unlink()
    os.utime(path.with_suffix(".png"), (1e9, 1e9))


BREAKS: tuple[Callable[[Path], None], ...] = (break_record, break_type, break_deep, take_labels, take_record)


@pytest.mark.parametrize("damage", BREAKS)
def test_older_labels_do_not_count_in_the_place_of_damaged_newer_ones(
    project: Project, damage: Callable[[Path], None], capsys: Any
) -> None:
    id = save_again(project)
    damage(newest_record(project))
    fresh = Project.open(project.root)
    case = fresh.case("case-0")
    assert case.status == "unreadable"
    assert id in str(case.trouble)
    assert id in left_out(fresh)["case-0"]
    assert "case-0" not in {one.case for one in look_at_cases(fresh)}
    code, told, err = tell(capsys, "status", project.root)
    assert code == 0
    assert id in err
    assert id in told["damage"][0]["file"]
    assert id in tell(capsys, "labels", "history", project.root)[2]
    assert id in next(one for one in read_facts(fresh).cases if one.name == "case-0").note
    with pytest.raises(ProjectError, match="structures were not changed"):
        plan_change(fresh, ClassChange(fresh.classes[:1], {2: 0}))


@pytest.mark.parametrize("damage", BREAKS)
def test_a_save_after_that_says_what_it_could_not_read_and_makes_the_case_whole(
    project: Project, damage: Callable[[Path], None]
) -> None:
    id = save_again(project)
    damage(newest_record(project))
    case = Project.open(project.root).case("case-0")
    again = case.save_labels(
        np.ones(case.grid.shape, np.uint8), author="x", origin="drawn", parent=case.latest(), note="mine"
    )
    assert again.id > id
    assert again.note.startswith("mine; ")
    assert id in again.note
    fresh = Project.open(project.root).case("case-0")
    assert (fresh.status, fresh.latest()) == ("labelled", again)
    assert [id in str(one) for one in fresh.damaged_labels()] == [True]


def test_a_complete_revision_that_is_lost_behind_a_draft_keeps_the_case_out_of_training(project: Project) -> None:
    id = save_again(project)
    path = newest_record(project)
    save_again(project, complete=False)
    cut(path, 30)
    fresh = Project.open(project.root)
    assert fresh.case("case-0").status == "draft"
    assert id in left_out(fresh)["case-0"]
    assert "case-0" not in {one.case for one in look_at_cases(fresh)}
    assert [id in str(one) for one in find_damage(fresh)] == [True]


def test_a_save_under_way_is_no_damage(project: Project) -> None:
    case = project.case("case-0")
    (case.labels_folder / "20990101T000000000000Z-abcdef.png").write_bytes(b"")
    assert Project.open(project.root).case("case-0").status == "labelled"


# --- proposals, decisions, lists


@pytest.mark.parametrize("damage", ["cut", "type", "gone"])
def test_a_damaged_proposal_is_named(project: Project, damage: str, capsys: Any) -> None:
    case = project.case("case-2")
    folder = case.proposals_folder / project.runs()[0]
    if damage == "cut":
        cut(folder / "proposal.json")
    elif damage == "type":
        write_json(folder / "proposal.json", {"labels": 7, "maps": [], "score": "x"})
    else:
        (folder / "labels.png").unlink()
    code, told, err = tell(capsys, "status", project.root)
    assert code == 0
    assert str(folder) in err
    assert told["damage"][0]["case"] == "case-2"
    assert str(folder) in tell(capsys, "suggest", project.root)[2]
    assert str(folder) in next(one for one in read_facts(project).cases if one.name == "case-2").note


def test_a_damaged_list_of_decisions_is_kept_before_anything_is_written_over_it(project: Project) -> None:
    case, run = project.case("case-2"), project.runs()[0]
    add_decisions(case, run, tuple(decide("accept", "region", str(n), "me") for n in range(50)))
    path = case.folder / "reviews" / f"{run}.json"
    cut(path)
    bad = path.read_bytes()
    assert [str(path) in str(one) for one in find_damage(project)] == [True]
    add_decisions(case, run, (decide("reject", "region", "50", "me"),))
    kept = list(path.parent.glob("*.damaged-*"))
    assert [one.read_bytes() for one in kept] == [bad]
    assert [one.what for one in read_decisions(case, run)] == ["50"]


def test_a_damaged_choice_of_the_model_is_named(project: Project, capsys: Any) -> None:
    decide_champion(project, project.runs()[0], author="me")
    (path,) = (project.root / "champions").iterdir()
    cut(path)
    assert str(path) in tell(capsys, "status", project.root)[2]


def test_a_damaged_list_of_refused_files_is_named_and_kept(project: Project, capsys: Any) -> None:
    note_refused(project.root, [(Path("a.nii"), "bad")], "scan")
    path = project.root / "refused.json"
    cut(path)
    assert str(path) in tell(capsys, "status", project.root)[2]
    note_refused(project.root, [(Path("b.nii"), "bad")], "scan")
    assert [one.path for one in read_refused(project.root)] == ["b.nii"]
    assert len(list(project.root.glob("refused.json.damaged-*"))) == 1


@pytest.mark.parametrize("patients", ["case-1", 7, [7], None])
def test_an_audit_set_that_is_no_list_is_refused_in_a_line(project: Project, patients: object, capsys: Any) -> None:
    write_json(project.root / "audit.json", {"patients": patients, "time": "", "author": "", "seed": None})
    code, told, _ = tell(capsys, "status", project.root)
    assert code == 2
    assert "audit.json" in told["error"]


def test_an_audit_patient_whom_no_case_has_is_named(project: Project, capsys: Any) -> None:
    write_json(project.root / "audit.json", {"patients": ["case-9"], "time": "", "author": "", "seed": None})
    code, _, err = tell(capsys, "status", project.root)
    assert code == 0
    assert "case-9" in err


@pytest.mark.parametrize(
    "wrong",
    [
        {"classes": [{"value": 1}]}, {"classes": 7}, {"classes": [7]}, {"channels": "abc"}, {"channels": 7},
        {"name": 7}, {"changes": [{}]}, {"changes": 7}, {"classes": [{"value": "x", "name": "a", "colour": ""}]},
    ],
)  # fmt: skip
def test_a_project_file_with_fields_of_another_type_is_refused_in_a_line(
    project: Project, wrong: dict[str, object], capsys: Any
) -> None:
    path = project.root / "project.json"
    values = read_json(path)
    assert values is not None
    write_json(path, values | wrong)
    code, told, _ = tell(capsys, "status", project.root)
    assert code == 2
    assert str(path) in told["error"]


# --- runs


def spec_with(change: Callable[[dict[str, Any]], object]) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        values = read_json(path)
        assert values is not None
        change(values)
        write_json(path, values)

    return damage


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[30] ^= 128
    path.write_bytes(data)


SPECS: dict[str, Callable[[Path], None]] = {
    "flipped": flip,
    "cut": cut,
    "empty": lambda path: path.write_bytes(b"") and None,
    "deep": lambda path: path.write_text(DEEP) and None,
    "list": lambda path: path.write_text("[]") and None,
    "plan": spec_with(lambda values: values.update(plan=7)),
    "net": spec_with(lambda values: values["plan"].update(net="x")),
    "patch": spec_with(lambda values: values["plan"].update(patch="abc")),
    "budget": spec_with(lambda values: values.update(budget={"minutes": "ten"})),
    "seed": spec_with(lambda values: values.update(seed="x")),
    "labelled": spec_with(lambda values: values.update(labelled=[7])),
    "settings": spec_with(lambda values: values.update(settings=[])),
    "gone": lambda path: path.unlink(),
}


@pytest.mark.parametrize("damage", SPECS)
def test_a_run_whose_spec_is_damaged_is_shown_with_its_file_and_stops_nothing(
    project: Project, damage: str, capsys: Any
) -> None:
    second = made_run(project, "supervised", 0.7)
    path = project.run_folder(project.runs()[0]) / SPEC_NAME
    SPECS[damage](path)
    with pytest.raises(SpecError, match=r"spec\.json"):
        read_spec(path.parent)
    assert list(unreadable_runs(project)) == [path.parent.name]
    assert [past.run for past in read_history(project)] == [second.run]
    for words in (("status", project.root), ("runs", "list", project.root)):
        code, told, err = tell(capsys, *words)
        assert code == 0
        assert {one["run"]: one["state"] for one in told["runs"]} == {
            path.parent.name: "unreadable",
            second.run: "completed",
        }
        assert str(path) in err
    assert tell(capsys, "suggest", project.root)[0] == 0
    shown = {one.name: one for one in read_facts(project).runs}
    assert (shown[path.parent.name].state, str(path) in shown[path.parent.name].message) == ("unreadable", True)


def test_a_run_that_is_only_reserved_is_no_damage(project: Project) -> None:
    project.new_run_name("bcp")
    assert unreadable_runs(project) == {}


def test_a_spec_is_sealed_and_may_be_edited_by_who_takes_the_seal_off(project: Project) -> None:
    spec = quick_spec(project, "supervised", "raster")
    path = project.run_folder(spec.run) / SPEC_NAME
    path.write_text(path.read_text().replace('"seed": 0', '"seed": 1'))
    with pytest.raises(SpecError, match="crc32"):
        read_spec(path.parent)
    values = json.loads(path.read_text())
    del values["crc32"]
    path.write_text(json.dumps(values))
    assert read_spec(path.parent).seed == 1


@pytest.mark.parametrize(
    "line", [b'{"kind": "stepped", "at": "noon"}', DEEP.encode(), b"\xff", b'{"kind": 7}', b'{"kind": "warned"}', b"7"]
)
def test_a_damaged_line_of_a_journal_is_counted_and_named_and_the_rest_counts(
    project: Project, line: bytes, capsys: Any
) -> None:
    run = project.runs()[0]
    path = project.run_folder(run) / JOURNAL_NAME
    lines = path.read_bytes().splitlines()
    whole = JournalReader(path).read()
    path.write_bytes(b"\n".join([*lines[:2], line, *lines[2:], b""]))
    reader = JournalReader(path)
    assert (reader.read(), reader.damaged) == (whole, 1)
    code, told, err = tell(capsys, "status", project.root)
    assert code == 0
    assert f"{path}: 1 line" in err
    assert told["runs"][0]["best_dice"] == 0.8


def test_a_flipped_bit_of_a_journal_changes_nothing(project: Project) -> None:
    path = project.run_folder(project.runs()[0]) / JOURNAL_NAME
    good = path.read_bytes()
    whole = JournalReader(path).read()
    for at in (*range(0, len(good) * 8, 37), *range(len(good) * 8 - 8, len(good) * 8)):
        bad = bytearray(good)
        bad[at // 8] ^= 1 << at % 8
        path.write_bytes(bad)
        reader = JournalReader(path)
        found = reader.read()
        assert found == whole or reader.damaged, at
