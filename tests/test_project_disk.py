"""Full disks, read-only folders, and two windows on one project: one clear line, and nothing lost."""

from __future__ import annotations

import errno
import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np
import pytest

from napari_medssl.errors import ProjectError
from napari_medssl.project import Case, ClassInfo, Project, freeze_audit

SHAPE = (16, 16, 16)


@pytest.fixture
def case(tmp_path: Path) -> Case:
    """A labelled case with a proposal."""
    nibabel.save(nibabel.Nifti1Image(np.zeros(SHAPE, np.int16), np.eye(4)), tmp_path / "scan.nii.gz")
    project = Project.create(tmp_path / "project", classes=[ClassInfo(1, "liver")])
    case = project.add_case(tmp_path / "scan.nii.gz")
    case.save_labels(np.zeros(SHAPE, np.uint8), author="a", origin="drawn")
    case.save_proposal("bcp-001", np.ones(SHAPE, np.uint8), {}, 0.5, {})
    return case


def everything(folder: Path) -> dict[str, bytes]:
    """All files of a folder, temporary ones too."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.suffix != ".lock"
    }


WRITES: dict[str, Callable[[Case], object]] = {
    "labels": lambda case: case.save_labels(np.ones(SHAPE, int), author="a", origin="corrected", run="bcp-001"),
    "proposal": lambda case: case.save_proposal("bcp-002", np.ones(SHAPE, int), {"entropy": np.ones(SHAPE)}, 0.5, {}),
    "exclude": lambda case: case.exclude("blurred"),
    "audit": lambda case: freeze_audit(case._project, [case]),
    "classes": lambda case: case._project.set_classes([ClassInfo(1, "liver"), ClassInfo(2, "cyst")]),
    "case": lambda case: case._project.add_case(case.images[0], name="copy"),
    "run": lambda case: case._project.new_run_name("bcp"),
    "project": lambda case: Project.create(case._project.root.parent / "other"),
}


@pytest.mark.parametrize("what", ["labels", "proposal", "exclude", "audit", "classes", "case", "project"])
@pytest.mark.parametrize("nth", [1, 2, 3])
def test_a_full_disk_is_one_clear_line_and_nothing_is_lost(
    case: Case, monkeypatch: pytest.MonkeyPatch, what: str, nth: int
) -> None:
    """The disk is full from the `nth` time on that something is to be brought to it."""
    before = everything(case._project.root)
    fsync, calls = os.fsync, []

    def full(handle: int) -> None:
        calls.append(handle)
        if len(calls) >= nth:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        fsync(handle)

    monkeypatch.setattr(os, "fsync", full)
    refused = None
    try:
        WRITES[what](case)
    except ProjectError as error:
        refused = str(error)
    if refused is None:
        return  # it was done before the disk was full: only folders were still to be synced
    assert "No space left on device" in refused
    assert "Free some space" in refused
    assert "\n" not in refused
    monkeypatch.undo()
    after = everything(case._project.root)
    assert {name: after.get(name) for name in before} == before
    assert not [name for name in after if name not in before], "something half is left"
    WRITES[what](case)  # and once there is space, it works


@pytest.mark.parametrize("what", ["labels", "proposal", "exclude", "audit", "classes", "case", "run", "project"])
def test_a_read_only_folder_is_one_clear_line(case: Case, monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    before = everything(case._project.root)

    def refuse(*args: object, **kwargs: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(args[0]))

    opened = Path.open
    monkeypatch.setattr(os, "mkdir", refuse)
    monkeypatch.setattr(
        Path, "open", lambda self, mode="r", *a, **k: refuse(self) if "x" in mode else opened(self, mode, *a, **k)
    )
    with pytest.raises(ProjectError, match=r"Read-only file system\. Choose a folder that can be written to") as caught:
        WRITES[what](case)
    assert "\n" not in str(caught.value)
    assert everything(case._project.root) == before


@pytest.mark.skipif(
    os.name == "nt" or not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere"
)
def test_a_folder_without_the_right_to_write_can_still_be_read(case: Case) -> None:
    case.labels_folder.chmod(0o555)
    try:
        with pytest.raises(ProjectError, match="Permission denied"):
            WRITES["labels"](case)
        assert case.read_labels() is not None
    finally:
        case.labels_folder.chmod(0o755)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="file size limits as Linux has them")
def test_a_write_that_really_stops_half_way_leaves_nothing_half(case: Case) -> None:
    """The kernel refuses to let any file grow beyond 600 bytes: labels of noise do not fit."""
    before = everything(case._project.root)
    code = (
        "import resource, signal, sys, numpy as np\n"
        "from napari_medssl.errors import ProjectError\n"
        "from napari_medssl.project import Project\n"
        "case = Project.open(sys.argv[1]).case('scan')\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (600, 600))\n"
        "try: case.save_labels(np.random.default_rng(0).integers(0, 2, (16, 16, 16)), author='a', origin='drawn')\n"
        "except ProjectError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(case._project.root)], capture_output=True, text=True)
    assert done.stdout.startswith("Case scan: the labels were not saved"), done.stderr
    assert "File too large" in done.stdout
    assert everything(case._project.root) == before


def test_what_a_crash_left_is_swept_up_after_a_day_and_labels_never(case: Case) -> None:
    old, young = case.labels_folder / ".x.nii.gz.0000.tmp", case.labels_folder / ".y.nii.gz.0000.tmp"
    orphan = case.labels_folder / "20200101T000000000000Z-000000.nii.gz"  # whole, but killed before its record
    for path in (old, young, orphan):
        path.write_bytes(b"1")
    for path in (old, orphan):
        os.utime(path, (1e9, 1e9))
    case.save_labels(np.ones(SHAPE, np.uint8), author="a", origin="drawn")
    assert not old.exists()
    assert young.exists()
    assert orphan.exists()


# -- two windows ------------------------------------------------------------------------------------------------------


def test_a_second_window_is_told_of_the_first(case: Case) -> None:
    project = case._project
    with project.lock("Dr A") as first:
        assert first.warning is None
        with Project.open(project.root).lock("Dr B") as second:
            assert [one.owner for one in second.others] == ["Dr A"]
            assert second.warning is not None
            assert "Dr A" in second.warning
            assert [one.owner for one in first.others] == ["Dr B"]
        assert first.others == []
    assert not list((project.root / "leases").glob("*.json"))


def test_both_windows_can_save_and_neither_loses_anything(case: Case) -> None:
    one, other = Project.open(case._project.root).case("scan"), Project.open(case._project.root).case("scan")
    saved = [
        window.save_labels(np.full(SHAPE, value, np.uint8), author=str(value), origin="drawn", parent=case.latest())
        for window, value in ((one, 1), (other, 0), (one, 255), (other, 1))
    ]
    assert one.revisions()[1:] == saved == other.revisions()[1:]
    assert one.latest() == saved[-1]


def test_a_window_that_died_does_not_count(case: Case) -> None:
    code = "import sys; from napari_medssl.project import Project; Project.open(sys.argv[1]).lock('dead')"
    subprocess.run([sys.executable, "-c", code, str(case._project.root)], check=True)
    folder = case._project.root / "leases"
    assert len(list(folder.glob("*.json"))) == 1
    with case._project.lock("alive") as lease:
        assert lease.others == []
        assert len(list(folder.glob("*.json"))) == 1  # the dead one's was cleared


def test_a_window_on_another_computer_counts_while_it_renews(case: Case) -> None:
    folder = case._project.root / "leases"
    folder.mkdir()
    path = folder / "elsewhere-1-aaa.json"
    path.write_text(json.dumps({"owner": "Dr C", "host": "elsewhere", "pid": 1, "born": 1.0, "started": "2024-01-01"}))
    assert socket.gethostname() != "elsewhere"
    with case._project.lock() as lease:
        assert [one.host for one in lease.others] == ["elsewhere"]
        os.utime(path, (1e9, 1e9))
        assert lease.others == []


def test_a_lease_that_was_cleared_comes_back(case: Case) -> None:
    with case._project.lock("Dr A") as lease:
        assert lease.path is not None
        shutil.rmtree(case._project.root / "leases")
        lease.renew()  # no folder: no harm
        (case._project.root / "leases").mkdir()
        lease.renew()
        assert lease.path.exists()


def test_a_lease_cannot_fail(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(os, "mkdir", refuse)
    with case._project.lock("Dr A") as lease:
        assert lease.path is None
        assert lease.others == []
        lease.renew()
