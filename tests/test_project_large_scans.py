"""Large scans are checked a piece at a time; what does not fit into memory is no damage."""

from __future__ import annotations

import dataclasses
import tracemalloc
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
import tifffile
from fixtures import make_project
from PIL import Image

from napari_medssl.errors import BadFileError, TooLargeError
from napari_medssl.imaging import pieces, read_image, read_labels
from napari_medssl.project import describing, examining
from napari_medssl.project.describing import describe, describe_file
from napari_medssl.project.examining import check_files, check_project


@pytest.fixture
def all_large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every scan counts as large, and comes in many pieces."""
    monkeypatch.setattr(pieces, "LARGE", 1)
    monkeypatch.setattr(pieces, "_PIECE", 1000)


def scan(path: Path, array: np.ndarray, slope: tuple[float, float] | None = None) -> Path:
    image = nib.Nifti1Image(array, np.eye(4))
    if slope is not None:
        image.header.set_slope_inter(*slope)
    nib.save(image, path)
    return path


ARRAYS = {
    "int16": np.random.default_rng(0).normal(100, 30, (19, 17, 13)).astype(np.int16),
    "float32 with holes": np.where(np.arange(4199) % 7, np.arange(4199), np.nan).reshape(19, 17, 13).astype(np.float32),
    "big-endian": np.random.default_rng(1).normal(0, 9, (19, 17, 13)).astype(">f4"),
    "few bright voxels": np.eye(20, dtype=np.uint8).repeat(300).reshape(20, 20, 300) * (np.arange(300) == 7),
    "no number": np.full((9, 9, 9), np.nan, np.float32),
    "constant": np.full((9, 9, 9), 7, np.int16),
}


@pytest.mark.usefixtures("all_large")
@pytest.mark.parametrize("ending", [".nii", ".nii.gz"])
@pytest.mark.parametrize("kind", ARRAYS)
def test_in_pieces_the_same_is_known_of_a_scan(tmp_path: Path, kind: str, ending: str) -> None:
    path = scan(tmp_path / f"a{ending}", ARRAYS[kind], (2.0, -50.0) if kind == "int16" else None)
    whole = describe(str(path), path.name, read_image(path))
    found = describe_file(path)
    told = [field.name for field in dataclasses.fields(whole) if field.name not in ("digest", "grid")]
    assert {name: getattr(found, name) for name in told} == {name: getattr(whole, name) for name in told}
    assert found.grid.mismatch(whole.grid) is None
    copy, other = tmp_path / f"b{ending}", ARRAYS[kind].copy()
    other.flat[0] = 3
    assert describe_file(scan(copy, ARRAYS[kind], (2.0, -50.0) if kind == "int16" else None)).digest == found.digest
    assert describe_file(scan(copy, other)).digest != found.digest


def test_memory_does_not_grow_with_the_scan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pieces, "LARGE", 1)
    monkeypatch.setattr(pieces, "_PIECE", 1 << 16)
    path = scan(tmp_path / "a.nii.gz", np.zeros((256, 256, 128), np.int16))
    describe_file(path)
    tracemalloc.start()
    try:
        describe_file(path)
        assert tracemalloc.get_traced_memory()[1] < 8 << 20, "the scan has 16 MiB"
    finally:
        tracemalloc.stop()


@pytest.mark.usefixtures("all_large")
def test_a_project_is_checked_in_pieces_and_a_bad_scan_noted(tmp_path: Path) -> None:
    project = make_project(tmp_path, "3d", labelled=1, unlabelled=2)
    path = project.case("case-2").images[0]
    path.write_bytes(path.read_bytes()[:-8])
    shares: list[tuple[str, float]] = []
    report = check_project(project, on_part=lambda name, share: shares.append((name, share)))
    assert [one.items for one in report.findings if one.rule == "unreadable"] == [("case-2",)]
    assert project.case("case-2").status == "unreadable"
    assert [share for name, share in shares if name == "case-0"] == sorted(
        share for name, share in shares if name == "case-0"
    )
    assert ("case-0", 1.0) in shares


@pytest.mark.usefixtures("all_large")
def test_a_check_can_be_stopped_within_a_scan(tmp_path: Path) -> None:
    paths = [scan(tmp_path / f"{n}.nii", ARRAYS["int16"]) for n in range(2)]
    asked = [0]

    def stop() -> bool:
        asked[0] += 1
        return asked[0] > 3

    report = check_files(paths, stop=stop)
    assert (report.scans, report.whole) == (0, False)


def test_a_scan_that_does_not_fit_into_memory_is_told_and_the_others_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = make_project(tmp_path, "3d", labelled=0, unlabelled=3)

    def describe_case(case: Any, *_: Any) -> Any:
        if case.name == "case-1":
            raise MemoryError
        return describing.describe_case(case)

    monkeypatch.setattr(examining, "describe_case", describe_case)
    report = check_project(project)
    (one,) = [one for one in report.findings if one.items == ("case-1",)]
    assert "more memory than there is" in one.what
    assert report.scans == 2
    assert project.case("case-1").status == "new"


@pytest.mark.parametrize("where", ["asarray", "_opened"])
def test_a_tiff_that_does_not_fit_into_memory_is_not_called_damaged(
    tmp_path: Path, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.tif"
    Image.fromarray(np.zeros((9, 9), np.uint8)).save(path)

    def full(*_: Any, **__: Any) -> None:
        raise MemoryError

    if where == "asarray":
        monkeypatch.setattr(tifffile.TiffPage, "asarray", full)
    else:
        monkeypatch.setattr(tifffile, "TiffFile", full)
    for read in (read_image, read_labels, lambda path: read_image(path, as_stored=True)):
        with pytest.raises(BadFileError) as caught:
            read(path)
        assert isinstance(caught.value, TooLargeError)
        assert "damaged" not in str(caught.value)


@pytest.mark.usefixtures("all_large")
def test_large_masks_are_counted_in_pieces(tmp_path: Path) -> None:
    project = make_project(tmp_path, "3d", labelled=2, unlabelled=1)
    masks = [case.latest().path for case in project.cases()[:2]]  # type: ignore[union-attr]
    images = [path for case in project.cases() for path in case.images]
    assert [one.rule for one in check_files(images, masks).findings if one.level == "error"] == []
    assert check_project(project).findings == ()
    bad = scan(tmp_path / "a.nii.gz", np.full((9, 9, 9), 300, np.int16))
    (one,) = [one for one in check_files(images, [bad]).findings if one.rule == "label-unreadable"]
    assert "outside 0 to 255 (300)" in one.what
    half = scan(tmp_path / "b.nii.gz", np.full((9, 9, 9), 0.5, np.float32))
    assert [one.rule for one in check_files(images, [half]).findings if one.level == "error"] == ["label-unreadable"]


@pytest.mark.usefixtures("all_large")
def test_the_same_is_found_in_pieces_as_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = make_project(tmp_path, "3d", labelled=2, unlabelled=2)
    labels = project.case("case-0").read_labels()
    assert labels is not None
    project.case("case-0").save_labels(np.full_like(labels.array, 255), author="t", origin="drawn", complete=False)
    found = check_project(project).findings
    monkeypatch.setattr(pieces, "LARGE", 1 << 40)
    assert found == check_project(project).findings
