"""Every file is written through one door: whole, on the disk, or not at all."""

from __future__ import annotations

import ast
import errno
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch

from napari_medssl.disk import keep_copy, read_json, read_json_or_none, replacing, set_aside, write_json
from napari_medssl.errors import BadFileError, DamagedFileError, RunError
from napari_medssl.inference.tensor_file import load_tensors, save_tensors
from napari_medssl.locking import exclusive
from napari_medssl.runs.stop import STOP_NAME, request_stop

PACKAGE = Path(__file__).resolve().parents[1] / "napari_medssl"
#: preprocessed scans may be lost: they are made anew
EXCEPT = {PACKAGE / "disk.py", PACKAGE / "training" / "cache.py"}


def fill_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)


def test_a_new_file_never_takes_the_place_of_another(tmp_path: Path) -> None:
    path = tmp_path / "audit.json"
    write_json(path, {"who": "first"}, new=True)
    with pytest.raises(FileExistsError):
        write_json(path, {"who": "second"}, new=True)
    assert read_json(path) == {"who": "first"}
    write_json(path, {"who": "third"})
    assert read_json(path) == {"who": "third"}
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("new", [False, True])
def test_a_block_that_fails_leaves_nothing(tmp_path: Path, new: bool) -> None:
    def write() -> None:
        with replacing(tmp_path / "x", new=new) as temporary:
            temporary.write_bytes(b"half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write()
    assert list(tmp_path.iterdir()) == []


def test_disks_without_hard_links_are_fine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_links(*_: object) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "link", no_links)
    write_json(tmp_path / "x.json", {"a": 1}, new=True)
    with pytest.raises(FileExistsError):
        write_json(tmp_path / "x.json", {"a": 2}, new=True)
    assert read_json(tmp_path / "x.json") == {"a": 1}


WRITES: dict[str, Callable[[Path], object]] = {
    "stop": lambda folder: request_stop(folder, "discard"),
    "model": lambda folder: save_tensors(folder / "model.safetensors", {"a": torch.zeros(3)}, "{}"),
}


@pytest.mark.parametrize("what", WRITES)
def test_a_full_disk_leaves_the_files_of_a_run_as_they_were(
    tmp_path: Path, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    request_stop(tmp_path, "pause")
    save_tensors(tmp_path / "model.safetensors", {"a": torch.ones(3)}, "{}")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert set(before) == {STOP_NAME, "model.safetensors"}
    fill_the_disk(monkeypatch)
    with pytest.raises((RunError, BadFileError), match=r"No space left on device\)\. Free some space"):
        WRITES[what](tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    assert load_tensors(tmp_path / "model.safetensors")[0]["a"].sum() == 3


def test_what_a_killed_process_left_of_a_model_is_swept_up(tmp_path: Path) -> None:
    old = tmp_path / ".model.safetensors.0000.tmp"
    old.write_bytes(b"1")
    os.utime(old, (1e9, 1e9))
    save_tensors(tmp_path / "model.safetensors", {}, "{}")
    assert not old.exists()


def test_nothing_else_renames_files() -> None:
    offenders = [
        f"{path}:{node.lineno}: write through disk.replacing"
        for path in sorted(set(PACKAGE.rglob("*.py")) - EXCEPT)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "os"
        and node.attr in ("replace", "rename", "link")
    ]
    assert offenders == []


VALUES = {"name": "Ünïcode – µ", "list": [1, 2.5, None], "nested": {"crc32": "00000000"}}


@pytest.mark.parametrize("indent", [None, 1])
def test_every_flipped_bit_of_a_sealed_file_is_noticed_or_changes_nothing(tmp_path: Path, indent: int | None) -> None:
    path = tmp_path / "x.json"
    write_json(path, VALUES, indent)
    assert read_json(path) == VALUES
    good = path.read_bytes()
    noticed = 0
    for at in range(len(good) * 8):
        bad = bytearray(good)
        bad[at // 8] ^= 1 << at % 8
        path.write_bytes(bad)
        found = read_json_or_none(path)
        if found is None:
            noticed += 1
            continue
        assert {key: found.get(key) for key in VALUES} == VALUES
    assert noticed > 0.9 * len(good) * 8 - 100  # all but the letters of the checksum's own name


def test_files_without_a_checksum_are_read_and_cut_ones_are_not(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    assert read_json(path) is None
    path.write_text('{"a": 1}')
    assert read_json(path) == {"a": 1}
    for bad in ("", "{", "[1]", "nonsense", '{"a": 1, "crc32": 7}', "[" * 100_000, b"\xff\xfe"):
        path.write_bytes(bad if isinstance(bad, bytes) else bad.encode())
        with pytest.raises(DamagedFileError):
            read_json(path)
        assert read_json_or_none(path) is None


def test_a_damaged_file_is_kept_under_another_name(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text("{")
    kept = set_aside(path)
    assert kept is not None
    assert kept.read_text() == "{"
    assert not path.exists()
    assert set_aside(path) is None


@pytest.mark.parametrize("links", [True, False])
def test_a_damaged_file_keeps_its_name_until_another_has_it(
    links: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x.json"
    assert keep_copy(path) is None
    path.write_text("{")
    if not links:
        monkeypatch.setattr(os, "link", no_links)
    kept = keep_copy(path)
    assert kept is not None
    write_json(path, {"a": 1})
    assert (kept.read_text(), read_json(path)) == ("{", {"a": 1})


def no_links(*_: object) -> None:
    raise PermissionError(errno.EPERM, "Operation not permitted")


def test_changes_of_many_threads_under_the_lock_are_all_there(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "x.json"

    def add(n: int) -> None:
        for _ in range(10):
            with exclusive(path):
                values = read_json(path) or {"n": 0}
                write_json(path, {"n": values["n"] + 1})

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add, range(8)))
    assert read_json(path) == {"n": 80}


def test_who_waits_too_long_for_the_lock_is_told(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    with exclusive(path), ThreadPoolExecutor(1) as pool:

        def wait() -> None:
            with exclusive(path, patience=0.1):
                pass

        with pytest.raises(BadFileError, match="another program"):
            pool.submit(wait).result()
