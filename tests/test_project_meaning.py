"""Labels as people have them: 0 and 255, large values, a file per structure; and what is kept of earlier labels."""

from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np
import pytest
from PIL import Image
from test_cli_project import run_json
from test_project_importing import AFFINE, SHAPE, mask, write

from napari_medssl import cli
from napari_medssl.errors import ProjectError
from napari_medssl.imaging import read_labels, read_mask_values
from napari_medssl.project import ClassInfo, Project, import_images, import_labels

ONE = (ClassInfo(1, "vessel"),)
TWO = (ClassInfo(1, "liver"), ClassInfo(2, "spleen"))


def block(start: int, value: int, dtype: type = np.uint8, otherwise: int = 0) -> np.ndarray:
    array = np.full(SHAPE, otherwise, dtype)
    array[start : start + 2] = value
    return array


def make(tmp_path: Path, classes: tuple[ClassInfo, ...], names: tuple[str, ...] = ("a", "b")) -> Project:
    project = Project.create(tmp_path / "project", classes=classes)
    for number, name in enumerate(names):
        write(tmp_path / "images" / f"{name}.nii.gz", np.full(SHAPE, number, np.int16))
    import_images(project, tmp_path / "images")
    return project


def labels_of(project: Project, name: str) -> np.ndarray:
    labels = project.case(name).read_labels()
    assert labels is not None
    return labels.array


# -- 0 and 255 --------------------------------------------------------------------------------------------------------


def test_255_is_taken_for_the_only_structure_and_said(tmp_path: Path) -> None:
    project = make(tmp_path, ONE)
    for name in ("a", "b"):
        write(tmp_path / "m" / f"{name}.nii.gz", block(1, 255))
    report = import_labels(project, tmp_path / "m")
    assert report.added == ("a", "b")
    assert all("its value 255 was taken for vessel" in note for note in report.notes)
    np.testing.assert_array_equal(labels_of(project, "a"), block(1, 1))


@pytest.mark.parametrize("classes", [TWO, ()])
def test_255_is_refused_where_it_could_be_several_and_the_remedy_named(
    classes: tuple[ClassInfo, ...], tmp_path: Path
) -> None:
    project = make(tmp_path, classes)
    write(tmp_path / "m" / "a.nii.gz", block(1, 255))
    report = import_labels(project, tmp_path / "m")
    assert report.added == ()
    assert "holds only 0 and 255" in report.refused[0][1]
    assert "--map 255=1" in report.refused[0][1]
    assert project.case("a").status == "new"
    if classes:
        assert import_labels(project, tmp_path / "m", mapping={255: 2}).added == ("a",)
        np.testing.assert_array_equal(labels_of(project, "a"), block(1, 2))


@pytest.mark.parametrize("kind", ["png", "tif", "rgb.png", "bool.png", "nii.gz", "float.nii"])
def test_every_kind_of_file_holds_such_masks(kind: str, tmp_path: Path) -> None:
    flat = kind.endswith(("png", "tif"))
    shape = SHAPE[:2] if flat else SHAPE
    drawn = np.zeros(shape, np.uint8)
    drawn[1:3] = 255
    scan, label = (tmp_path / place / f"a{'.png' if flat else '.nii.gz'}" for place in ("images", "masks"))
    scan.parent.mkdir()
    label.parent.mkdir()
    if flat:
        Image.fromarray(np.arange(drawn.size, dtype=np.uint8).reshape(shape)).save(scan)
        pixels = np.stack([drawn] * 3, -1) if kind.startswith("rgb") else drawn
        image = Image.fromarray(pixels)
        (image.convert("1") if kind.startswith("bool") else image).save(label.with_suffix(f".{kind.split('.')[-1]}"))
    else:
        write(scan)
        write(label, drawn.astype(np.float32) if kind.startswith("float") else drawn)
    project = Project.create(tmp_path / "project", classes=ONE)
    import_images(project, scan)
    assert import_labels(project, tmp_path / "masks").added == ("a",)
    np.testing.assert_array_equal(labels_of(project, "a"), drawn // 255)


def test_where_255_stands_beside_classes_it_means_not_looked_at(tmp_path: Path) -> None:
    project = make(tmp_path, ONE, ("a", "b", "c"))
    write(tmp_path / "m" / "a.nii.gz", block(1, 1, otherwise=255))
    write(tmp_path / "m" / "b.nii.gz", block(1, 255))  # mostly background that was looked at
    write(tmp_path / "m" / "c.nii.gz", block(1, 0, otherwise=255))
    report = import_labels(project, tmp_path / "m")
    assert report.added == ("a", "b")
    np.testing.assert_array_equal(labels_of(project, "b"), block(1, 255))
    [(path, reason)] = report.refused
    assert path.name == "c.nii.gz"
    assert "shows no structure" in reason
    assert project.case("c").status == "new"


@pytest.mark.parametrize("mapping", [None, {255: 255}])
def test_labels_of_which_nothing_was_looked_at_are_none(mapping: dict[int, int] | None, tmp_path: Path) -> None:
    project = make(tmp_path, ONE)
    write(tmp_path / "m" / "a.nii.gz", np.full(SHAPE, 255, np.uint8))
    report = import_labels(project, tmp_path / "m", mapping=mapping)
    assert "no voxel of it was looked at" in report.refused[0][1]
    assert project.case("a").status == "new"


def test_background_alone_is_labels(tmp_path: Path) -> None:
    project = make(tmp_path, ONE)
    write(tmp_path / "m" / "a.nii.gz", np.zeros(SHAPE, np.uint8))
    assert import_labels(project, tmp_path / "m").added == ("a",)


def test_a_check_speaks_of_such_masks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path / "d" / "a.nii.gz")
    write(tmp_path / "d" / "a_seg.nii.gz", block(1, 255))
    write(tmp_path / "d" / "b.nii.gz", np.ones(SHAPE, np.int16))
    write(tmp_path / "d" / "b_seg.nii.gz", np.full(SHAPE, 255, np.uint8))
    _, told, _ = run_json(capsys, "check", tmp_path / "d")
    found = {one["rule"]: one["items"] for one in told["findings"]}
    assert found["only-0-and-255"] == ["a_seg.nii.gz"]
    assert found["nothing-looked-at"] == ["b_seg.nii.gz"]


