"""Labels made elsewhere come into an open project from the window: first what would be done, then just that."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from fixtures import SHAPE, make_project
from qtpy.QtCore import QMimeData, QPoint, Qt, QUrl
from qtpy.QtGui import QDropEvent
from test_ui_widget import Bench

from napari_medssl.project import Project
from napari_medssl.ui.panels.import_dialog import ImportLabelsDialog
from napari_medssl.ui.windowwords import in_window

AFFINE = np.diag([1.0, 1.0, 1.5, 1.0])


def block(start: int, value: int, dtype: Any = np.uint8) -> np.ndarray:
    array = np.zeros(SHAPE["3d"], dtype)
    array[start : start + 2] = value
    return array


def write(path: Path, array: np.ndarray, affine: np.ndarray = AFFINE) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    nib.save(nib.Nifti1Image(array, affine), path)
    return path


@pytest.fixture
def bench(qtbot: Any, tmp_path: Path) -> Bench:
    make_project(tmp_path)
    return Bench(qtbot, tmp_path / "project")


Act = Callable[[ImportLabelsDialog], None]


@pytest.fixture
def dialog(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Callable[[Path | None, Act], None]:
    """Go through the dialog of the menu as a person would: choose `paths`, see what comes of it, `act`, import."""

    def go(path: Path | None, act: Act, accepted: bool = True) -> None:
        def answer(dialog: ImportLabelsDialog) -> Any:
            if path is not None:
                dialog.take([path])
            planned(bench, dialog)
            act(dialog)
            return dialog.DialogCode.Accepted if accepted else dialog.DialogCode.Rejected

        monkeypatch.setattr(ImportLabelsDialog, "exec_", answer, raising=False)
        if path is not None:
            bench.widget.header._entries["Import labels …"].trigger()

    return go


def planned(bench: Bench, dialog: ImportLabelsDialog) -> None:
    bench.until(lambda: dialog.plan is not None)


def lines(dialog: ImportLabelsDialog) -> dict[str, tuple[str, str, bool]]:
    return {
        item.text(0): (item.text(1), item.text(2), item.checkState(0) == Qt.CheckState.Checked)
        for item in dialog._items()
    }


def left(dialog: ImportLabelsDialog) -> dict[str, str]:
    """Files that are not taken, by name, with why."""
    last = dialog.list.topLevelItem(dialog.list.topLevelItemCount() - 1)
    words = [last.child(row).text(0) for row in range(last.childCount())]
    assert not any(str(Path.home()) in one or "/tmp" in one.split(" ")[0] for one in words), "names come first"
    return {one.split(" ")[0].rstrip(":"): one for one in words}


def case(bench: Bench, name: str) -> Any:
    return Project.open(bench.widget.session.board.facts.project.root).case(name)


def said(bench: Bench, words: str) -> None:
    bench.until(lambda: not bench.state.busy and words in (bench.state.message or ("", ""))[1])


def test_the_preview_says_which_file_is_for_which_case_and_what_is_not_taken(
    bench: Bench, dialog: Any, tmp_path: Path
) -> None:
    write(tmp_path / "m" / "case-2.nii.gz", block(2, 1) + block(6, 2))
    write(tmp_path / "m" / "case-3.nii.gz", block(2, 1)[1:])
    write(tmp_path / "m" / "stranger.nii.gz", block(2, 1))
    voxels = block(2, 1).sum()

    def look(shown: ImportLabelsDialog) -> None:
        assert lines(shown) == {"case-2": ("no labels", f"bright ({voxels:,} voxels), dark ({voxels:,} voxels)", True)}
        assert left(shown)["stranger.nii.gz"] == "stranger.nii.gz: no scan is named 'stranger'."
        assert "not on the grid of case case-3" in left(shown)["case-3.nii.gz"]
        assert shown.words.text() == "Labels for 1 case; 2 files are not taken."
        assert shown.ok.text() == "Import 1 case"
        assert case(bench, "case-2").latest() is None, "nothing is saved before it was seen"

    dialog(tmp_path / "m", look)
    said(bench, "Labels of 1 case imported. 2 files were not taken:")
    assert "no scan is named 'stranger'." in bench.state.message[1]
    np.testing.assert_array_equal(case(bench, "case-2").read_labels().array, block(2, 1) + block(6, 2))
    revision = case(bench, "case-2").latest()
    assert revision.origin == "imported"
    bench.until(lambda: bench.state.progress == (3, 4))


def test_cancel_imports_nothing(bench: Bench, dialog: Any, tmp_path: Path) -> None:
    write(tmp_path / "m" / "case-2.nii.gz", block(2, 1))
    dialog(tmp_path / "m", lambda shown: None, accepted=False)
    assert case(bench, "case-2").latest() is None
    assert not bench.state.busy


def test_cases_with_labels_are_left_alone_unless_they_are_ticked(bench: Bench, dialog: Any, tmp_path: Path) -> None:
    before = case(bench, "case-0").read_labels().array
    for name in ("case-0", "case-2"):
        write(tmp_path / "m" / f"{name}.nii.gz", block(2, 1))

    def look(shown: ImportLabelsDialog) -> None:
        assert {name: ticked for name, (_, _, ticked) in lines(shown).items()} == {"case-0": False, "case-2": True}
        assert lines(shown)["case-0"][0] == "labels"
        assert shown.over.text() == "Also for the case that has labels or a draft"

    dialog(tmp_path / "m", look)
    said(bench, "Labels of 1 case imported.")
    np.testing.assert_array_equal(case(bench, "case-0").read_labels().array, before)

    def tick(shown: ImportLabelsDialog) -> None:
        assert set(lines(shown)) == {"case-0"}, "case-2 has them already"
        assert "dark was kept as it was drawn" in shown.details.text()
        assert "of bright, drawn before, change" in shown.details.text()
        shown.over.setChecked(True)

    dialog(tmp_path / "m", tick)
    bench.until(lambda: len(case(bench, "case-0").revisions()) == 2)
    after = case(bench, "case-0").read_labels().array
    assert (after[2:4] == 1).all()
    assert (after == 2).any(), "a structure that the file does not show stays"

    def replace(shown: ImportLabelsDialog) -> None:
        shown.replace.setChecked(True)
        planned(bench, shown)
        shown.over.setChecked(True)

    dialog(tmp_path / "m", replace)
    bench.until(lambda: len(case(bench, "case-0").revisions()) == 3)
    np.testing.assert_array_equal(case(bench, "case-0").read_labels().array, block(2, 1))
    np.testing.assert_array_equal(case(bench, "case-0").read_labels(case(bench, "case-0").revisions()[0]).array, before)


def test_values_without_a_structure_are_asked_about(bench: Bench, dialog: Any, tmp_path: Path) -> None:
    write(tmp_path / "m" / "case-2.nii.gz", block(2, 1000, np.int16) + block(6, 7, np.int16))
    write(tmp_path / "m" / "case-3.nii.gz", block(2, 255))

    def say(shown: ImportLabelsDialog) -> None:
        assert list(shown.values.boxes) == [7, 255, 1000]
        assert not shown.ok.isEnabled()
        assert "--map" not in " ".join(left(shown).values()), "a person in a window has no command line"
        for value, meaning in ((7, 2), (255, 1)):
            shown.values.choose(value, meaning)
        shown.values.boxes[1000].setCurrentIndex(shown.values.boxes[1000].findText("background"))
        shown.values.boxes[1000].activated.emit(0)
        planned(bench, shown)
        assert "7 is dark" in lines(shown)["case-2"][1]
        assert lines(shown)["case-3"][2]

    dialog(tmp_path / "m", say)
    said(bench, "Labels of 2 cases imported.")
    np.testing.assert_array_equal(case(bench, "case-2").read_labels().array, block(6, 2))
    np.testing.assert_array_equal(case(bench, "case-3").read_labels().array, block(2, 1))


def test_all_values_of_an_atlas_can_be_said_at_once(bench: Bench, dialog: Any, tmp_path: Path) -> None:
    atlas = np.zeros(SHAPE["3d"], np.int16)
    atlas.reshape(-1)[:30] = np.arange(300, 330)
    write(tmp_path / "m" / "case-2.nii.gz", atlas)

    def say(shown: ImportLabelsDialog) -> None:
        assert len(shown.values.boxes) == 12
        assert shown.values._grid.itemAtPosition(1, 0).widget().text() == "All 30 values"
        assert shown.sizeHint().height() < 700, "the list of cases stays in sight"
        shown.values.all.setCurrentIndex(shown.values.all.findText("dark"))
        shown.values.all.activated.emit(shown.values.all.currentIndex())
        planned(bench, shown)

    dialog(tmp_path / "m", say)
    said(bench, "Labels of 1 case imported.")
    assert (case(bench, "case-2").read_labels().array == 2).sum() == 30


def test_labels_stored_the_other_way_round_are_offered_to_be_brought_over(
    bench: Bench, dialog: Any, tmp_path: Path
) -> None:
    turned = nib.Nifti1Image(block(2, 1), AFFINE).as_reoriented(np.array([[0, -1], [2, 1], [1, -1]]))
    write(tmp_path / "m" / "case-2.nii.gz", np.asarray(turned.dataobj), turned.affine)

    def bring(shown: ImportLabelsDialog) -> None:
        assert not shown.ok.isEnabled()
        assert not shown.bring.isHidden()
        shown.bring.setChecked(True)
        planned(bench, shown)
        assert "brought over" in shown.details.text()

    dialog(tmp_path / "m", bring)
    said(bench, "Labels of 1 case imported.")
    np.testing.assert_array_equal(case(bench, "case-2").read_labels().array, block(2, 1))


def test_the_case_on_the_screen_is_shown_anew_and_what_was_drawn_is_kept(
    bench: Bench, dialog: Any, tmp_path: Path
) -> None:
    bench.open("case-2")
    layer = bench.viewer.layers["case-2 · labels"]
    layer.paint((5, 5, 5), 2)
    write(tmp_path / "m" / "case-2.nii.gz", block(2, 1))

    def tick(shown: ImportLabelsDialog) -> None:
        shown.over.setChecked(True)
        for item in shown._items():
            item.setCheckState(0, Qt.CheckState.Checked)

    dialog(tmp_path / "m", tick)
    said(bench, "Labels of 1 case imported.")
    bench.until(lambda: bench.state.actions.can_label and bench.viewer.layers["case-2 · labels"] is not layer)
    shown = bench.viewer.layers["case-2 · labels"].data
    assert (shown == 1).sum() == block(2, 1).sum()
    drafts = [one for one in case(bench, "case-2").revisions() if not one.complete]
    assert (case(bench, "case-2").read_labels(drafts[0]).array == 2).any(), "what was drawn was saved before"
    assert bench.state.actions.save_text == "Saved"


def test_a_case_that_is_drawn_on_meanwhile_is_not_taken_off_the_screen(
    bench: Bench, dialog: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.open("case-2")
    layer = bench.viewer.layers["case-2 · labels"]
    write(tmp_path / "m" / "case-2.nii.gz", block(2, 1))
    dialog(tmp_path / "m", lambda shown: layer.paint((5, 5, 5), 2) or None)
    monkeypatch.setattr(bench.widget.session.cases, "save", lambda: None)  # the draft comes later than the import
    layer.paint((5, 6, 5), 2)
    said(bench, "case-2 is shown as you drew it")
    assert bench.viewer.layers["case-2 · labels"] is layer
    assert layer.data[5, 6, 5] == 2


def test_a_folder_without_labels_says_so_and_another_can_be_chosen(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    shown = ImportLabelsDialog([tmp_path / "empty"], bench.widget.session.imports.plan, bench.state.classes)
    bench.qtbot.addWidget(shown)
    bench.until(lambda: "there are no labels in this folder" in shown.words.text())
    assert not shown.ok.isEnabled()
    write(tmp_path / "m" / "case-2.nii.gz", block(2, 1))
    shown.take([tmp_path / "m"])
    planned(bench, shown)
    assert shown.ok.isEnabled()


def drop(bench: Bench, *paths: Path) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    modifier, mouse = Qt.KeyboardModifier.NoModifier, Qt.MouseButton.LeftButton
    bench.widget.dropEvent(QDropEvent(QPoint(5, 5), Qt.DropAction.CopyAction, data, mouse, modifier))


def test_labels_dropped_with_their_scan_are_previewed_once_it_is_a_case(
    bench: Bench, dialog: Any, tmp_path: Path
) -> None:
    mask = write(tmp_path / "elsewhere" / "more_seg.nii.gz", block(2, 1))
    scan = write(tmp_path / "elsewhere" / "more.nii.gz", block(2, 100))
    seen: list[str] = []
    dialog(None, lambda shown: seen.extend(lines(shown)))
    drop(bench, mask, scan)
    bench.until(lambda: seen == ["more"])
    bench.until(lambda: case(bench, "more").latest() is not None)


@pytest.mark.parametrize("name", ["case-2_seg.nii.gz", "bright/case-2.nii.gz", "masks/case-2.nii.gz"])
def test_labels_dropped_alone_are_previewed(bench: Bench, dialog: Any, tmp_path: Path, name: str) -> None:
    seen: list[str] = []
    dialog(None, lambda shown: seen.extend(lines(shown)), accepted=False)
    drop(bench, write(tmp_path / name, block(2, 1)))
    bench.until(lambda: seen == ["case-2"])
    assert len(bench.widget.cases.names()) == 4


def test_a_folder_of_labels_can_be_dropped_on_an_open_project(bench: Bench, dialog: Any, tmp_path: Path) -> None:
    write(tmp_path / "labelsTs" / "case-2.nii.gz", block(2, 1))
    seen: list[str] = []
    dialog(None, lambda shown: seen.extend(lines(shown)))
    drop(bench, tmp_path / "labelsTs")
    bench.until(lambda: seen == ["case-2"])
    assert bench.state.title == "project"


def test_reasons_in_the_window_have_no_options_of_the_command_line() -> None:
    for reason, said in {
        "If 255 is a structure, say which: --map 255=1 (1 for liver).": "If 255 is a structure, say which below.",
        "If 255 is a structure, say which: --map 255=1. Or not.": "If 255 is a structure, say which below. Or not.",
        "Say what they mean (--map 9=1, and other=0 for the rest).": "Say what they mean below.",
        "Add a class for each (--class VALUE=NAME), or map them.": "Add a class for each (Structures …), or map them.",
    }.items():
        assert in_window(reason, "below") == said
    found = "If 255 is the structure, import them with --map 255=1 (its value)."
    assert in_window(found) == "If 255 is the structure, import them under Open ▸ Import labels …"


def test_masks_of_structures_that_the_project_lacks_can_be_left_out(bench: Bench, dialog: Any, tmp_path: Path) -> None:
    for at, name in enumerate(("bright", "gallbladder")):
        write(tmp_path / "m" / name / "case-2.nii.gz", block(2 * at, 1))

    def look(shown: ImportLabelsDialog) -> None:
        assert lines(shown) == {}
        ((_, why),) = shown.plan.refused
        assert "gallbladder is no structure of this project (bright, dark)." in why
        assert not shown.without.isHidden()
        assert "gallbladder" in shown.without.text()
        shown.without.setChecked(True)
        planned(bench, shown)
        assert list(lines(shown)) == ["case-2"]

    dialog(tmp_path / "m", look)
    said(bench, "Labels of 1 case imported.")
    np.testing.assert_array_equal(case(bench, "case-2").read_labels().array, block(0, 1))


def test_refused_labels_stand_in_the_case_list_in_words_of_the_window(
    bench: Bench, dialog: Any, tmp_path: Path
) -> None:
    write(tmp_path / "m" / "case-2.nii.gz", block(2, 255))
    write(tmp_path / "m" / "case-3.nii.gz", block(2, 1))
    dialog(tmp_path / "m", lambda shown: None)
    said(bench, "Labels of 1 case imported.")
    bench.until(lambda: len(bench.state.refused) == 1)
    model = bench.widget.cases.model
    [line] = [line for row in range(model.rowCount()) if (line := model.line(row)).refused]
    assert "say which under Open ▸ Import labels …" in line.case.note
    assert "--map" in bench.state.refused[0].reason, "as the command line says it"
    bench.widget.cases.asked.emit("again", [line.key])
    said(bench, "say which under Open ▸ Import labels …")
