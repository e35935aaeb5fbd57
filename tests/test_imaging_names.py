"""What file names say."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from napari_medssl.errors import BadFileError
from napari_medssl.imaging import case_stem, file_sha256, find_images, is_image_path


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("liver_12.nii.gz", "liver_12"),
        ("liver_12.nii", "liver_12"),
        ("/a/b.c/liver_12_image.nii.gz", "liver_12"),
        ("liver_12_label.nii.gz", "liver_12"),
        ("liver_12_seg.NII.GZ", "liver_12"),
        ("liver_12_0000.nii.gz", "liver_12"),
        ("liver_12_0001.nii.gz", "liver_12_0001"),
        ("liver_12_Label.hdr.gz", "liver_12"),
        ("liver_12_label_0000.img", "liver_12_label"),
        ("scan.v2.nii.gz", "scan.v2"),
        ("slide_seg.png", "slide"),
        ("segment.tif", "segment"),
        ("_image.nii", "_image"),
        ("0000.jpg", "0000"),
        ("liver.mha", "liver"),
    ],
)
def test_case_stems(name: str, stem: str) -> None:
    assert case_stem(name) == stem
    assert case_stem(Path(name)) == stem


def test_image_names() -> None:
    for name in ("a.nii", "a.NII.GZ", "a.hdr", "a.img.gz", "a.png", "a.Tif", "a.tiff", "a.jpg", "a.jpeg"):
        assert is_image_path(name), name
    for name in ("a.txt", "nii", ".nii.gz", "._a.nii.gz", ".a.nii.gz.1f.tmp", "a.gz", "a.nii.json", "a", ".png"):
        assert not is_image_path(name), name


def test_images_of_a_folder_are_sorted_and_pairs_count_once(tmp_path: Path) -> None:
    names = [
        "b.nii.gz",
        "a.png",
        "pair.hdr",
        "pair.img",
        "zipped.hdr.gz",
        "zipped.img.gz",
        "mixed.hdr",
        "mixed.img.gz",
        "lone.img",
    ]
    for name in [*names, "._b.nii.gz", "notes.txt"]:
        (tmp_path / name).touch()
    (tmp_path / "folder.nii").mkdir()
    found = [path.name for path in find_images(tmp_path)]
    assert found == ["a.png", "b.nii.gz", "lone.img", "mixed.hdr", "pair.hdr", "zipped.hdr.gz"]
    (tmp_path / "empty").mkdir()
    assert find_images(tmp_path / "empty") == []
    for wrong in (tmp_path / "none", tmp_path / "a.png"):
        with pytest.raises(BadFileError, match="not a readable folder"):
            find_images(wrong)


def test_checksums(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"scan" * 100_000)
    assert file_sha256(tmp_path / "a") == hashlib.sha256(b"scan" * 100_000).hexdigest()
    with pytest.raises(BadFileError, match="no such file"):
        file_sha256(tmp_path / "b")
