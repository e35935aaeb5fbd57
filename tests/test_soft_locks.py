"""Shares on which the operating system keeps no locks: saving works, one at a time, and nobody waits for the dead."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import signal
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from fixtures import make_project

from napari_medssl import doctor, hosts, locking, soft_locks
from napari_medssl.cli import main as cli
from napari_medssl.disk import read_json, write_json
from napari_medssl.errors import BadFileError
from napari_medssl.locking import exclusive, forget_lock, has_system_locks, held_by_another, long_lock
from napari_medssl.ownership import OwnedError, look, own

REFUSALS = [errno.EOPNOTSUPP, errno.ENOLCK, errno.ENOSYS]
HEAD = """
import fcntl, os, sys, warnings
from pathlib import Path
from napari_medssl import hosts, soft_locks
from napari_medssl.disk import read_json, write_json
from napari_medssl.locking import exclusive, long_lock
from napari_medssl.ownership import own
warnings.simplefilter("error")
path = Path(sys.argv[1])
"""
REFUSED = """
def refuse(*_): raise OSError({number}, "no locks here")
fcntl.flock = refuse
"""
ELSEWHERE = "hosts.host_name = lambda: 'ward-7'\nsoft_locks.BEAT = 0.02\n"
HOLD = "with exclusive(path):\n    print('mine', flush=True)\n    sys.stdin.read()\n"
OWN = "mine = own(path, 'ann')\nprint('mine', flush=True)\nsys.stdin.read()\n"
COUNT = """
print("ready", flush=True)
sys.stdin.readline()
for _ in range(15):
    with exclusive(path):
        write_json(path, {"n": (read_json(path) or {"n": 0})["n"] + 1}, durable=False)
