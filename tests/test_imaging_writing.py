"""A save is whole or has not happened."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path

import numpy as np
import pytest

from napari_medssl.disk import write_atomically
from napari_medssl.errors import BadFileError
from napari_medssl.imaging import Grid, Labels, file_sha256, read_labels, write_labels

GRID = Grid((3, 4, 5), np.eye(4))
ONE = Labels(np.ones(GRID.shape, np.uint8), GRID)
TWO = Labels(np.full(GRID.shape, 2, np.uint8), GRID)


def test_the_old_file_stays_when_the_new_one_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "mask.nii.gz"
    write_labels(path, ONE)
    before = file_sha256(path)

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    for call in ("fsync", "replace"):
        with monkeypatch.context() as patch:
            patch.setattr(os, call, lambda *_: full(0))
            with pytest.raises(BadFileError, match=r"No space left.*[Ff]ree some space") as caught:
                write_labels(path, TWO)
        assert caught.value.path == path
        assert file_sha256(path) == before
        assert list(tmp_path.iterdir()) == [path], "the temporary file was left behind"
    write_labels(path, TWO)
    assert read_labels(path).values == (2,)


def test_bytes_reach_the_disk_before_the_name_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda handle: (calls.append("fsync"), fsync(handle))[1])
    monkeypatch.setattr(os, "replace", lambda *names: (calls.append("replace"), replace(*names))[1])
    write_labels(tmp_path / "mask.nii.gz", ONE)
    assert calls == ["fsync", "replace"] + ["fsync"] * (os.name != "nt")


def test_an_interrupted_write_leaves_nothing(tmp_path: Path) -> None:
    def pieces():  # type: ignore[no-untyped-def]
        yield b"half"
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_atomically(tmp_path / "mask.nii", pieces())
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(BadFileError, match=r"cannot be written.*[Mm]ake the folder first"):
        write_labels(tmp_path / "none" / "mask.nii.gz", ONE)


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="needs a user who may not write everywhere")
def test_a_read_only_folder_is_said(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(BadFileError, match=r"[Cc]hoose a folder that can be written to"):
        write_labels(tmp_path / "mask.nii.gz", ONE)
    tmp_path.chmod(0o700)


def test_unknown_endings_are_a_mistake_of_the_caller(tmp_path: Path) -> None:
    for name in ("mask.mha", "mask.png", "mask"):
        with pytest.raises(ValueError, match=r"should end in \.nii"):
            write_labels(tmp_path / name, ONE)
