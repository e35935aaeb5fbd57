"""What is gone is missed: cases without labels, ends of journals, models. Older projects open as before."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from fixtures import make_project, quick_spec, run_inline

from napari_medssl import cli
from napari_medssl.errors import ProjectError
from napari_medssl.project import Project
from napari_medssl.project.inventory import INVENTORY_NAME, note_cases, read_inventory
from napari_medssl.runs.history import MODEL_NAME, read_history
from napari_medssl.runs.journal import JOURNAL_NAME
from napari_medssl.runs.picking import left_out
from napari_medssl.ui.facts import read_facts


def tell(capsys: Any, *words: object) -> dict[str, Any]:
    cli.main([*map(str, words), "--json"])
    told: dict[str, Any] = json.loads(capsys.readouterr().out)
    return told


def damage(capsys: Any, project: Project) -> list[tuple[str, str]]:
    """Of what, and the file."""
    found = tell(capsys, "status", project.root)["damage"]
    return [(one["case"] or one["run"], Path(one["file"]).name) for one in found]


@pytest.mark.parametrize("what", ["record", "folder"])
def test_a_case_that_is_gone_is_listed_until_it_is_forgotten(tmp_path: Path, what: str, capsys: Any) -> None:
    project = make_project(tmp_path, "raster")
    folder = project.root / "cases" / "case-3"
    assert damage(capsys, project) == []
    if what == "record":
        (folder / "case.json").unlink()
    else:
        shutil.rmtree(folder)
    fresh = Project.open(project.root)
    assert [case.name for case in fresh.cases()] == [f"case-{n}" for n in range(4)]
    assert damage(capsys, project) == [("case-3", "case.json")]
    assert "--forget case-3" in left_out(fresh)["case-3"]
    assert {one.name: one.status for one in read_facts(fresh).cases}["case-3"] == "unreadable"
    assert tell(capsys, "check", project.root, "--forget", "case-2")["exit"] == 2  # that one is there
    assert tell(capsys, "check", project.root, "--forget", "case-3")["damage"] == []
    assert [case.name for case in Project.open(project.root).cases()] == [f"case-{n}" for n in range(3)]
    assert damage(capsys, project) == []


def test_a_case_that_is_gone_can_be_added_again(tmp_path: Path, capsys: Any) -> None:
    project = make_project(tmp_path, "raster")
    scan = project.case("case-3").images[0]
    shutil.rmtree(project.root / "cases" / "case-3")
    again = Project.open(project.root)
    again.add_case(scan, name="case-3")
    assert again.case("case-3").status == "new"
    assert damage(capsys, project) == []
    with pytest.raises(ProjectError, match="already"):
        again.add_case(scan, name="case-3")


def test_what_is_left_of_a_case_is_told_without_an_inventory(tmp_path: Path, capsys: Any) -> None:
    project = make_project(tmp_path, "raster")
    case = project.case("case-2")
    labels = project.case("case-0").read_labels()
    assert labels is not None
    case.save_proposal("bcp-001", labels.array, {}, 0.5, {})
    (project.root / INVENTORY_NAME).unlink()
    (case.folder / "case.json").unlink()
    (told,) = tell(capsys, "status", project.root)["damage"]
    assert "there are proposals of this case" in told["what"]


def test_an_older_project_has_no_inventory_and_gets_one_with_its_next_case(tmp_path: Path, capsys: Any) -> None:
    project = make_project(tmp_path, "raster")
    (project.root / INVENTORY_NAME).unlink()
    (project.root / "cases" / "under way").mkdir()  # another window is adding it
    older = Project.open(project.root)
    assert len(older.cases()) == 4
    assert damage(capsys, project) == []
    older.add_case(older.case("case-0").images[0], name="new one")
    assert read_inventory(project.root).cases == {"new one", *(f"case-{n}" for n in range(4))}


def test_a_torn_or_damaged_inventory_claims_less_and_stops_nothing(tmp_path: Path, capsys: Any) -> None:
    project = make_project(tmp_path, "raster")
    path = project.root / INVENTORY_NAME
    path.write_bytes(path.read_bytes()[:-9] + b"\xff")
    note_cases(project.root, ["case-9"])
    assert read_inventory(project.root).cases == {"case-0", "case-1", "case-2", "case-9"}
    assert damage(capsys, project) == [("case-9", "case.json")]


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Path:
    project = make_project(tmp_path_factory.mktemp("ended"), "raster")
    run_inline(project, quick_spec(project, "supervised", "raster", steps=2).run)
    return project.root


@pytest.mark.parametrize(
    ("gone", "told"),
    [
        ("a line of the journal", JOURNAL_NAME),
        ("the journal", JOURNAL_NAME),
        ("the model", MODEL_NAME),
        ("the run", "supervised-001"),
    ],
)
def test_what_is_gone_of_a_run_is_named_until_it_is_forgotten(
    ended: Path, tmp_path: Path, gone: str, told: str, capsys: Any
) -> None:
    root = tmp_path / "project"
    shutil.copytree(ended, root)
    project = Project.open(root)
    folder = project.run_folder("supervised-001")
    journal = folder / JOURNAL_NAME
    assert damage(capsys, project) == []
    if gone == "a line of the journal":
        journal.write_bytes(b"".join(journal.read_bytes().splitlines(keepends=True)[:-1]))
    elif gone == "the journal":
        journal.unlink()
    elif gone == "the model":
        (folder / MODEL_NAME).unlink()
    else:
        shutil.rmtree(folder)
    assert damage(capsys, project) == [("supervised-001", told)]
    tell(capsys, "check", root, "--forget", "supervised-001")
    assert damage(capsys, project) == []


def test_a_lost_model_is_known_by_the_journal_alone(ended: Path, tmp_path: Path) -> None:
    root = tmp_path / "project"
    shutil.copytree(ended, root)
    (root / INVENTORY_NAME).unlink()
    project = Project.open(root)
    assert [past.lost_model for past in read_history(project)] == [False]
    (project.run_folder("supervised-001") / MODEL_NAME).unlink()
    assert [past.lost_model for past in read_history(project)] == [True]
    shown = {one.name: one for one in read_facts(project).runs}["supervised-001"]
    assert "its model is gone" in shown.message