"""


def refused(number: int = errno.EOPNOTSUPP) -> str:
    return REFUSED.format(number=number)


def refuse_locks(patch: pytest.MonkeyPatch, number: int = errno.EOPNOTSUPP) -> None:
    def refuse(*_: object) -> None:
        raise OSError(number, "no locks here")

    patch.setattr(fcntl, "flock", refuse)


@pytest.fixture
def no_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    refuse_locks(monkeypatch)


def start(path: Path, *code: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", HEAD + "\n".join(code), str(path)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


@contextmanager
def another(path: Path, *code: str) -> Iterator[subprocess.Popen[str]]:
    """A process that has come to its first line of output; killed at the end."""
    child = start(path, *code)
    try:
        assert child.stdout is not None
        assert child.stdout.readline() in ("mine\n", "ready\n")
        yield child
    finally:
        child.kill()
        child.communicate()


def kill(child: subprocess.Popen[str]) -> None:
    child.send_signal(signal.SIGKILL)
    child.wait()


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if ".held" in path.name)


@pytest.mark.parametrize("number", REFUSALS)
@pytest.mark.parametrize("links", [True, False])
def test_changes_of_many_threads_are_all_there(
    number: int, links: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse_locks(monkeypatch, number)

    def no_links(*_: object, **__: object) -> None:
        raise OSError(errno.EOPNOTSUPP, "no links here")

    if not links:
        monkeypatch.setattr(os, "link", no_links)
    path = tmp_path / "deep" / "x.json"

    def add(_: int) -> None:
        for _ in range(5):
            with exclusive(path):
                write_json(path, {"n": (read_json(path) or {"n": 0})["n"] + 1}, durable=False)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with ThreadPoolExecutor(6) as pool:
            list(pool.map(add, range(6)))
    assert read_json(path) == {"n": 30}
    assert left(path.parent) == []


def test_processes_with_and_without_locks_keep_each_other_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.json"
    with monkeypatch.context() as patch:
        refuse_locks(patch)
        with exclusive(path):  # the folder knows from now on
            pass
    children = [start(path, code, COUNT) for code in (refused(), refused(errno.ENOSYS), "", "")]
    for child in children:
        assert child.stdout is not None
        child.stdout.readline()
    for child in children:
        child.communicate("go\n")
    assert [child.returncode for child in children] == [0] * 4
    assert read_json(path) == {"n": 60}
    assert left(tmp_path) == []


@pytest.mark.parametrize("first", [refused(), ""])
def test_who_holds_it_is_named_to_whoever_waits_too_long(first: str, tmp_path: Path, no_locks: None) -> None:
    path = tmp_path / "x.json"
    (tmp_path / locking.NO_LOCKS_NAME).touch()
    with another(path, first, HOLD) as child:
        with pytest.raises(BadFileError) as told, exclusive(path, patience=0.1):
            pass
        said = str(told.value)
        assert str(path) in said
        assert f"{hosts.host_name()} (process {child.pid}, since " in said
        assert f"If that program runs no more, delete {tmp_path / '.x.json.held'}" in said
        assert held_by_another(path) is True


class TestTheDead:
    def test_a_killed_one_of_this_computer_is_followed_at_once(self, tmp_path: Path, no_locks: None) -> None:
        path = tmp_path / "x.json"
        with another(path, refused(), HOLD) as child:
            kill(child)
            assert left(tmp_path) == [".x.json.held"]
            assert held_by_another(path) is False
            with exclusive(path, patience=0.0):
                assert left(tmp_path) == [".x.json.held"]
        assert left(tmp_path) == []

    def test_one_that_cannot_get_the_name_of_the_first_is_the_last_of_a_row(
        self, tmp_path: Path, no_locks: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = tmp_path / "x.json"

        def refuse(*_: object) -> None:
            raise PermissionError(errno.EACCES, "another program reads it")

        monkeypatch.setattr(os, "replace", refuse)  # as on Windows
        for _ in range(3):
            with another(path, refused(), "def full(*_): raise PermissionError\nos.replace = full", HOLD) as child:
                kill(child)
        assert held_by_another(path) is False
        assert len(left(tmp_path)) == 3
        with exclusive(path, patience=0.0):
            assert len(left(tmp_path)) == 4
        assert left(tmp_path) == []

    def test_one_that_was_stopped_lives(self, tmp_path: Path, no_locks: None) -> None:
        path = tmp_path / "x.json"
        with another(path, refused(), HOLD) as child:
            child.send_signal(signal.SIGSTOP)
            with pytest.raises(BadFileError, match="has been writing"), exclusive(path, patience=0.1):
                pass

    def test_of_those_that_follow_it_at_once_one_is_first(self, tmp_path: Path) -> None:
        path = tmp_path / "x.json"
        with another(path, refused(), HOLD) as child:
            kill(child)
        children = [start(path, refused(), COUNT) for _ in range(4)]
        for one in children:
            assert one.stdout is not None
            one.stdout.readline()
        for one in children:
            one.communicate("go\n")
        assert read_json(path) == {"n": 60}
        assert left(tmp_path) == []

    def test_of_many_threads_one_follows(self, tmp_path: Path, no_locks: None, monkeypatch: pytest.MonkeyPatch) -> None:
        path, got, begin = tmp_path / "x.json", [], threading.Barrier(8)
        monkeypatch.setattr(locking, "A_LOOK", 0.2)
        with another(path, refused(), HOLD) as child:
            kill(child)

        def attempt() -> None:
            begin.wait()
            got.append(long_lock(path))

        threads = [threading.Thread(target=attempt) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        (lock,) = (one for one in got if one is not None)
        assert lock.is_there
        lock.release()
        assert left(tmp_path) == []

    def test_a_process_of_the_same_number_is_another_one(self, tmp_path: Path, no_locks: None) -> None:
        path = tmp_path / "x.json"
        said = {**hosts.this_process(), "pid": 1, "born": "3 ticks", "token": "aa"}
        (tmp_path / ".x.json.held").write_text(f"000000000000\n{json.dumps(said)}\n")
        with exclusive(path, patience=0.0):
            pass
        assert left(tmp_path) == []


def test_a_share_that_lost_its_answer_and_did_it_twice(
    tmp_path: Path, no_locks: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = os.link

    def twice(*given: str) -> None:
        link(*given)
        link(*given)

    monkeypatch.setattr(os, "link", twice)
    with exclusive(tmp_path / "x.json", patience=0.0):
        assert left(tmp_path) == [".x.json.held"]
    assert left(tmp_path) == []


class TestElsewhere:
    def test_it_lives_while_it_beats_and_is_followed_when_it_is_silent(
        self, tmp_path: Path, no_locks: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(soft_locks, "SILENCE", 1.2)
        monkeypatch.setattr(soft_locks, "BEAT", 0.1)
        path = tmp_path / "x.json"
        with another(path, refused(), ELSEWHERE, HOLD) as child:
            assert held_by_another(path) is None  # nobody listened yet
            for _ in range(3):
                with pytest.raises(BadFileError, match="ward-7"), exclusive(path, patience=0.3):
                    pass
            assert held_by_another(path) is True
            kill(child)
            with exclusive(path, patience=0.5):  # three beats missed by then: it is listened for
                assert left(tmp_path) == [".x.json.held"]
        assert left(tmp_path) == []

    def test_times_of_two_clocks_are_not_compared(
        self, tmp_path: Path, no_locks: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(soft_locks, "SILENCE", 0.2)
        path, file = tmp_path / "x.json", tmp_path / ".x.json.held"
        said = {**hosts.this_process(), "host": "ward-7", "since": "2099", "token": "aa"}
        for beat, when in enumerate((1.0, 4e9, 1e9)):
            file.write_text(f"{beat:012d}\n{json.dumps(said)}\n")
            os.utime(file, (when, when))
            assert held_by_another(path) is (True if beat else None)
            time.sleep(0.25)
        assert held_by_another(path) is False

    @pytest.mark.parametrize("data", [b"", b"000000000000\n{", b"\xff" * 40])
    def test_a_file_that_was_never_finished_is_followed_in_time(
        self, data: bytes, tmp_path: Path, no_locks: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(soft_locks, "SILENCE", 0.2)
        (tmp_path / ".x.json.held").write_bytes(data)
        assert held_by_another(tmp_path / "x.json") is None
        with exclusive(tmp_path / "x.json", patience=0.0):
            pass
        assert left(tmp_path) == []

    def test_one_that_only_slept_removes_nothing_of_its_follower(
        self, tmp_path: Path, no_locks: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(soft_locks, "SILENCE", 0.3)
        path = tmp_path / "x.json"
        with another(path, refused(), ELSEWHERE, HOLD) as child:
            child.send_signal(signal.SIGSTOP)
            with exclusive(path):
                child.send_signal(signal.SIGCONT)
                child.communicate()
                assert left(tmp_path) == [".x.json.held"]
        assert left(tmp_path) == []


class TestOwners:
    @pytest.mark.parametrize("number", REFUSALS)
    def test_one_owns_and_lets_go(self, number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        refuse_locks(monkeypatch, number)
        path = tmp_path / "thing.json"
        with another(path, refused(number), OWN) as child:
            assert look(path)[1] == "alive"
            with pytest.raises(OwnedError, match=f"ann on .*process {child.pid}"):
                own(path)
            kill(child)
            assert look(path)[1] == "gone"
            own(path).release(for_good=True)
        assert look(path) == (None, "gone")
        known = number != errno.ENOLCK  # else: who has the system's lock may only not be seen for now
        names = [locking.NO_LOCKS_NAME] if known else [locking.NO_LOCKS_NAME, ".thing.json.lock"]
        assert sorted(one.name for one in tmp_path.iterdir()) == names

    def test_a_leftover_file_of_a_lock_says_nothing(self, tmp_path: Path, no_locks: None) -> None:
        own(tmp_path / "thing.json").release()
        assert (tmp_path / ".thing.json.lock").exists()
        assert held_by_another(tmp_path / "thing.json") is False

    def test_one_whose_lock_cannot_be_seen_for_now_lives(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """It has the system's lock; the service that keeps locks does not answer any more."""
        path = tmp_path / "thing.json"
        with another(path, OWN) as child:
            refuse_locks(monkeypatch, errno.ENOLCK)
            assert held_by_another(path) is None
            assert look(path)[1] == "alive"
            with pytest.raises(OwnedError):
                own(path)
            kill(child)
            assert look(path)[1] == "gone"
            own(path).release()

    def test_no_free_lock_proves_the_death_of_an_owner_elsewhere(
        self, tmp_path: Path, no_locks: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = tmp_path / "thing.json"
        with another(path, refused(), ELSEWHERE, OWN):
            for file in left(tmp_path):
                (tmp_path / file).unlink()
            assert held_by_another(path) is False
            assert look(path)[1] == "alive"

    def test_who_was_followed_finds_out(self, tmp_path: Path, no_locks: None, monkeypatch: pytest.MonkeyPatch) -> None:
        path = tmp_path / "thing.json"
        monkeypatch.setattr(locking, "A_LOOK", 0.0)
        mine = own(path)
        token = mine._lock._soft.token  # type: ignore[union-attr]
        said = {**hosts.this_process(), "pid": os.getppid(), "born": hosts._born(os.getppid()), "token": "bb"}
        (tmp_path / f".thing.json.held.{token}").write_text(f"000000000000\n{json.dumps(said)}\n")
        mine.beat()
        assert mine.is_lost
        assert len(left(tmp_path)) == 2

    def test_files_that_somebody_tidied_away_are_made_again(self, tmp_path: Path, no_locks: None) -> None:
        with own(tmp_path / "thing.json") as mine:
            for file in left(tmp_path):
                (tmp_path / file).unlink()
            mine.beat()
            assert not mine.is_lost
            assert left(tmp_path) == [".thing.json.held"]


def test_a_lock_that_somebody_has_is_not_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.json"
    for code in ("", refused()):
        with another(path, code, HOLD):
            forget_lock(path)
            with pytest.raises(BadFileError), exclusive(path, patience=0.1):
                pass
            refuse_locks(monkeypatch)


def test_what_cannot_be_removed_counts_as_let_go(
    tmp_path: Path, no_locks: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x.json"

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "another program reads it")

    with monkeypatch.context() as patch, exclusive(path):
        patch.setattr(Path, "unlink", refuse)
    patch.undo()
    with exclusive(path, patience=0.0):
        pass


def test_exit_lets_go(tmp_path: Path, no_locks: None) -> None:
    path = tmp_path / "x.json"
    with another(path, refused(), ELSEWHERE, "lock = long_lock(path)\nprint('mine', flush=True)\n") as child:
        child.wait()
    assert left(tmp_path) == []


def test_whether_a_folder_has_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert has_system_locks(tmp_path) is True
    assert has_system_locks(tmp_path / "none") is None
    assert list(tmp_path.iterdir()) == []
    refuse_locks(monkeypatch)
    assert has_system_locks(tmp_path) is False
    assert list(tmp_path.iterdir()) == []
    (tmp_path / locking.NO_LOCKS_NAME).touch()
    monkeypatch.undo()
    assert has_system_locks(tmp_path) is False  # on another computer


def test_doctor_and_check_say_that_there_are_none(
    tmp_path: Path, no_locks: None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert [one.value for one in doctor._folder(tmp_path) if one.key == "locks"] == ["none in this folder"]
    project = make_project(tmp_path, "raster", labelled=1, unlabelled=0)
    capsys.readouterr()
    cli(["check", str(project.root)])
    assert " ".join(locking.NO_LOCKS.split()) in " ".join(capsys.readouterr().out.split())


class TestProcesses:
    def test_where_the_system_tells_no_births_the_process_is_asked(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(hosts, "_place", lambda: "")
        said = hosts.this_process()
        assert isinstance(said["born"], float)
        assert hosts.lives(said) is True
        child = subprocess.Popen([sys.executable, "-c", ""])
        child.wait()
        assert hosts.lives({**said, "pid": child.pid}) is False

    def test_numbers_of_another_start_say_nothing(self) -> None:
        said = hosts.this_process()
        assert hosts.lives(said) is True
        for name in ("host", "machine", "place"):
            assert hosts.lives({**said, name: "other"}) is None
        assert hosts.lives({**said, "born": "1 ticks"}) is False
        assert hosts.lives({**said, "pid": "nonsense"}) is None
        assert hosts.lives({}) is None