# -- values above 255 -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.uint16, np.int16, np.int32, np.float32, np.float64])
def test_large_values_are_mapped(dtype: type, tmp_path: Path) -> None:
    project = make(tmp_path, TWO)
    array = block(0, 1024, dtype)
    array[3] = 2035
    write(tmp_path / "m" / "a.nii.gz", array)
    refused = import_labels(project, tmp_path / "m").refused
    assert "1024, 2035" in refused[0][1]
    assert "--map 1024=1" in refused[0][1]
    assert import_labels(project, tmp_path / "m", mapping={1024: 1, 2035: 2}).added == ("a",)
    expected = block(0, 1)
    expected[3] = 2
    np.testing.assert_array_equal(labels_of(project, "a"), expected)


def test_the_rest_can_become_background(tmp_path: Path) -> None:
    array = np.arange(np.prod(SHAPE), dtype=np.int32).reshape(SHAPE) * 9_000_000
    path = write(tmp_path / "m.nii", array)
    found = read_labels(path, {9_000_000: 1, 18_000_000: 2}, other=0).array.reshape(-1)
    assert found[:4].tolist() == [0, 1, 2, 0]
    assert not found[3:].any()
    assert read_mask_values(path)[:3] == (0, 9_000_000, 18_000_000)


def test_negative_values_can_be_mapped(tmp_path: Path) -> None:
    path = write(tmp_path / "m.nii", block(0, -1, np.int16))
    assert set(np.unique(read_labels(path, {-1: 255}).array)) == {0, 255}


def test_new_maps_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path / "images" / "a.nii.gz")
    array = block(0, 17, np.int16)
    array[3] = 53
    array[4] = 1007
    write(tmp_path / "labels" / "a.nii.gz", array)
    words = ["new", tmp_path / "p", "--images", tmp_path / "images", "--labels", tmp_path / "labels"]
    code, told, _ = run_json(capsys, *words, "--class", "1=hippocampus", "--map", "17=1", "53=1", "other=0")
    assert (code, told["labelled"]) == (0, ["a"])
    assert labels_of(Project.open(tmp_path / "p"), "a").max() == 1
    assert cli.main([*map(str, words[:1]), str(tmp_path / "q"), *map(str, words[2:4]), "--map", "1=1"]) == 2


# -- a file per structure ---------------------------------------------------------------------------------------------


def test_a_folder_per_structure_is_joined(tmp_path: Path) -> None:
    project = make(tmp_path, TWO)
    for name in ("a", "b"):
        write(tmp_path / "liver" / f"{name}.nii.gz", block(0, 1))
        write(tmp_path / "spleen" / f"{name}.nii.gz", block(1, 255 if name == "b" else 1))
    report = import_labels(project, [tmp_path / "liver", tmp_path / "spleen"])
    assert report.added == ("a", "b")
    for name in ("a", "b"):
        found = labels_of(project, name)
        assert [int(found[n, 0, 0]) for n in range(4)] == [1, 1, 2, 0]
    assert sum("another structure" in note for note in report.notes) == 2, "the overlap is told"


