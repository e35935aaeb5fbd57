"""Opening and making projects: recent ones, the check of scans, what is left out, whose scans they are."""

from __future__ import annotations

import json
import shutil
import threading
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fixtures import balls, make_project, write_scan
from qtpy.QtCore import Qt
from test_project_bad_files import damage
from test_ui_session import World
from test_ui_widget import Bench

from napari_medssl.disk import read_json, write_json
from napari_medssl.project import Project
from napari_medssl.ui import projects
from napari_medssl.ui.checkwork import reasons
from napari_medssl.ui.panels.check_view import CheckDialog, CheckView
from napari_medssl.ui.panels.dialogs import NewProjectDialog
from napari_medssl.ui.projects import sample_root
from napari_medssl.ui.recents import Recent, data_folder, forget, read_recent, remember


@pytest.fixture(autouse=True)
def _own_things(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "own"))
    monkeypatch.delenv("MEDSSL_SAMPLE", raising=False)


# --- recent projects


def test_recent_projects_are_kept_newest_first_and_once(tmp_path: Path) -> None:
    folder = tmp_path / "own" / "deep"
    assert read_recent(folder) == ()
    roots = [tmp_path / f"p{number}" for number in range(10)]
    for root in (*roots, roots[3]):
        remember(root, root.name, folder)
    found = read_recent(folder)
    assert len(found) == 8
    assert [one.name for one in found[:2]] == ["p3", "p9"]
    assert not found[0].there
    assert [one.name for one in forget(str(roots[3]), folder)][:1] == ["p9"]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"projects": 3}', '{"projects": [1, {"name": "x"}]}'])
def test_a_damaged_list_is_no_list(tmp_path: Path, text: str) -> None:
    (tmp_path / "recent.json").write_text(text)
    assert read_recent(tmp_path) == ()


def test_the_sample_lies_beside_the_list() -> None:
    assert sample_root() == data_folder() / "sample"


def test_an_opened_project_is_remembered(tmp_path: Path) -> None:
    make_project(tmp_path)
    world = World(tmp_path / "project")
    assert world.session.state.recent == (Recent(str(tmp_path / "project"), "project"),)
    assert read_recent() == world.session.state.recent


def test_the_welcome_offers_recent_projects_and_greys_what_is_gone(qtbot: Any, tmp_path: Path) -> None:
    make_project(tmp_path)
    remember(tmp_path / "gone", "gone")
    remember(tmp_path / "project", "liver")
    bench = Bench(qtbot, None)
    bench.until(lambda: len(bench.widget.welcome.recent) == 2)
    first, second = bench.widget.welcome.recent
    assert (first.text(), first.isEnabled(), second.isEnabled()) == ("liver", True, False)
    assert "Not there any more" in second.toolTip()
    bench.click(first)
    bench.until(lambda: bench.state.has_project)
    menu = bench.widget.header._recent
    bench.until(lambda: [entry.text() for entry in menu.actions()] == ["project", "gone"])


# --- the check


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    place = tmp_path / "scans"
    for number in range(4):
        (path,) = write_scan(place, "new", "3d", balls((12, 12, 12), number)[0])
        path.rename(place / f"P{number // 2}_{number % 2}.nii")
    damage(place / "P1_1.nii")
    shutil.copy(place / "P0_0.nii", place / "P2_0.nii")
    return place


