"""A process that is killed while it saves loses nothing that was saved before, and leaves no half of what it saved.

Each thing the store writes is done by forked children, ended by SIGKILL before each call that may change the disk in
turn. Where ptrace allows (Linux), one more child is stopped at every single system call, and what a kill there would
leave is copied. Each time the project is opened afresh and compared, bit for bit, with what was there before and with
what was being saved.

This file is also the script that does so, in a process of its own: a test process has threads, and must not fork.
"""

from __future__ import annotations

import ctypes
import io
import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

SHAPE = (5, 6, 7)


def _shifted(offset: int) -> np.ndarray:
    """Labels with all three states, another for each offset."""
    return np.array([0, 1, 2, 255], np.uint8)[np.arange(np.prod(SHAPE)).reshape(SHAPE) // 3 % 4 - offset % 4]


class Scene:
    """A small project, and what must be true of it however a save ends."""

    def __init__(self, folder: Path) -> None:
        import nibabel

        from napari_medssl.project import ClassInfo, Project

        self.folder = folder
        self.root = folder / "project"
        self.image = folder / "scan_image.nii.gz"
        nibabel.save(
            nibabel.Nifti1Image(np.arange(np.prod(SHAPE), dtype=np.int16).reshape(SHAPE), np.eye(4)), self.image
        )
        shutil.copy(self.image, folder / "second.nii.gz")
        project = Project.create(self.root, classes=[ClassInfo(1, "kidney"), ClassInfo(2, "tumour")])
        case = project.add_case(self.image)
        case.save_proposal("bcp-001", _shifted(9) % 255, {"entropy": np.zeros(SHAPE)}, 0.5, {})
        self.saved = [case.save_labels(_shifted(0), author="first", origin="drawn").id]
        self.arrays = {self.saved[0]: _shifted(0)}

    @property
    def project(self) -> Any:
        """The project, opened anew."""
        from napari_medssl.project import Project

        return Project.open(self.root)

    @property
    def case(self) -> Any:
        return self.project.case("scan")

    def check(self) -> None:
        """Everything that was committed before is there and the same; everything listed can be read."""
        revisions = self.case.revisions()
        assert [r.id for r in revisions][: len(self.saved)] == self.saved, "a committed revision is gone"
        for revision in revisions:
            assert revision.voxels, "half a record"
            np.testing.assert_array_equal(self.case.read_labels(revision.id).array, self.arrays[revision.id])
        for proposal in self.case.proposals():
            assert proposal.read_labels().array.shape == SHAPE
            assert proposal.read_map("entropy").shape == SHAPE
        for case in self.project.cases():
            assert case.read_image().array.shape == (1, *SHAPE)
            assert case.status in ("labelled", "proposed", "new", "excluded")
        for path in self.root.rglob("*.json"):
            if not path.name.startswith("."):
                json.loads(path.read_text())


# What is saved: each returns what to do in the child, and a question to ask afterwards: is it there?
Act = tuple[Callable[[], object], Callable[[], bool]]


def save_next(scene: Scene) -> Act:
    """A correction of a proposal: labels, origins and record."""
    case, array = scene.case, _shifted(len(scene.saved))
    known = list(scene.saved)

    def is_there() -> bool:
        new = [r for r in scene.case.revisions() if r.id not in known]
        assert len(new) <= 1
        for revision in new:
            assert (revision.author, revision.parent, revision.run) == ("reader", known[-1], "bcp-001")
            assert revision.dice_to_proposal is not None
            assert scene.case.read_origins(revision.id).shape == SHAPE
            scene.arrays[revision.id] = array
            scene.saved.append(revision.id)
        return bool(new)

    parent = scene.saved[-1]
    return lambda: case.save_labels(array, author="reader", origin="corrected", parent=parent, run="bcp-001"), is_there


def save_first(scene: Scene) -> Act:
    """The first labels of a case that has none: the folder is made too."""
    shutil.rmtree(scene.case.labels_folder, ignore_errors=True)
    scene.saved.clear()
    scene.arrays.clear()
    case = scene.case

    def is_there() -> bool:
        new = scene.case.revisions()
        for revision in new:
            scene.arrays[revision.id] = _shifted(3)
            scene.saved.append(revision.id)
        return bool(new)

    return lambda: case.save_labels(_shifted(3), author="reader", origin="drawn"), is_there


def propose(scene: Scene) -> Act:
    """A proposal of a run that has one already: it may be withdrawn for a moment, and is never a mixture."""
    case = scene.case
    if not case.proposals():
        case.save_proposal("bcp-001", np.zeros(SHAPE, int), {"entropy": np.zeros(SHAPE)}, 0.25, {})
    score = 0.5 + len(os.listdir(scene.folder)) / 100

    def is_there() -> bool:
        found = scene.case.latest_proposal()
        if found is not None and found.score == score:
            np.testing.assert_array_equal(found.read_labels().array, np.full(SHAPE, 2))
            assert found.read_map("entropy").max() == pytest.approx(1)
        elif found is not None:
            assert found.read_labels().array.max() <= 2
        return found is not None and found.score == score

    return lambda: case.save_proposal("bcp-001", np.full(SHAPE, 2), {"entropy": np.ones(SHAPE)}, score, {}), is_there


def exclude(scene: Scene) -> Act:
    """A decision about a case: its record is replaced."""
    case = scene.case
    if case.excluded is not None:
        case.include()
    return lambda: case.exclude("blurred"), lambda: scene.case.excluded == "blurred"


def add_case(scene: Scene) -> Act:
    """Another case."""
    shutil.rmtree(scene.root / "cases" / "second", ignore_errors=True)
    project = scene.project
    return (
        lambda: project.add_case(scene.folder / "second.nii.gz"),
        lambda: [case.name for case in scene.project.cases()] == ["scan", "second"],
    )


def freeze(scene: Scene) -> Act:
    """The audit set, written once."""
    from napari_medssl.project import freeze_audit

    (scene.root / "audit.json").unlink(missing_ok=True)
    project = scene.project
    return lambda: freeze_audit(project, ["scan"]), lambda: scene.case.role == "audit"


def name_classes(scene: Scene) -> Act:
    """Other classes: the project's settings are replaced."""
    from napari_medssl.project import ClassInfo

    project = scene.project
    project.set_classes([ClassInfo(1, "kidney"), ClassInfo(2, "tumour")])
    wanted = [ClassInfo(1, "kidney"), ClassInfo(2, "tumour"), ClassInfo(3, "cyst")]
    return lambda: project.set_classes(wanted), lambda: len(scene.project.classes) == 3


ACTS = {act.__name__: act for act in (save_next, save_first, propose, exclude, add_case, freeze, name_classes)}


#: what leaves the disk as it is: a kill before it is the same as a kill before what follows
_HARMLESS = {
    "fspath",
    "getpid",
    "listdir",
    "scandir",
    "stat",
    "fstat",
    "lstat",
    "urandom",
    "read",
    "readinto",
    "fileno",
}


def _end_before_call(number: int) -> None:
    """End this process right before its `number`-th call that may change the disk."""
    calls = itertools.count(1)
    streams = (io.FileIO, io.BufferedReader, io.BufferedWriter, io.TextIOWrapper)

    def on_event(frame: object, event: str, called: Any) -> None:
        if event != "c_call" or called.__name__ in _HARMLESS:
            return
        is_file = isinstance(getattr(called, "__self__", None), streams) or called is io.open
        if (is_file or called.__module__ in ("posix", "nt")) and next(calls) == number:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.setprofile(on_event)


def _run_hooked(action: Callable[[], object], number: int) -> bool:
    """Do it in a child that ends before its `number`-th call; whether it got to the end."""
    child = os.fork()
    if child == 0:
        _end_before_call(number)
        action()
        sys.setprofile(None)
        os._exit(0)
    return _outcome(os.waitpid(child, 0)[1])


def _states_between_system_calls(action: Callable[[], object], project: Path, copies: Path) -> list[Path]:
    """Do it in a child, stopped at each of its system calls; what a kill there would leave of the project, copied."""
    traceme, syscall, set_options, exit_kill = 0, 24, 0x4200, 0x100000
    libc = ctypes.CDLL(None, use_errno=True)
    libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    child = os.fork()
    if child == 0:
        if libc.ptrace(traceme, 0, None, None) != 0:
            os._exit(77)
        os.kill(os.getpid(), signal.SIGSTOP)
        action()
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if not os.WIFSTOPPED(status):
        raise PermissionError("ptrace")
    libc.ptrace(set_options, child, None, exit_kill)
    states = []
    for stop in itertools.count(1):
        libc.ptrace(syscall, child, None, None)
        _, status = os.waitpid(child, 0)
        if not os.WIFSTOPPED(status):
            break
        if stop % 2:  # every call stops twice, on its way in and on its way out: here it has not been done yet
            states.append(shutil.copytree(project, copies / f"{len(states):04d}"))
    assert _outcome(status)
    return states


def _outcome(status: int) -> bool:
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return False
    assert os.WEXITSTATUS(status) == 0, f"the child failed: {os.WEXITSTATUS(status)}"
    return True


def kill_before_each_call(names: list[str]) -> dict[str, list[bool]]:
    """For each act: for each place to kill at, whether what was saved is there."""
    found: dict[str, list[bool]] = {}
    with _fast_folder() as folder:
        scene = Scene(folder)
        scene.check()
        for name in names:
            there = found[name] = []
            for number in itertools.count(1):
                action, is_there = ACTS[name](scene)
                finished = _run_hooked(action, number)
                there.append(is_there())
                scene.check()
                if finished:
                    break
    return found


def look_between_system_calls(names: list[str]) -> dict[str, list[bool]]:
    """The same for each system call of each act."""
    found: dict[str, list[bool]] = {}
    for name in names:
        with _fast_folder() as folder:
            scene = Scene(folder)
            action, is_there = ACTS[name](scene)
            found[name] = []
            known = list(scene.saved)
            for state in _states_between_system_calls(action, scene.root, folder / "states"):
                scene.root = state
                scene.saved = list(known)
                found[name].append(is_there())
                scene.check()
    return found


@contextmanager
def _fast_folder() -> Iterator[Path]:
    """A folder in memory where there is one: a killed process loses nothing the kernel has, on any disk."""
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="medssl-kill-", dir=memory) as folder:
        yield Path(folder)