def test_a_folder_per_case_makes_structures_of_its_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for case in ("s0", "s1"):
        write(tmp_path / "d" / case / "ct.nii.gz", np.full(SHAPE, int(case[1]), np.int16))
        for start, organ in ((0, "liver"), (2, "spleen"), (4, "kidney_left")):
            write(tmp_path / "d" / case / "segmentations" / f"{organ}.nii.gz", block(start, 1))
    code, told, _ = run_json(capsys, "new", tmp_path / "p", "--images", tmp_path / "d", "--labels", tmp_path / "d")
    assert code == 0
    assert told["classes"] == {"1": "kidney_left", "2": "liver", "3": "spleen"}
    assert len(told["labelled"]) == 2
    project = Project.open(tmp_path / "p")
    assert [int(labels_of(project, told["labelled"][0])[n, 0, 0]) for n in range(5)] == [2, 2, 3, 3, 1]


def test_a_structure_that_cannot_be_used_refuses_its_case(tmp_path: Path) -> None:
    project = make(tmp_path, TWO)
    write(tmp_path / "liver" / "a.nii.gz", block(0, 1))
    write(tmp_path / "spleen" / "a.nii.gz", np.ones((2, 2, 2), np.uint8))
    report = import_labels(project, [tmp_path / "liver", tmp_path / "spleen"])
    assert report.added == ()
    assert [path.parent.name for path, _ in report.refused] == ["spleen"]
    assert [path.parent.name for path, _ in report.skipped] == ["liver"]


def test_two_masks_of_the_same_are_not_joined(tmp_path: Path) -> None:
    project = make(tmp_path, TWO)
    for reader in ("reader1", "reader2"):
        write(tmp_path / reader / "a.nii.gz", block(0, 1))
    report = import_labels(project, [tmp_path / "reader1", tmp_path / "reader2"])
    assert report.added == ("a",)
    assert [path.parent.name for path, _ in report.skipped] == ["reader2"]


# -- what is there already --------------------------------------------------------------------------------------------


def test_structures_the_files_do_not_speak_of_are_kept_and_said(tmp_path: Path) -> None:
    project = make(tmp_path, TWO)
    write(tmp_path / "x" / "a.nii.gz", block(0, 1))
    write(tmp_path / "y" / "a.nii.gz", block(1, 1))
    import_labels(project, tmp_path / "x")
    report = import_labels(project, tmp_path / "y", mapping={1: 2})
    assert [int(labels_of(project, "a")[n, 0, 0]) for n in range(4)] == [1, 2, 2, 0]
    [note] = report.notes
    assert "liver was kept as it was drawn" in note
    assert "voxels of it are another structure now" in note
    assert import_labels(project, tmp_path / "y", mapping={1: 2}).added == (), "the same again is nothing new"
    import_labels(project, tmp_path / "y", mapping={1: 2}, replace=True)
    assert [int(labels_of(project, "a")[n, 0, 0]) for n in range(4)] == [0, 2, 2, 0]


def test_what_the_files_do_speak_of_is_replaced(tmp_path: Path) -> None:
    project = make(tmp_path, TWO)
    for name in ("a", "b"):
        write(tmp_path / "x" / f"{name}.nii.gz", block(0, 1))
    import_labels(project, tmp_path / "x")
    write(tmp_path / "y" / "a.nii.gz", block(0, 2))
    write(tmp_path / "y" / "b.nii.gz", block(3, 1))  # the liver of b: so the files do speak of livers
    import_labels(project, tmp_path / "y")
    assert set(np.unique(labels_of(project, "a"))) == {0, 2}


# -- turned and cut out -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["flipped", "cropped"])
def test_labels_on_the_lattice_of_their_scan_are_offered_and_brought_over(how: str, tmp_path: Path) -> None:
    project = make(tmp_path, ONE)
    drawn, affine = block(1, 1), AFFINE.copy()
    drawn[1, 2, 3] = 0
    if how == "flipped":
        array, affine[0, 0], affine[0, 3] = drawn[::-1], -1.0, float(SHAPE[0] - 1)
    else:
        array, affine[0, 3] = drawn[1:], 1.0
    image = nibabel.Nifti1Image(array, affine)
    image.set_qform(affine, 1)
    (tmp_path / "m").mkdir()
    nibabel.save(image, tmp_path / "m" / "a.nii.gz")
    refused = import_labels(project, tmp_path / "m")
    assert refused.added == ()
    assert [path.name for path, _ in refused.offers] == ["a.nii.gz"]
    report = import_labels(project, tmp_path / "m", bring_over=True)
    assert report.added == ("a",)
    assert "brought over" in report.notes[0]
    expected = drawn.copy()
    if how == "cropped":
        expected[0] = 255
    np.testing.assert_array_equal(labels_of(project, "a"), expected)


def test_a_class_is_needed(tmp_path: Path) -> None:
    project = make(tmp_path, ONE)
    write(tmp_path / "m" / "a.nii.gz", mask(3))
    with pytest.raises(ProjectError, match="none of these labels belongs"):
        import_labels(project, write(tmp_path / "n" / "z.nii.gz", mask()))
    assert "value 3 belongs to no class" in import_labels(project, tmp_path / "m").refused[0][1]
