"""Names of any length, script and encoding: cases, cache and temporary files fit into 255 bytes, and bytes are kept."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_medssl import cli
from napari_medssl.disk import read_json, replacing, write_json
from napari_medssl.errors import BadFileError
from napari_medssl.imaging import check_image, read_image
from napari_medssl.project import ClassInfo, Project, import_images, import_labels
from napari_medssl.project.inventory import INVENTORY_NAME
from napari_medssl.project.names import can_be_there, safe_name

CJK = "患者腹部造影CT検査動脈相" * 6


def scan(path: Path, value: int = 0, kind: type = np.int16) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    array = np.random.default_rng(value).integers(0, 9, (8, 8, 8)).astype(kind)
    nib.save(nib.Nifti1Image(array, np.eye(4)), path)
    return path


@given(st.text(st.characters(exclude_categories=()), max_size=300))
def test_every_name_is_short_safe_and_stays(text: str) -> None:
    name = safe_name(text)
    assert 0 < len(name.encode()) <= 100
    assert safe_name(name) == name
    assert can_be_there(name)


def test_long_names_of_one_beginning_stay_two() -> None:
    assert safe_name("x" * 150 + "1") != safe_name("x" * 150 + "2")
    assert safe_name("x" * 100) == "x" * 100
    assert safe_name("Müller") == "Müller"


def test_scans_with_long_names_find_their_labels(tmp_path: Path) -> None:
    project = Project.create(tmp_path / "p", classes=[ClassInfo(1, "a")])
    for end in "12":
        scan(tmp_path / "scans" / f"{CJK}{end}.nii.gz", int(end))
        scan(tmp_path / "labels" / f"{CJK}{end}.nii.gz", 5 + int(end), np.uint8)
    assert len(import_images(project, tmp_path / "scans").added) == 2
    report = import_labels(project, tmp_path / "labels", mapping={value: 1 for value in range(1, 9)})
    assert len(report.added) == 2
    for case in project.cases():
        wanted = nib.load(tmp_path / "labels" / case.images[0].name).get_fdata() > 0
        labels = case.read_labels()
        assert labels is not None
        np.testing.assert_array_equal(labels.array, wanted)


def test_a_project_with_a_long_name_of_before_opens(tmp_path: Path) -> None:
    project = Project.create(tmp_path / "p")
    case = project.add_case(scan(tmp_path / "a.nii.gz"))
    old = CJK[:76]
    assert safe_name(old) != old
    os.rename(case.folder, case.folder.with_name(old))
    (project.root / INVENTORY_NAME).unlink()  # there was none
    assert [one.name for one in Project.open(project.root).cases()] == [old]
    assert Project.open(project.root).case(old).read_image().array.shape == (1, 8, 8, 8)


def test_temporary_names_fit_where_the_name_does(tmp_path: Path) -> None:
    for name in ("x" * 251 + ".nii", "患" * 83 + ".json"):
        with replacing(tmp_path / name) as temporary:
            temporary.write_text("x")
        assert (tmp_path / name).read_text() == "x"


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="names are text there")
def test_names_that_are_not_utf8_are_carried(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/M\xfcller"))
    source = scan(tmp_path / "a.nii.gz")
    for name in (b"K\xf6nig.nii.gz", b"plain.nii.gz"):
        folder.mkdir(exist_ok=True)
        Path(os.fsdecode(os.fsencode(folder) + b"/" + name)).write_bytes(source.read_bytes())
    root = folder / "project"
    assert cli.main(["new", str(root), "--images", str(folder), "--class", "1=a"]) == 0
    project = Project.open(root)
    assert [case.name for case in project.cases()] == ["K_nig", "plain"]
    assert all(case.read_image().array.shape == (1, 8, 8, 8) for case in project.cases())
    for words in (["status"], ["check"], ["suggest"], ["labels", "history"], ["runs", "list"]):
        assert cli.main([*words, str(root)]) in (0, 2)
        capsys.readouterr()
        cli.main([*words, str(root), "--json"])
        json.loads(capsys.readouterr().out)


def test_a_path_that_is_no_text_is_the_same_when_read(tmp_path: Path) -> None:
    values = {"path": "M\udcfcller", "other": "Müller"}
    write_json(tmp_path / "a.json", values)
    assert read_json(tmp_path / "a.json") == values


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes with names")
def test_pipes_and_devices_are_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.nii.gz")
    for path in (tmp_path / "a.nii.gz",):
        for reader in (read_image, check_image):
            with pytest.raises(BadFileError, match="a pipe or a device"):
                reader(path)
    assert cli.main(["new", str(tmp_path / "p"), "--images", str(tmp_path / "a.nii.gz")]) == 2
    assert not (tmp_path / "p").exists()


@pytest.mark.parametrize(
    "words",
    [
        ["progress", "{p}", "--csv", "/dev/null"],
        ["progress", "{p}", "--csv", "{p}/project.json"],
        ["status", "a\0b"],
        ["status", "x" * 300],
        ["new", "{p}" + "x" * 300, "--images", "{p}"],
        ["new", "{p}/n", "--images", "a\0b"],
        ["evaluate", "{p}", "--run", "r", "--truth", "{p}", "--tolerance", "nan"],
        ["evaluate", "{p}", "--run", "r", "--truth", "{p}", "--tolerance", "-1"],
        ["evaluate", "{p}", "--run", "r", "--truth", "{p}", "--tolerance", "inf"],
        ["train", "{p}", "--minutes", "nan"],
        ["train", "{p}", "--minutes", "1.000,5"],
        ["methods", "{p}", "--minutes", "inf"],
        ["demo", "--minutes", "1e999"],
        ["inspect", "{p}/project.json/x", "--run", "r", "--case", "c"],
    ],
)
def test_odd_arguments_end_in_one_line(words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Project.create(tmp_path / "p")
    assert cli.main([word.replace("{p}", str(tmp_path / "p")) for word in words]) == 2
    err = capsys.readouterr().err
    assert "Traceback" not in err
    assert len(err.strip().splitlines()) == 1


@pytest.mark.parametrize(("typed", "value"), [("12,5", 12.5), ("12.5", 12.5), (",5", 0.5), ("3", 3.0), ("1e-1", 0.1)])
def test_a_comma_is_a_point(typed: str, value: float) -> None:
    known = cli.make_parser().parse_args(["train", "p", "--minutes", typed])
    assert known.minutes == value
    known = cli.make_parser().parse_args(["evaluate", "p", "--run", "r", "--truth", "t", "--tolerance", typed])
    assert known.tolerance == value
