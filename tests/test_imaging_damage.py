"""Damaged files end in one clear line, never in a crash, a wrong voxel or a full memory."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
import zlib
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from napari_medssl.errors import BadFileError
from napari_medssl.imaging import Grid, Labels, check_image, read_grid, read_image, read_labels, write_labels

VOXELS = np.random.default_rng(0).integers(0, 4, (9, 10, 11)).astype(np.uint8)
GRID = Grid((9, 10, 11), np.diag([1.0, 2, 3, 1]))
fuzzing = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def packed(tmp_path: Path) -> bytes:
    write_labels(tmp_path / "good.nii.gz", Labels(VOXELS, GRID))
    return (tmp_path / "good.nii.gz").read_bytes()


def refused(path: Path) -> str:
    """The rule that every reader of voxels refuses this file by."""
    rules = set()
    for read in (read_image, read_labels, check_image):
        with pytest.raises(BadFileError) as caught:
            read(path)
        rules.add(caught.value.rule)
        assert caught.value.path == path
    return rules.pop()


@fuzzing
@given(where=st.floats(0, 1), bit=st.integers(0, 7))
def test_no_flipped_bit_gives_wrong_voxels(tmp_path: Path, packed: bytes, where: float, bit: int) -> None:
    place = min(int(where * len(packed)), len(packed) - 1)
    damaged = bytearray(packed)
    damaged[place] ^= 1 << bit
    path = tmp_path / "damaged.nii.gz"
    path.write_bytes(damaged)
    rule = ""
    try:
        volume = read_image(path)
    except BadFileError as error:
        rule = error.rule
    if not rule:  # the flip meant nothing: a time in gzip's own header, a copy from another place with the same bytes
        np.testing.assert_array_equal(volume.array[0], VOXELS)
        np.testing.assert_array_equal(volume.grid.affine, GRID.affine)


@fuzzing
@given(kept=st.floats(0, 1, exclude_max=True))
def test_a_file_cut_anywhere_is_refused(tmp_path: Path, packed: bytes, kept: float) -> None:
    path = tmp_path / "cut.nii.gz"
    path.write_bytes(packed[: int(kept * len(packed))])
    refused(path)
    path = tmp_path / "cut.nii"
    whole = gzip.decompress(packed)
    path.write_bytes(whole[: int(kept * len(whole))])
    refused(path)


def test_the_rule_names_what_is_wrong(tmp_path: Path, packed: bytes) -> None:
    path = tmp_path / "scan.nii.gz"
    path.write_bytes(packed[:-8])
    assert "ends too early" in refused(path)
    path.write_bytes(packed[:-8] + b"\0\0\0\0" + packed[-4:])
    assert "checksum" in refused(path)
    path.write_bytes(packed[:-4] + b"\1\0\0\0")
    assert "checksum" in refused(path)
    path.write_bytes(gzip.compress(gzip.decompress(packed)[:-1]))
    assert "too short" in refused(path)
    path.write_bytes(b"")
    assert "empty (0 bytes)" in refused(path)
    path.write_bytes(b"\x1f\x8b")
    assert "ends too early" in refused(path)
    path.write_bytes(gzip.compress(b""))
    assert "not a NIfTI" in refused(path)
    path.write_bytes(b"<html>404</html>" * 50)
    assert "not a NIfTI" in refused(path)


@fuzzing
@given(start=st.binary(max_size=400), order=st.sampled_from(["<", ">"]), size=st.sampled_from([348, 540]))
def test_no_bytes_crash_the_header(tmp_path: Path, start: bytes, order: str, size: int) -> None:
    header = bytearray(600)
    header[: len(start)] = start
    header[:4] = np.array(size, f"{order}i4").tobytes()
    header[344:348] = b"n+1\0"
    if size == 540:
        header[4:8] = b"n+2\0"
    path = tmp_path / "fuzz.nii"
    path.write_bytes(header)
    for read in (read_grid, read_image, read_labels, check_image):
        with suppress(BadFileError):
            read(path)


@fuzzing
@given(changes=st.lists(st.tuples(st.integers(40, 347), st.integers(0, 255)), min_size=1, max_size=8))
def test_no_change_of_a_good_header_crashes(tmp_path: Path, packed: bytes, changes: list[tuple[int, int]]) -> None:
    data = bytearray(gzip.decompress(packed))
    for place, value in changes:
        data[place] = value
    path = tmp_path / "fuzz.nii"
    path.write_bytes(data)
    with suppress(BadFileError):
        header = read_grid(path)
        for volume in range(min(header.volumes, 3)):
            assert read_image(path, volume).grid.shape == header.grid.shape


def test_missing_files_folders_and_foreign_names_are_said(tmp_path: Path) -> None:
    for name, rule in (("none.nii", "no such file"), ("none.png", "no such file"), ("none.xyz", "no such file")):
        assert rule in refused(tmp_path / name)
    (tmp_path / "folder.nii").mkdir()
    assert "folder" in refused(tmp_path / "folder.nii")
    (tmp_path / "scan.nrrd").write_bytes(b"NRRD0004")
    assert "its name does not end like an image" in refused(tmp_path / "scan.nrrd")
    with pytest.raises(BadFileError, match="no such file"):
        read_grid(tmp_path / "none.nii")


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="needs a user who may not read everything")
def test_an_unreadable_file_is_said(tmp_path: Path) -> None:
    path = tmp_path / "scan.nii"
    path.write_bytes(b"x")
    path.chmod(0)
    assert "may not be read" in refused(path)


@pytest.mark.skipif(sys.platform != "linux", reason="limits memory by RLIMIT_AS")
def test_a_bomb_is_checked_in_little_memory(tmp_path: Path) -> None:
    """300 MB of zeros behind the voxels are read through for the checksum, not kept."""
    write_labels(tmp_path / "a.nii", Labels(VOXELS, GRID))
    pack = zlib.compressobj(9, wbits=31)
    pieces = [pack.compress((tmp_path / "a.nii").read_bytes())]
    pieces += [pack.compress(bytes(10_000_000)) for _ in range(30)]
    (tmp_path / "bomb.nii.gz").write_bytes(b"".join(pieces) + pack.flush())
    program = (
        "import sys, resource, nibabel.nifti1, nibabel.nifti2, napari_medssl.imaging as m; "
        "used = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize(); "
        "resource.setrlimit(resource.RLIMIT_AS, (used + 60_000_000,) * 2); "
        "m.check_image(sys.argv[1]); print(m.read_image(sys.argv[1]).array.sum())"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, tmp_path / "bomb.nii.gz"], capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == str(VOXELS.sum()), done.stderr


def test_a_file_that_claims_more_than_memory_holds_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_labels(tmp_path / "a.nii", Labels(VOXELS, GRID))

    def full(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(np, "empty", full)
    with pytest.raises(BadFileError, match=r"GiB, more than there is"):
        read_image(tmp_path / "a.nii")