def _in_a_process_of_its_own(how: str, names: list[str]) -> dict[str, list[bool]]:
    done = subprocess.run(
        [sys.executable, __file__, how, *names], capture_output=True, text=True, timeout=280, env={**os.environ}
    )
    if done.returncode == 77:
        pytest.skip("this machine does not allow ptrace")
    assert done.returncode == 0, done.stderr
    found: dict[str, list[bool]] = json.loads(done.stdout.splitlines()[-1])
    return found


def _is_all_or_nothing(there: list[bool]) -> bool:
    """Not there at first, there at the end, and never gone again."""
    return not there[0] and there[-1] and there == sorted(there)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and SIGKILL")
def test_nothing_is_lost_when_a_save_is_killed_before_any_call_into_the_file_system() -> None:
    found = _in_a_process_of_its_own("kill", list(ACTS))
    assert list(found) == list(ACTS)
    for name, there in found.items():
        assert len(there) > 8, f"{name}: too few places to kill at, the hook sees nothing"
        assert _is_all_or_nothing(there), (name, there)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="ptrace as Linux has it")
def test_nothing_is_lost_when_a_save_ends_between_any_two_system_calls() -> None:
    found = _in_a_process_of_its_own("trace", list(ACTS))
    assert len(found["save_next"]) > 50
    for name, there in found.items():
        assert _is_all_or_nothing(there), (name, there)


if __name__ == "__main__":
    try:
        result = {"kill": kill_before_each_call, "trace": look_between_system_calls}[sys.argv[1]](sys.argv[2:])
    except PermissionError:
        sys.exit(77)
    print(json.dumps(result))
