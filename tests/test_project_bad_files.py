"""Bad files: noted beside their case, refused ones listed; the rest goes on."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from fixtures import balls, make_project, write_scan

from napari_medssl.errors import BadFileError, ProjectError
from napari_medssl.project import Project, forget_refused, import_images, import_labels, read_refused
from napari_medssl.runs.picking import look_at_cases


def damage(path: Path) -> bytes:
    """Cut a file short; its bytes before."""
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    return whole


def test_a_scan_that_cannot_be_read_is_noted_and_left_out_until_it_is_mended(tmp_path: Path) -> None:
    project = make_project(tmp_path)
    case = project.case("case-2")
    whole = damage(case.images[0])
    assert case.status == "new", "nobody has looked yet"
    with pytest.raises(BadFileError):
        case.read_image()
    again = Project.open(project.root).case("case-2")
    assert again.status == "unreadable"
    assert again.trouble is not None
    assert str(case.images[0]) in again.trouble
    assert "case-2" not in [standing.case for standing in look_at_cases(Project.open(project.root))]
    case.images[0].write_bytes(whole)
    assert again.status == "new", "the note was on the file as it was"
    assert again.trouble is None
    again.read_image()
    assert not (again.folder / "unreadable.json").exists()


def test_a_missing_scan_is_missing_and_leaves_no_note(tmp_path: Path) -> None:
    case = make_project(tmp_path).case("case-2")
    case.images[0].unlink()
    with pytest.raises(BadFileError):
        case.read_image()
    assert case.status == "missing"
    assert "not there" in (case.trouble or "")
    assert not (case.folder / "unreadable.json").exists()


def test_refused_files_are_listed_until_taken_or_forgotten(tmp_path: Path) -> None:
    project = Project.create(tmp_path / "project")
    folder = tmp_path / "scans"
    good, torn = (write_scan(folder, name, "3d", balls((8, 8, 8), 0)[0])[0] for name in ("good", "torn"))
    whole = damage(torn)
    import_images(project, folder)
    (listed,) = read_refused(project.root)
    assert (listed.path, listed.kind) == (str(torn), "scan")
    assert listed.reason.startswith(str(torn))
    import_images(project, folder)
    assert len(read_refused(project.root)) == 1
    forget_refused(project.root, [str(torn)])
    assert read_refused(project.root) == ()
    import_images(project, torn)
    torn.write_bytes(whole)
    import_images(project, torn)
    assert read_refused(project.root) == ()
    assert [case.name for case in project.cases()] == ["good_0", "torn_0"]
    assert good.exists()


def test_refused_labels_are_listed_too(tmp_path: Path) -> None:
    project = make_project(tmp_path, labelled=0)
    shutil.copy(
        write_scan(tmp_path / "other", "case-0", "3d", balls((5, 5, 5), 0)[0])[0], tmp_path / "case-0_label.nii"
    )
    import_labels(project, tmp_path / "case-0_label.nii")
    (listed,) = read_refused(project.root)
    assert listed.kind == "labels"


def test_flag_and_comment_are_kept_with_who_made_them(tmp_path: Path) -> None:
    project = make_project(tmp_path)
    case = project.case("case-0")
    assert (case.flagged, case.comment) == (False, "")
    case.flag(author="anna")
    case.comment_on(" ask about the cyst ", "anna")
    again = Project.open(project.root).case("case-0")
    assert (again.flagged, again.comment) == (True, "ask about the cyst")
    assert [(entry["field"], entry["author"]) for entry in again._record["history"]] == [
        ("flagged", "anna"),
        ("comment", "anna"),
    ]


def test_a_case_alone_is_looked_up_without_the_others(tmp_path: Path) -> None:
    root = make_project(tmp_path).root
    project = Project.open(root)
    alone = project.case("case-1")
    assert project.case("case-1") is alone
    assert project.cases()[1] is alone
    with pytest.raises(ProjectError, match="no case"):
        Project.open(root).case("nobody")
