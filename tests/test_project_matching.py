"""Which label file belongs to which scan: never, silently, to another one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from test_project_importing import SHAPE, mask, write

from napari_medssl.errors import ProjectError
from napari_medssl.project import ClassInfo, Project, import_images, import_labels
from napari_medssl.project.matching import match_files

ROOT = Path("/data")


def matched(labels: list[str], scans: list[str], structures: tuple[str, ...] = ()) -> dict[str, str]:
    """Label to scan; "?" where it could be of several, "" where it is of none."""
    found = match_files([ROOT / one for one in labels], {one: [ROOT / one] for one in scans}, structures)
    of = {str(file.relative_to(ROOT)): scan for scan, files in found.of.items() for file in files}
    of |= {str(file.relative_to(ROOT)): "?" for file, _ in found.ambiguous}
    return {one: of.get(one, "") for one in labels}


@pytest.mark.parametrize(
    ("labels", "scans", "expected"),
    [
        # the folder decides, where scans share their name
        (["P02/t1_seg.nii"], ["P01/t1.nii", "P02/t1.nii"], ["P02/t1.nii"]),
        (["labels/P02/t1.nii"], ["images/P01/t1.nii", "images/P02/t1.nii"], ["images/P02/t1.nii"]),
        (["B/P01/m/x_seg.nii"], ["A/P01/x.nii", "B/P01/x.nii"], ["B/P01/x.nii"]),
        (["t1_seg.nii"], ["P01/t1.nii", "P02/t1.nii"], ["?"]),
        (["masks/P02_t1.nii"], ["P01/t1.nii", "P02/t1.nii"], ["P02/t1.nii"]),
        (["P02/flair_seg.nii"], ["P01/t1.nii", "P02/t1.nii"], [""]),
        (["P03/t1_seg.nii"], ["P01/t1.nii", "P02/t1.nii"], ["?"]),
        (["labelsTr/a.nii"], ["imagesTr/a_0000.nii", "imagesTs/a_0000.nii"], ["imagesTr/a_0000.nii"]),
        (["test_masks/1.png"], ["train_images/1.png", "test_images/1.png"], ["test_images/1.png"]),
        # a name that says nothing but "labels"
        (["s1/seg.nii"], ["s0/img.nii", "s1/img.nii"], ["s1/img.nii"]),
        (["s1/mask.nii", "s0/label.nii"], ["s0/ct.nii", "s1/mr.nii"], ["s1/mr.nii", "s0/ct.nii"]),
        (["s0/seg.nii"], ["s0/t1.nii", "s0/t2.nii", "s1/t1.nii"], ["?"]),
        (["seg.nii"], ["s0/t1.nii", "s1/t1.nii"], [""]),
        # names that begin alike
        (["BT-1-seg.nii", "ct_10.nii"], ["BT-10.nii", "ct_1.nii"], ["", ""]),
        (["sub-1/anat/sub-1_dseg.nii"], ["sub-1/anat/sub-1_T1w.nii", "sub-2/anat/sub-2_T1w.nii"],
         ["sub-1/anat/sub-1_T1w.nii"]),
        (["derivatives/m/sub-2/anat/sub-2_label-L_mask.nii"],
         ["sub-1/anat/sub-1_T1w.nii", "sub-2/anat/sub-2_T1w.nii"], ["sub-2/anat/sub-2_T1w.nii"]),
        # capitals, endings, cleaned and shortened names
        (["l/scan1.nii"], ["i/Scan1.nii", "i/scan1.nii"], ["i/scan1.nii"]),
        (["l/SCAN1.nii"], ["i/Scan1.nii", "i/scan1.nii"], ["?"]),
        (["l/SCAN1.nii"], ["i/Scan1.nii"], ["i/Scan1.nii"]),
        (["l/x.nii.gz"], ["i/x.nii", "i/x.nii.gz"], ["i/x.nii.gz"]),
        (["l/x_seg.nii.gz"], ["i/x.nii", "i/x.nii.gz"], ["?"]),
        (["l/a@1_seg.nii", "l/a_1_seg.nii"], ["i/a_1.nii", "i/a@1.nii"], ["i/a@1.nii", "i/a_1.nii"]),
        (["l/a@2.nii"], ["i/a_2.nii"], [""]),
        ([f"l/{'v' * 120}2.nii"], [f"i/{'v' * 120}1.nii", f"i/{'v' * 120}2.nii"], [f"i/{'v' * 120}2.nii"]),
        ([f"l/{'v' * 120}3.nii"], [f"i/{'v' * 120}1.nii"], [""]),
        # words at the end, at the beginning, in the middle
        (["l/ct_2-label.nii", "l/ct_3_segmentation.nii", "l/ct_4_dseg.nii", "l/label_ct_5.nii", "l/ct_6_gt.nii"],
         [f"i/ct_{n}.nii" for n in range(2, 7)], [f"i/ct_{n}.nii" for n in range(2, 7)]),
        (["masks/mask_01.png"], ["images/image_01.png", "images/image_02.png"], ["images/image_01.png"]),
        (["segmentation-0.nii"], ["volume-0.nii", "volume-1.nii"], ["volume-0.nii"]),
        (["case_seg_12.png"], ["case_img_12.png", "case_img_1.png"], ["case_img_12.png"]),
        (["l/patient_0013_seg.nii"], ["i/patient_0012.nii"], [""]),
        (["l/KneeSeg_012.nii"], ["i/KneeSeg_012.nii", "i/Knee.nii"], ["i/KneeSeg_012.nii"]),
    ],
)  # fmt: skip
def test_each_label_finds_its_scan_or_none(labels: list[str], scans: list[str], expected: list[str]) -> None:
    assert list(matched(labels, scans).values()) == expected


@pytest.mark.parametrize(
    ("labels", "scans", "expected"),
    [
        (["liver/s0.nii", "spleen/s0.nii"], ["images/s0.nii", "images/s1.nii"], ["images/s0.nii"] * 2),
        (["s0/segmentations/liver.nii", "s1/liver.nii"], ["s0/ct.nii", "s1/ct.nii"], ["s0/ct.nii", "s1/ct.nii"]),
        (["l/s1_liver.nii", "l/s10_spleen.nii"], ["i/s1.nii", "i/s10.nii"], ["i/s1.nii", "i/s10.nii"]),
        (["l/s1_lung.nii"], ["i/s1.nii"], [""]),
        (["segmentations/left_kidney.nii"], ["ct.nii"], ["ct.nii"]),
        (["labels/b.nii", "labels/c.nii"], ["a.nii"], ["", ""]),
    ],
)
def test_files_of_a_structure_find_their_scan(labels: list[str], scans: list[str], expected: list[str]) -> None:
    assert list(matched(labels, scans, ("Liver", "spleen", "Left kidney")).values()) == expected


def test_both_candidates_are_named() -> None:
    found = match_files([ROOT / "l/SCAN1.nii"], {one: [ROOT / "i" / f"{one}.nii"] for one in ("Scan1", "scan1")})
    [(_, reason)] = found.ambiguous
    assert "/data/i/Scan1.nii or of /data/i/scan1.nii" in reason
    assert "name it exactly like its scan" in reason.lower()


def test_a_thousand_scans_are_matched_at_once() -> None:
    scans = [f"P{n:04d}/t1.nii" for n in range(1000)]
    labels = [f"P{n:04d}/t1_seg.nii" for n in range(1000)]
    assert list(matched(labels, scans).values()) == scans


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project.create(tmp_path / "project", classes=[ClassInfo(1, "a")])


def of_scan(project: Project) -> dict[str, str]:
    """The scan of each case that has labels, and the file they came from."""
    return {
        str(case.images[0]): revision.note.removeprefix("from ")
        for case in project.cases()
        if (revision := case.latest()) is not None
    }


def test_labels_of_renamed_cases_are_found(project: Project, tmp_path: Path) -> None:
    expected = {}
    for patient in ("P01", "P02", "P03"):
        scan = write(tmp_path / "in" / patient / "t1.nii.gz")
        expected[str(scan)] = str(write(tmp_path / "in" / patient / "t1_seg.nii.gz", mask()))
    import_images(project, tmp_path / "in")
    import_labels(project, tmp_path / "in" / "P02" / "t1_seg.nii.gz")
    assert of_scan(project) == dict([list(expected.items())[1]])
    report = import_labels(project, tmp_path / "in")
    assert of_scan(project) == expected
    assert [path.parent.name for path, _ in report.skipped] == ["P02"], "it was there already"


@pytest.mark.parametrize(
    ("first", "second"), [("Scan1", "scan1"), ("a_1", "a@1"), ("a@1", "a_1"), ("v" * 110 + "1", "v" * 110 + "2")]
)
def test_cases_whose_names_were_made_alike_keep_their_labels_apart(
    first: str, second: str, project: Project, tmp_path: Path
) -> None:
    for name in (first, second):
        write(tmp_path / "i" / f"{name}.nii.gz")
    import_images(project, tmp_path / "i")
    label = write(tmp_path / "l" / f"{second}.nii.gz", mask())
    import_labels(project, label)
    assert of_scan(project) == {str(tmp_path / "i" / f"{second}.nii.gz"): str(label)}


def test_what_could_be_of_two_scans_is_refused(project: Project, tmp_path: Path) -> None:
    for patient in ("P01", "P02"):
        write(tmp_path / "in" / patient / "t1.nii.gz")
    import_images(project, tmp_path / "in")
    with pytest.raises(ProjectError, match=r"P01/t1\.nii\.gz or of .*P02/t1\.nii\.gz"):
        import_labels(project, write(tmp_path / "l" / "t1_seg.nii.gz", mask()))
    good = write(tmp_path / "l" / "P01_t1.nii.gz", mask())
    report = import_labels(project, tmp_path / "l")
    assert report.added == ("t1",)
    assert of_scan(project) == {str(tmp_path / "in/P01/t1.nii.gz"): str(good)}
    assert [path.name for path, _ in report.refused] == ["t1_seg.nii.gz"]


def test_evaluation_matches_by_the_same_rule(project: Project, tmp_path: Path) -> None:
    from napari_medssl.project import match_labels

    for n, patient in enumerate(("P01", "P02")):
        write(tmp_path / "in" / patient / "t1.nii.gz", np.full(SHAPE, n, np.int16))
        write(tmp_path / "in" / patient / "t1_seg.nii.gz", mask())
    import_images(project, tmp_path / "in")
    found = match_labels(project, tmp_path / "in")
    assert {str(project.case(name).images[0].parent) for name in found} == {str(p.parent) for p in found.values()}
    assert len(found) == 2
