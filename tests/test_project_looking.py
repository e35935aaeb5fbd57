"""What lies in a folder: scans, labels, and what looks like a scan and is none that can be read."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from test_cli_project import run_json
from test_project_importing import mask, write

from napari_medssl import cli
from napari_medssl.errors import BadFileError, MedSSLError
from napari_medssl.project.channel_names import channel_hint
from napari_medssl.project.filenames import is_label_folder, is_named_label
from napari_medssl.project.files import gather_labels, gather_scans, look_into
from napari_medssl.project.unread import unread_kind, unread_words
from napari_medssl.ui import projects


@pytest.mark.parametrize(
    "name",
    [
        *(
            "a_label",
            "a_seg",
            "a-seg",
            "a.seg",
            "a_mask",
            "a_Labels",
            "a_segmentation",
            "a_gt",
            "a_dseg",
            "seg",
            "mask",
        ),
        *("label", "segmentation", "ground_truth", "seg_mask", "BraTS-GLI-00000-000-seg"),
    ],
)
def test_names_of_labels(name: str) -> None:
    assert is_named_label(Path(f"{name}.nii.gz"))


@pytest.mark.parametrize(
    "name",
    ["Seguin_P01", "scan_unmasked", "unlabelled_1", "segment", "labelling", "masked_3", "a_image", "KneeSeg_012"],
)
def test_names_that_merely_contain_such_a_word(name: str) -> None:
    assert not is_named_label(Path(f"{name}.nii.gz"))


def test_folders_of_labels() -> None:
    for name in (
        "labels",
        "labelsTr",
        "LabelsTs",
        "masks",
        "train_masks",
        "Segmentations",
        "gt",
        "ground_truth",
        "seg",
    ):
        assert is_label_folder(name), name
    for name in (
        "unlabelled",
        "unlabeled",
        "labelled",
        "un-labeled",
        "no_labels",
        "images_with_labels",
        "Seguin",
        "P01",
    ):
        assert not is_label_folder(name), name


LAYOUTS: dict[str, tuple[list[str], list[str]]] = {
    "labelled and unlabelled": (["labelled/a.nii", "unlabelled/b.nii"], ["labelled/a_seg.nii"]),
    "images and labels": (["imagesTr/a_0000.nii", "imagesTr/b_0000.nii"], ["labelsTr/a.nii"]),
    "train and test": (["train_images/1.png", "test_images/2.png"], ["train_masks/1.png"]),
    "a folder per patient": (["P1/img.nii", "P2/img.nii"], ["P1/seg.nii", "P2/mask.nii"]),
    "BraTS": ([f"B-1/B-1-{kind}.nii" for kind in ("t1c", "t2w")], ["B-1/B-1-seg.nii"]),
    "BIDS": (["sub-1/anat/sub-1_T1w.nii"], ["derivatives/manual/sub-1/anat/sub-1_dseg.nii"]),
    "TotalSegmentator": (["s1/ct.nii"], ["s1/segmentations/liver.nii", "s1/segmentations/spleen.nii"]),
    "names with such letters": (["Seguin_P01.nii", "scan_unmasked.nii"], ["Seguin_P01_seg.nii"]),
    "words in front": (["ct_5.nii", "image_01.png"], ["label_ct_5.nii", "mask_01.png"]),
    "unmasked folder": (["unmasked/a.nii"], []),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_scans_and_labels_are_told_apart(layout: str, tmp_path: Path) -> None:
    scans, labels = LAYOUTS[layout]
    for name in (*scans, *labels):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    looked = look_into(tmp_path)
    assert {str(path.relative_to(tmp_path)) for path in looked.scans} == set(scans)
    assert {str(path.relative_to(tmp_path)) for path in looked.labels} == set(labels)
    assert looked.left == ()


def test_the_window_and_the_command_line_take_the_same(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    for name in ("labelled/a", "unlabelled/Seguin_b", "unlabelled/scan_unmasked"):
        write(tmp_path / "data" / f"{name}.nii.gz")
    write(tmp_path / "data" / "labelled" / "a_seg.nii.gz", mask())
    (tmp_path / "data" / "old.mha").touch()
    found = projects.look_into(tmp_path / "data")
    assert [path.name for path in found.labels] == ["a_seg.nii.gz"]
    assert found.values == (1,)
    assert [path.name for path, _ in found.left] == ["old.mha"]
    _, told, _ = run_json(capsys, "new", tmp_path / "p", "--images", tmp_path / "data", "--class", "1=a")
    assert sorted(told["cases"]) == sorted(path.name.removesuffix(".nii.gz") for path in found.images)
    assert [(Path(one["path"]).name, "MetaImage" in one["reason"]) for one in told["skipped"]] == [("old.mha", True)]


def test_scans_below_other_scans_are_told_of(tmp_path: Path) -> None:
    for name in ("a.nii", "deeper/b.nii", "derivatives/c.nii"):
        write(tmp_path / name)
    gathered = gather_scans(tmp_path)
    assert [path.name for path in gathered.files] == ["a.nii"]
    assert [path.name for path, _ in gathered.left] == ["b.nii", "c.nii"]


def test_labels_are_looked_for_below(tmp_path: Path) -> None:
    scan = write(tmp_path / "in" / "s1" / "ct.nii")
    masks = [write(tmp_path / "in" / "s1" / "segmentations" / f"{name}.nii") for name in ("liver", "spleen")]
    assert gather_labels(tmp_path / "in", {scan}).files == masks
    odd = write(tmp_path / "in" / "s1" / "odd.nii")
    mine = write(tmp_path / "in" / "s1" / "ct_seg.nii")
    gathered = gather_labels(tmp_path / "in", {scan})
    assert gathered.files == [mine, *masks]
    assert [path for path, _ in gathered.left] == [odd]


def test_a_file_named_after_a_structure_is_labels_only_beside_a_scan(tmp_path: Path) -> None:
    for name in ("P1/ct.nii", "P1/liver.nii", "P2/liver.nii", "liver.nii"):
        write(tmp_path / "in" / name)
    deeper = look_into(tmp_path / "in" / "P1", ["Liver", "spleen"])
    assert [path.name for path in deeper.scans] == ["ct.nii", "liver.nii"], "one such name may be chance"
    (tmp_path / "in" / "liver.nii").unlink()
    looked = look_into(tmp_path / "in", ["Liver", "spleen"])
    assert [f"{path.parent.name}/{path.name}" for path in looked.scans] == ["P1/ct.nii", "P2/liver.nii"]
    assert [path.name for path, _ in looked.left] == ["liver.nii"]


def test_a_project_among_the_scans_is_passed_over(tmp_path: Path) -> None:
    write(tmp_path / "a.nii")
    write(tmp_path / "mine" / "cases" / "x" / "labels" / "1.nii")
    (tmp_path / "mine" / "project.json").write_text("{}")
    assert look_into(tmp_path).labels == ()


def test_links_that_go_round_end(tmp_path: Path) -> None:
    write(tmp_path / "P1" / "a.nii")
    (tmp_path / "P1" / "up").symlink_to(tmp_path, target_is_directory=True)
    assert len(look_into(tmp_path).scans) == 1


# -- what is not read -------------------------------------------------------------------------------------------------


def dicom(path: Path, series: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    uid = series.encode() + b"\0" * (len(series) % 2)
    path.write_bytes(b"\0" * 128 + b"DICM" + b"\x20\x00\x0e\x00UI" + len(uid).to_bytes(2, "little") + uid)
    return path


def test_dicom_is_counted_with_its_series(tmp_path: Path) -> None:
    files = [dicom(tmp_path / f"{n}.dcm", f"1.2.{n // 4}") for n in range(8)]
    files.append(dicom(tmp_path / "1.2.840.113", "1.2.0"))
    files.append(dicom(tmp_path / "IM000001", "1.2.5"))
    words = unread_words(files)
    assert words.startswith("DICOM (10 files, 3 series: ")
    assert "dcm2niix" in words
    assert "3D Slicer" in words
    (tmp_path / "notes").write_text("hello")
    (tmp_path / "README.md").write_text("hello")
    assert [unread_kind(tmp_path / name) for name in ("notes", "README.md")] == ["", ""]


@pytest.mark.parametrize("where", ["here", "above"])
@pytest.mark.parametrize(
    ("name", "said"), [("a.dcm", "DICOM"), ("a.nrrd", "NRRD"), ("a.seg.nrrd", "NRRD"), ("a.mha", "MetaImage"),
                       ("a.mhd", "MetaImage"), ("a.mgz", "FreeSurfer"), ("a.svs", "whole-slide")]
)  # fmt: skip
def test_a_folder_of_what_is_not_read_says_so(name: str, said: str, where: str, tmp_path: Path) -> None:
    (tmp_path / "in" / "series").mkdir(parents=True)
    (tmp_path / "in" / "series" / name).touch()
    folder = tmp_path / "in" if where == "above" else tmp_path / "in" / "series"
    for look in (gather_scans, projects.look_into):
        with pytest.raises(BadFileError, match=rf"It holds {said}.*\(1 file: {name}\)\. MedSSL cannot"):
            look(folder)


def test_links_to_nowhere_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "e.nii.gz").symlink_to("annex/objects/e")
    with pytest.raises(MedSSLError, match=r"dangling links \(1 file: e.nii.gz\)\. .*git annex get"):
        projects.look_into(tmp_path / "in")
    write(tmp_path / "in" / "a.nii.gz")
    _, told, err = run_json(capsys, "new", tmp_path / "p", "--images", tmp_path / "in")
    assert [Path(one["path"]).name for one in told["skipped"]] == ["e.nii.gz"]
    assert "not taken: " in err
    assert "e.nii.gz" in err


def test_a_check_tells_what_is_not_taken(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path / "a.nii.gz")
    for name in ("b.nrrd", "c.nrrd", "d.mha"):
        (tmp_path / name).touch()
    _, told, _ = run_json(capsys, "check", tmp_path)
    assert sorted(one["items"] for one in told["findings"] if one["rule"] == "not-taken") == [
        ["b.nrrd", "c.nrrd"],
        ["d.mha"],
    ]


@pytest.mark.real_data
def test_real_dicom_is_counted(tmp_path: Path, data_root: Path) -> None:
    shutil.copytree(data_root / "dicom" / "mr_hippocrop_32", tmp_path / "study" / "series")
    with pytest.raises(MedSSLError, match=r"DICOM \(32 files, 1 series"):
        projects.look_into(tmp_path / "study")


# -- channels ---------------------------------------------------------------------------------------------------------


def test_files_that_look_like_channels_get_a_hint(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("BR_1_0000", "BR_1_0001", "BR_2_0000", "BR_2_0001"):
        write(tmp_path / "in" / f"{name}.nii.gz")
    assert cli.main(["new", str(tmp_path / "p"), "--images", str(tmp_path / "in")]) == 0
    assert "--channels NAME1 NAME2" in capsys.readouterr().err
    _, told, _ = run_json(capsys, "check", tmp_path / "in")
    assert "channels" in [one["rule"] for one in told["findings"]]
    _, told, err = run_json(capsys, "new", tmp_path / "q", "--images", tmp_path / "in", "--channels", "t1", "t2")
    assert (len(told["cases"]), told["notes"]) == (2, [])
    assert "--channels" not in err


def test_only_what_looks_like_channels_gets_one() -> None:
    brats = [Path(f"/d/B-{n}/B-{n}-{kind}.nii") for n in (1, 2) for kind in ("t1c", "t2w", "t1n")]
    assert "t1c, t1n, t2w" in channel_hint(brats)
    for files in (
        ["a_0000.nii", "b_0000.nii"],
        ["P1/a.nii", "P2/a.nii"],
        ["a.nii", "b.nii"],
        ["x_0007.nii", "x_0009.nii"],
    ):
        assert channel_hint([Path("/d") / name for name in files]) == ""
