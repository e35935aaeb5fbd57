"""What an import of labels would do is told before, and is what it does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from test_project_importing import AFFINE, SHAPE, mask, write
from test_project_meaning import ONE, TWO, block, labels_of, make

from napari_medssl.errors import ProjectError
from napari_medssl.project import (
    ClassInfo,
    LabelPlan,
    Project,
    import_labels,
    import_planned,
    plan_labels,
    read_refused,
)


def of(plan: LabelPlan) -> dict[str, dict[int, int]]:
    return {one.case: dict(one.voxels) for one in plan.cases}


def test_a_plan_saves_nothing_and_says_which_file_is_for_which_case(tmp_path: Path) -> None:
    project = make(tmp_path, TWO)
    write(tmp_path / "m" / "a.nii.gz", block(1, 2))
    write(tmp_path / "m" / "stranger.nii.gz", block(1, 1))
    told: list[tuple[int, int]] = []
    plan = plan_labels(project, tmp_path / "m", on_progress=lambda done, total: told.append((done, total)))
    assert of(plan) == {"a": {2: 2 * 6 * 7}}
    assert plan.cases[0].files == (tmp_path / "m" / "a.nii.gz",)
    assert plan.cases[0].before == ""
    [(path, why)] = plan.skipped
    assert (path.name, why) == ("stranger.nii.gz", "no scan is named 'stranger'")
    assert told == [(0, 2), (1, 2), (2, 2)]
    assert all(case.latest() is None for case in project.cases())
    assert read_refused(project.root) == ()
    report = import_planned(project, plan, ["a"], author="Ann")
    assert report.added == ("a",)
    assert report.skipped == plan.skipped
    np.testing.assert_array_equal(labels_of(project, "a"), block(1, 2))
    assert project.case("a").latest().author == "Ann"


def test_a_plan_says_what_a_case_has_and_what_of_it_stays(tmp_path: Path) -> None:
    project = make(tmp_path, TWO)
    project.case("a").save_labels(block(3, 2), author="Ann", origin="drawn")
    project.case("b").save_labels(block(3, 2, otherwise=255), author="Ann", origin="drawn", complete=False)
    for name in ("a", "b"):
        write(tmp_path / "m" / f"{name}.nii.gz", block(1, 1))
    plan = plan_labels(project, tmp_path / "m")
    assert [one.before for one in plan.cases] == ["labelled", "draft"]
    assert "spleen was kept as it was drawn" in plan.cases[0].notes[0]
    assert import_planned(project, plan, ["a"]).added == ("a",), "only those that are wanted"
    np.testing.assert_array_equal(labels_of(project, "a"), block(1, 1) + block(3, 2))
    whole = plan_labels(project, tmp_path / "m", replace=True)
    assert whole.cases[0].notes == ("Case a: 84 voxels of spleen, drawn before, change.",)
    import_planned(project, whole, ["a"])
    np.testing.assert_array_equal(labels_of(project, "a"), block(1, 1))
    assert [one.case for one in plan_labels(project, tmp_path / "m", replace=True).cases] == ["b"], "a has them already"


def test_what_stays_does_not_depend_on_which_cases_are_chosen(tmp_path: Path) -> None:
    project = make(tmp_path, TWO)
    project.case("a").save_labels(block(3, 2), author="Ann", origin="drawn")
    write(tmp_path / "m" / "a.nii.gz", block(1, 1))
    write(tmp_path / "m" / "b.nii.gz", block(1, 2))  # so the files speak of spleen, too
    plan = plan_labels(project, tmp_path / "m")
    assert plan.cases[0].notes == ("Case a: 84 voxels of spleen, drawn before, change.",)
    import_planned(project, plan, ["a"])
    np.testing.assert_array_equal(labels_of(project, "a"), block(1, 1))


def test_values_that_nobody_explained_are_open_until_they_are(tmp_path: Path) -> None:
    project = make(tmp_path, TWO, ("a", "b", "c"))
    write(tmp_path / "m" / "a.nii.gz", block(1, 7))
    write(tmp_path / "m" / "b.nii.gz", block(1, 1024, np.int16))
    write(tmp_path / "m" / "c.nii.gz", block(1, 255))
    plan = plan_labels(project, tmp_path / "m")
    assert plan.cases == ()
    assert plan.open_values == (7, 255, 1024)
    assert len(plan.refused) == 3
    plan = plan_labels(project, tmp_path / "m", {7: 1, 1024: 2, 255: 2})
    assert plan.open_values == ()
    assert [one.means for one in plan.cases] == [((7, 1),), ((1024, 2),), ((255, 2),)]
    assert import_planned(project, plan, ["a", "b", "c"]).added == ("a", "b", "c")


def test_what_is_said_of_one_file_leaves_the_names_of_others_their_meaning(tmp_path: Path) -> None:
    """spleen.nii.gz of 0 and 1 shows the spleen, also where a person says what 7 is in another file."""
    project = make(tmp_path, TWO)
    write(tmp_path / "m" / "a_spleen.nii.gz", block(1, 1))
    write(tmp_path / "m" / "b.nii.gz", block(1, 7))
    assert of(plan_labels(project, tmp_path / "m", {7: 1})) == {"a": {2: 84}, "b": {1: 84}}
    import_labels(project, tmp_path / "m", mapping={7: 1})
    np.testing.assert_array_equal(labels_of(project, "a"), block(1, 2))
    assert of(plan_labels(project, tmp_path / "m" / "a_spleen.nii.gz", {1: 1})) == {"a": {1: 84}}, "but this was said"


def test_labels_that_could_be_brought_over_are_offered(tmp_path: Path) -> None:
    project = make(tmp_path, ONE)
    flipped = AFFINE.copy()
    flipped[0] = -AFFINE[0]
    flipped[0, 3] = SHAPE[0] - 1
    write(tmp_path / "m" / "a.nii.gz", mask()[::-1], flipped)
    plan = plan_labels(project, tmp_path / "m")
    assert (plan.cases, len(plan.offers)) == ((), 1)
    plan = plan_labels(project, tmp_path / "m", bring_over=True)
    assert "brought over" in plan.cases[0].notes[0]
    import_planned(project, plan, ["a"])
    np.testing.assert_array_equal(labels_of(project, "a"), mask())


def test_refused_files_are_kept_in_the_list_to_try_again(tmp_path: Path) -> None:
    project = make(tmp_path, ONE)
    write(tmp_path / "m" / "a.nii.gz", mask())
    write(tmp_path / "m" / "b.nii.gz", mask(9))
    plan = plan_labels(project, tmp_path / "m")
    report = import_planned(project, plan, ["a"])
    assert [path.name for path, _ in report.refused] == ["b.nii.gz"]
    assert [Path(one.path).name for one in read_refused(project.root)] == ["b.nii.gz"]
    with pytest.raises(ProjectError, match="no label file that can be used for: b"):
        import_planned(project, plan, ["b"])


def test_a_file_per_structure_is_one_line_of_the_plan(tmp_path: Path) -> None:
    project = make(tmp_path, TWO)
    for name in ("liver", "spleen"):
        write(tmp_path / "m" / name / "a.nii.gz", block(1 if name == "liver" else 3, 1))
    [one] = plan_labels(project, tmp_path / "m").cases
    assert len(one.files) == 2
    assert dict(one.voxels) == {1: 84, 2: 84}
    assert one.means == ((1, 2),)


def test_a_project_without_structures_has_only_open_values(tmp_path: Path) -> None:
    project = Project.create(tmp_path / "project", classes=())
    write(tmp_path / "images" / "a.nii.gz")
    project.add_case(tmp_path / "images" / "a.nii.gz", name="a")
    write(tmp_path / "m" / "a.nii.gz", mask())
    assert plan_labels(project, tmp_path / "m").open_values == (1,)
    project.set_classes([ClassInfo(1, "liver")])
    assert plan_labels(project, tmp_path / "m").open_values == ()


def test_labels_that_somebody_saved_since_the_plan_are_not_replaced(tmp_path: Path) -> None:
    project = make(tmp_path, TWO)
    for name in ("a", "b"):
        write(tmp_path / "m" / f"{name}.nii.gz", block(1, 1))
    plan = plan_labels(project, tmp_path / "m")
    assert plan.cases[0].before == ""
    project.case("a").save_labels(block(3, 2), author="Ben", origin="drawn")
    report = import_planned(project, plan, ["a", "b"], author="Ann")
    assert report.added == ("b",)
    assert project.case("a").latest().author == "Ben"
    [(path, why)] = report.skipped
    assert path.name == "a.nii.gz"
    assert why == "Ben saved newer labels of case a meanwhile. Import it again to see what would change"
    assert read_refused(project.root) == (), "nothing is wrong with the file"
    again = plan_labels(project, tmp_path / "m")
    assert import_planned(project, again, ["a"], author="Ann").added == ("a",)


def test_a_draft_of_ones_own_window_since_the_plan_is_known(tmp_path: Path) -> None:
    project = make(tmp_path, TWO)
    write(tmp_path / "m" / "a.nii.gz", block(1, 1))
    plan = plan_labels(project, tmp_path / "m")
    project.case("a").save_labels(block(3, 2), author="Ann", origin="drawn", complete=False, session="1234")
    assert import_planned(project, plan, ["a"], author="Ann", session="5678").added == ()
    assert import_planned(project, plan, ["a"], author="Ann", session="1234").added == ("a",)
