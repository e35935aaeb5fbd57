"""Scans and labels that are there already find their way in, and what cannot be used is said."""

from __future__ import annotations

from pathlib import Path

import attacks
import nibabel
import numpy as np
import pytest
from PIL import Image

from napari_medssl.errors import BadFileError, NotSavedError, ProjectError
from napari_medssl.project import ClassInfo, Project, import_images, import_labels, label_values

SHAPE = (5, 6, 7)
AFFINE = np.diag([1.0, 1.0, 3.0, 1.0])


def write(path: Path, array: np.ndarray | None = None, affine: np.ndarray = AFFINE) -> Path:
    """A NIfTI file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    array = np.arange(np.prod(SHAPE), dtype=np.int16).reshape(SHAPE) if array is None else array
    nibabel.save(nibabel.Nifti1Image(array, affine), path)
    return path


def mask(value: int = 1) -> np.ndarray:
    """A mask with one row of a class."""
    array = np.zeros(SHAPE, np.uint8)
    array[1] = value
    return array


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """No cases, one class."""
    return Project.create(tmp_path / "project", classes=[ClassInfo(1, "liver")])


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    """Scans and labels side by side, and things that are neither."""
    folder = tmp_path / "scans"
    for name in ("p1", "p2", "p10"):
        write(folder / f"{name}_image.nii.gz")
        write(folder / f"{name}_label.nii.gz", mask())
    (folder / "readme.txt").write_text("hello")
    (folder / "._p1_image.nii.gz").write_bytes(b"\0")
    return folder


def test_a_folder_becomes_cases_and_its_labels_do_not(project: Project, scans: Path) -> None:
    told: list[tuple[int, int]] = []
    report = import_images(project, scans, lambda done, total: told.append((done, total)))
    assert sorted(report.added) == ["p1", "p10", "p2"]
    assert report.refused == ()
    assert [case.name for case in Project.open(project.root).cases()] == ["p1", "p2", "p10"]
    assert [case.patient for case in project.cases()] == ["p1", "p2", "p10"]
    assert told == [(0, 3), (1, 3), (2, 3), (3, 3)]


def test_importing_a_folder_again_adds_only_what_is_new(project: Project, scans: Path) -> None:
    import_images(project, scans)
    write(scans / "p3.nii")
    report = import_images(Project.open(project.root), scans)
    assert report.added == ("p3",)
    assert len(report.skipped) == 3


def test_a_folder_without_scans_is_one_clear_line(project: Project, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "notes.txt").touch()
    with pytest.raises(BadFileError, match=r"empty: there are no scans in this folder\. Choose a folder with NIfTI"):
        import_images(project, tmp_path / "empty")
    with pytest.raises(BadFileError, match="no labels"):
        import_labels(project, tmp_path / "empty")


def test_a_folder_per_patient_is_looked_into(project: Project, tmp_path: Path) -> None:
    for patient in ("a", "b"):
        write(tmp_path / "cohort" / patient / "scan.nii.gz")
    report = import_images(project, tmp_path / "cohort")
    assert report.added == ("scan", "b_scan")


def test_one_bad_image_is_reported_and_the_rest_go_on(project: Project, scans: Path) -> None:
    torn = scans / "p2_image.nii.gz"
    torn.write_bytes(torn.read_bytes()[:-30])
    report = import_images(project, [scans, scans / "gone.nii.gz"])
    assert sorted(report.added) == ["p1", "p10"]
    assert [path.name for path, _ in report.refused] == ["p2_image.nii.gz", "gone.nii.gz"]
    assert all(str(path) in reason for path, reason in report.refused)


def test_names_that_collide_get_their_folder_and_then_a_number(project: Project, tmp_path: Path) -> None:
    files = [write(tmp_path / place / "scan.nii") for place in ("one", "two", "deep/two")]
    assert import_images(project, files).added == ("scan", "two_scan", "two_scan-2")


def test_patients_can_be_given(project: Project, scans: Path) -> None:
    import_images(project, scans, patients={"p1": "Smith", "p2": "Smith"})
    assert [case.patient for case in Project.open(project.root).cases()] == ["Smith", "Smith", "p10"]


def test_colour_pictures_make_a_project_of_three_channels(project: Project, tmp_path: Path) -> None:
    for name in ("a", "b"):
        Image.fromarray(np.zeros((4, 5, 3), np.uint8)).save(tmp_path / f"{name}.png")
    Image.fromarray(np.zeros((4, 5), np.uint8)).save(tmp_path / "grey.png")
    report = import_images(project, [tmp_path / "a.png", tmp_path / "b.png", tmp_path / "grey.png"])
    assert report.added == ("a", "b")
    assert "it has 1 channel, and 3 channels are wanted" in report.refused[0][1]
    assert Project.open(project.root).channels == ("red", "green", "blue")
    assert project.case("a").read_image().array.shape == (3, 4, 5)


def test_numbered_channels_of_a_case_are_one_case(tmp_path: Path) -> None:
    project = Project.create(tmp_path / "project", channels=("t1", "flair"))
    for number in range(2):
        write(tmp_path / "scans" / f"a_{number:04d}.nii.gz", np.full(SHAPE, number, np.uint8))
    write(tmp_path / "scans" / "b_0000.nii.gz")
    report = import_images(project, tmp_path / "scans")
    assert report.added == ("a",)
    assert [channel.max() for channel in project.case("a").read_image().array] == [0, 1]
    assert "flair" in report.refused[0][1]


def test_a_time_series_is_refused_with_a_remedy(project: Project, tmp_path: Path) -> None:
    report = import_images(project, write(tmp_path / "fmri.nii", np.zeros((4, 4, 4, 3), np.int16)))
    assert report.added == ()
    assert "3 volumes" in report.refused[0][1]


# -- labels -----------------------------------------------------------------------------------------------------------


def test_labels_find_their_case_by_stem(project: Project, scans: Path) -> None:
    import_images(project, scans)
    report = import_labels(project, scans, author="Dr A")
    assert report.added == ("p1", "p2", "p10")
    revision = project.case("p2").latest()
    assert (revision.author, revision.origin, revision.complete) == ("Dr A", "imported", True)
    np.testing.assert_array_equal(project.case("p2").read_labels().array, mask())
    again = import_labels(project, scans)
    assert again.added == ()
    assert len(again.skipped) == 3
    assert len(project.case("p2").revisions()) == 1


def test_labels_for_just_some_cases(project: Project, scans: Path) -> None:
    import_images(project, scans)
    assert import_labels(project, scans, cases=2).added == ("p1", "p2")
    assert [case.status for case in project.cases()] == ["labelled", "labelled", "new"]
    assert import_labels(project, scans, cases=["p10"]).added == ("p10",)
    with pytest.raises(ProjectError, match="4 cases were asked for, but files fit 3"):
        import_labels(project, scans, cases=4)
    with pytest.raises(ProjectError, match="no case 'p7'"):
        import_labels(project, scans, cases=["p7"])
    with pytest.raises(ProjectError, match="no label file for: p2"):
        import_labels(project, scans / "p1_label.nii.gz", cases=["p2"])


def test_labels_without_a_case_are_left_alone(project: Project, scans: Path) -> None:
    import_images(project, scans / "p1_image.nii.gz")
    report = import_labels(project, scans)
    assert report.added == ("p1",)
    assert [path.name for path, _ in report.skipped] == ["p10_label.nii.gz", "p2_label.nii.gz"]
    with pytest.raises(ProjectError, match=r"none of these labels belongs to a case.*Name each file like its scan"):
        import_labels(project, scans / "p2_label.nii.gz")


def test_labels_on_another_grid_are_refused_saying_how(project: Project, scans: Path, tmp_path: Path) -> None:
    import_images(project, scans)
    moved = AFFINE.copy()
    moved[0, 3] = 2.5
    files = [
        write(tmp_path / "labels" / "p1.nii.gz", np.zeros((5, 6, 8), np.uint8)),
        write(tmp_path / "labels" / "p2.nii.gz", mask(), moved),
        write(tmp_path / "labels" / "p10.nii.gz", mask()),
    ]
    report = import_labels(project, files)
    assert report.added == ("p10",)
    shape, affine = (reason for _, reason in report.refused)
    assert "p1.nii.gz" in shape
    assert "shapes differ" in shape
    assert "copy the scan's header" not in shape
    assert "origins differ by 2.5 mm" in affine
    assert str(project.case("p2").images[0]) in affine
    assert "copy the scan's header into the label file" in affine
    assert project.case("p1").status == project.case("p2").status == "new"


def test_labels_within_a_hundredth_of_a_voxel_are_on_the_grid(project: Project, scans: Path, tmp_path: Path) -> None:
    import_images(project, scans)
    rounded = AFFINE.copy()
    rounded[:3, 3] += 0.02 * np.abs(np.diag(AFFINE)[:3])
    report = import_labels(project, [write(tmp_path / "labels" / "p1.nii.gz", mask(), rounded)])
    assert report.added == ("p1",)


def test_channels_within_a_hundredth_of_a_voxel_are_one_case(tmp_path: Path) -> None:
    project = Project.create(tmp_path / "p", channels=["t1", "t2"])
    rounded, moved = AFFINE.copy(), AFFINE.copy()
    rounded[0, 3], moved[0, 3] = 0.002, 0.2
    images = {"t1": write(tmp_path / "a_0000.nii.gz"), "t2": write(tmp_path / "a_0001.nii.gz", affine=rounded)}
    assert project.add_case(images).read_image().array.shape == (2, *SHAPE)
    with pytest.raises(BadFileError, match="origins differ by"):
        project.add_case({**images, "t2": write(tmp_path / "b_0001.nii.gz", affine=moved)}, name="b")


def test_labels_that_run_the_other_way_are_never_to_get_the_header_of_the_scan(
    project: Project, scans: Path, tmp_path: Path
) -> None:
    import_images(project, scans)
    mirrored = nibabel.Nifti1Image(mask(), AFFINE).as_reoriented(np.array([[0, -1], [1, 1], [2, 1]]))
    path = write(tmp_path / "labels" / "p1.nii.gz", np.asarray(mirrored.dataobj), mirrored.affine)
    [(_, reason)] = import_labels(project, [path]).refused
    assert "the directions differ" in reason
    assert "copy" not in reason
    assert "they have the voxels of the scan" in reason


def test_values_that_are_no_class_are_named_with_their_file(project: Project, scans: Path) -> None:
    import_images(project, scans)
    write(scans / "p1_label.nii.gz", mask(4))
    report = import_labels(project, scans)
    assert report.added == ("p2", "p10")
    [(path, reason)] = report.refused
    assert path.name == "p1_label.nii.gz"
    assert "p1_label.nii.gz (case p1): the value 4 belongs to no class of this project (1 liver)" in reason
    assert "--class VALUE=NAME" in reason
    assert import_labels(project, scans, mapping={4: 1}).added == ("p1",)
    np.testing.assert_array_equal(project.case("p1").read_labels().array, mask())
    assert label_values(scans) == (1, 4)


def test_a_damaged_label_file_is_reported_and_the_rest_go_on(project: Project, scans: Path) -> None:
    import_images(project, scans)
    torn = scans / "p1_label.nii.gz"
    torn.write_bytes(torn.read_bytes()[:-9])
    report = import_labels(project, scans)
    assert report.added == ("p2", "p10")
    assert "p1_label.nii.gz" in report.refused[0][1]


def test_two_label_files_of_one_case_are_said(project: Project, scans: Path) -> None:
    import_images(project, scans)
    other = write(scans.parent / "more" / "p1_seg.nii.gz", mask())
    report = import_labels(project, [scans, other])
    assert report.added == ("p1", "p2", "p10")
    assert [path for path, _ in report.skipped] == [other]


@pytest.mark.real_data
def test_real_scans_and_labels_find_each_other(tmp_path: Path, data_root: Path) -> None:
    folder = data_root / "hippocampus"
    project = Project.create(tmp_path / "p", classes=[ClassInfo(1, "anterior"), ClassInfo(2, "posterior")])
    images = sorted((folder / "images").iterdir())[:5]
    assert len(import_images(project, images).added) == 5
    report = import_labels(project, folder / "labels", cases=4, author="expert")
    assert len(report.added) == 4
    assert report.refused == ()
    assert [case.status for case in project.cases()] == ["labelled"] * 4 + ["new"]


def test_an_import_ends_where_the_disk_is_full_and_says_so(project: Project, scans: Path) -> None:
    import_images(project, scans)
    with (
        attacks.load("faulty").Disk(project.root, 24),
        pytest.raises(NotSavedError, match=r"^Case p\d+: the labels were not saved: .*Free some space"),
    ):
        import_labels(project, scans)
    before = [case.name for case in project.cases() if case.latest()]
    assert 0 < len(before) < 3
    report = import_labels(project, scans)
    assert sorted([*before, *report.added]) == ["p1", "p10", "p2"]