def test_a_new_project_leaves_out_what_is_bad_and_keeps_patients_together(
    qtbot: Any, tmp_path: Path, scans: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Bench(qtbot, None)
    told: list[str] = []

    def answer(dialog: NewProjectDialog) -> Any:
        dialog.folder.setText(str(tmp_path / "made"))
        assert not dialog.ok.isEnabled(), "not before the scans were looked at"
        bench.until(lambda: dialog.ok.isEnabled())
        told.extend([dialog.check.words.text(), dialog.patients.text()])
        return dialog.DialogCode.Accepted

    monkeypatch.setattr(NewProjectDialog, "exec_", answer, raising=False)
    bench.widget.open_folder(scans)
    bench.until(lambda: bench.state.has_project)
    project = Project.open(tmp_path / "made")
    assert [case.name for case in project.cases()] == ["P0_0", "P0_1", "P1_0"]
    assert [case.patient for case in project.cases()] == ["P0", "P0", "P1"]
    assert told[0].startswith("4 scans read: 2 problems")


def test_the_check_can_be_skipped(qtbot: Any, scans: Path) -> None:
    bench = Bench(qtbot, None)
    checks, held = bench.widget.session.checks, threading.Event()
    checks._jobs.submit("check", held.wait, lambda _: None, lambda _: None)  # the first scan is not read yet
    view = CheckView(lambda then, failed: checks.files(sorted(scans.glob("*.nii")), (), then, failed))
    qtbot.addWidget(view)
    view.stop()
    held.set()
    bench.until(lambda: view.over)
    assert view.report is not None
    assert not view.report.whole
    assert "skipped" in view.words.text()


def test_a_check_that_fails_says_so(qtbot: Any) -> None:
    bench = Bench(qtbot, None)
    checks = bench.widget.session.checks
    view = CheckView(lambda then, failed: checks.project(Path("nowhere"), then, failed))
    qtbot.addWidget(view)
    bench.until(lambda: view.over)
    assert "no project" in view.words.text()


def test_what_is_ticked_is_left_out_with_the_reason(
    qtbot: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = make_project(tmp_path)
    path = project.case("case-3").images[0]
    path.write_bytes(project.case("case-2").images[0].read_bytes())
    record = project.case("case-3").folder / "case.json"
    text = json.dumps(read_json(record))
    write_json(record, json.loads(text.replace(project.case("case-3").image_refs[0].sha256, "")))
    project.case("case-2").images[0].unlink()
    bench = Bench(qtbot, tmp_path / "project")

    def answer(dialog: CheckDialog) -> Any:
        bench.until(lambda: dialog.view.over)
        assert dialog.ok.isEnabled()
        assert dialog.view.left_out()
        top = dialog.view.list.topLevelItem(0)
        assert top.text(0).startswith("Problem: case-")
        top.setCheckState(0, Qt.CheckState.Unchecked)
        before = dialog.view.left_out()
        top.setCheckState(0, Qt.CheckState.Checked)
        assert len(dialog.view.left_out()) > len(before)
        return dialog.DialogCode.Accepted

    monkeypatch.setattr(CheckDialog, "exec_", answer, raising=False)
    bench.widget.header.check_scans.emit()
    bench.until(lambda: any(case.status == "excluded" for case in bench.state.cases))
    left = {case.name: case.note for case in bench.state.cases if case.status == "excluded"}
    assert all(left.values())


def test_a_scan_is_left_out_for_the_worst_that_was_found() -> None:
    from napari_medssl.project.findings import Finding

    findings = [
        Finding("error", "a", ("x",), "Broken.", "", ("x",)),
        Finding("warning", "b", ("x", "y"), "Odd.", "", ("x", "y")),
    ]
    assert reasons(findings, ["x", "y"]) == {"x": "Broken.", "y": "Odd."}


def lines_of(tree: Any) -> dict[str, list[str]]:
    tops = [tree.topLevelItem(row) for row in range(tree.topLevelItemCount())]
    return {top.text(0): [top.child(row).text(0) for row in range(top.childCount())] for top in tops}


def new_project_dialog(bench: Bench, folder: Path) -> NewProjectDialog:
    checks = bench.widget.session.checks
    dialog = NewProjectDialog(projects.look_into(folder), partial(checks.files, [], []))
    bench.qtbot.addWidget(dialog)
    return dialog


def test_a_new_project_lists_what_it_does_not_take_and_why(qtbot: Any, tmp_path: Path, scans: Path) -> None:
    bench = Bench(qtbot, None)
    for number in range(3):
        (scans / f"series{number}.dcm").write_bytes(bytes(128) + b"DICM")
    (scans / "deeper").mkdir()
    shutil.copy(scans / "P0_0.nii", scans / "deeper" / "P9_0.nii")
    left = lines_of(new_project_dialog(bench, scans).left)
    [dicom] = [words for words in left if "DICOM" in words]
    assert dicom.startswith("3 files: MedSSL cannot read DICOM yet")
    assert left[dicom] == [str(scans / f"series{number}.dcm") for number in range(3)]
    assert any(words.startswith("P9_0.nii: it lies below a folder that has scans itself") for words in left)


def test_a_new_project_of_clean_scans_lists_nothing(qtbot: Any, scans: Path) -> None:
    bench = Bench(qtbot, None)
    assert new_project_dialog(bench, scans).left.isHidden()


def test_structures_with_files_of_their_own_are_named_in_the_dialog(
    qtbot: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Bench(qtbot, None)
    for name in ("a", "b"):
        image, labels = balls((12, 12, 12), 1)
        (path,) = write_scan(tmp_path / "study" / name, "ct", "3d", image)
        path.rename(path.with_name("ct.nii"))
        for value, structure in ((1, "spleen"), (2, "liver")):
            (mask,) = write_scan(
                tmp_path / "study" / name / "segmentations", "x", "3d", (labels[None] == value).astype(np.uint8)
            )
            mask.rename(mask.with_name(f"{structure}.nii"))
    seen: list[list[str]] = []

    def answer(dialog: NewProjectDialog) -> Any:
        seen.append([row.name for row in dialog.classes.rows])
        dialog.folder.setText(str(tmp_path / "made"))
        bench.until(lambda: dialog.ok.isEnabled())
        return dialog.DialogCode.Accepted

    monkeypatch.setattr(NewProjectDialog, "exec_", answer, raising=False)
    bench.widget.open_folder(tmp_path / "study")
    bench.until(lambda: bench.state.has_project)
    assert seen == [["liver", "spleen"]]
    project = Project.open(tmp_path / "made")
    assert [(one.value, one.name) for one in project.classes] == [(1, "liver"), (2, "spleen")]
    found = project.cases()[0].read_labels()
    assert found is not None
    np.testing.assert_array_equal(found.array == 1, labels == 2)
    np.testing.assert_array_equal(found.array == 2, labels == 1)
