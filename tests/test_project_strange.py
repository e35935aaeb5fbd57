"""A mask of a structure that the project does not have is never taken for one that it has."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_cli_project import run_json
from test_project_importing import SHAPE, write
from test_project_meaning import TWO, block, labels_of

from napari_medssl.errors import ProjectError
from napari_medssl.project import ClassInfo, Project, import_images, import_labels, plan_labels
from napari_medssl.ui.importview import left_lines

LAYOUTS = {
    "a folder per structure": ("images/{case}.nii.gz", "masks/{name}/{case}.nii.gz"),
    "a folder per case": ("data/{case}/{case}.nii.gz", "data/{case}/segmentations/{name}.nii.gz"),
}


def make(tmp_path: Path, layout: str, classes: tuple[ClassInfo, ...] = TWO) -> tuple[Project, Path]:
    """Scans of two cases, with masks of liver, spleen and gallbladder; of the second case, of gallbladder alone."""
    scan, mask = (tmp_path / part for part in LAYOUTS[layout])
    project = Project.create(tmp_path / "project", classes=classes)
    for number, case in enumerate("ab"):
        write(Path(str(scan).format(case=case)), np.full(SHAPE, number, np.int16))
        for at, name in enumerate(("gallbladder", "liver", "spleen") if case == "a" else ("gallbladder",)):
            write(Path(str(mask).format(case=case, name=name)), block(2 * at, 1))
    root = tmp_path / LAYOUTS[layout][0].partition("/")[0]
    import_images(project, root)
    return project, tmp_path / LAYOUTS[layout][1].partition("/")[0]


@pytest.mark.parametrize("layout", LAYOUTS)
class TestStrange:
    def test_it_is_refused_with_its_file_and_the_option_that_goes_on(self, tmp_path: Path, layout: str) -> None:
        project, masks = make(tmp_path, layout)
        report = import_labels(project, masks)
        assert report.added == ()
        assert [why.count("--leave-out gallbladder") for _, why in report.refused] == [1, 1]
        assert all("gallbladder" in str(path) and str(path) in why for path, why in report.refused)
        assert project.cases()[0].latest() is None

    def test_left_out_the_known_ones_are_taken(self, tmp_path: Path, layout: str) -> None:
        project, masks = make(tmp_path, layout)
        report = import_labels(project, masks, leave_out=["gallbladder"])
        assert report.added == (project.cases()[0].name,)
        assert report.refused == ()
        assert Counter(why for _, why in report.skipped) == {"left out, as you asked": 2}
        expected = np.maximum(block(2, 1), block(4, 2))
        np.testing.assert_array_equal(labels_of(project, project.cases()[0].name), expected)

    def test_as_a_structure_of_the_project_it_is_taken(self, tmp_path: Path, layout: str) -> None:
        project, masks = make(tmp_path, layout, (*TWO, ClassInfo(3, "Gallbladder")))
        assert len(import_labels(project, masks).added) == 2
        assert set(np.unique(labels_of(project, project.cases()[1].name))) == {0, 3}

    def test_the_window_says_the_same_and_offers_to_leave_it_out(self, tmp_path: Path, layout: str) -> None:
        project, masks = make(tmp_path, layout)
        plan = plan_labels(project, masks)
        assert (plan.cases, plan.strange, plan.open_values) == ((), ("gallbladder",), ())
        assert all("--" not in why for why in map(str, left_lines(plan)))
        assert any("leave its files out." in why for why in map(str, left_lines(plan)))
        again = plan_labels(project, masks, leave_out=plan.strange)
        assert [one.case for one in again.cases] == [project.cases()[0].name]

    def test_what_a_person_says_of_its_values_counts(self, tmp_path: Path, layout: str) -> None:
        project, masks = make(tmp_path, layout)
        assert import_labels(project, masks, mapping={1: 2}).refused == ()


def test_other_masks_beside_folders_of_structures_are_read_as_before(tmp_path: Path) -> None:
    project, masks = make(tmp_path, "a folder per structure")
    for case in "ab":
        (masks / "gallbladder" / f"{case}.nii.gz").unlink()
    write(masks / "labels" / "b.nii.gz", block(0, 1))
    assert import_labels(project, masks).added == ("a", "b")
    np.testing.assert_array_equal(labels_of(project, "b"), block(0, 1))


def test_a_name_that_fits_no_file_is_told(tmp_path: Path) -> None:
    project, masks = make(tmp_path, "a folder per structure")
    with pytest.raises(ProjectError, match="called 'bladder'"):
        import_labels(project, masks, leave_out=["bladder"])


def test_the_command_line_goes_on_with_its_own_words(tmp_path: Path, capsys: Any) -> None:
    make(tmp_path, "a folder per structure")
    words = ["new", tmp_path / "p", "--images", tmp_path / "images", "--labels", tmp_path / "masks"]
    code, told, _ = run_json(capsys, *map(str, words), "--class", "1=liver", "2=spleen")
    assert (code, "--leave-out gallbladder" in told["error"]) == (2, True)
    code, told, _ = run_json(capsys, *map(str, words), "--leave-out", "gallbladder")
    assert (code, told["labelled"], told["classes"]) == (0, ["a"], {"1": "liver", "2": "spleen"})
