"""One owner at a time: the lock decides on this computer, beats for others, and no clock for anybody."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest

from napari_medssl import ownership
from napari_medssl.disk import read_json
from napari_medssl.errors import BadFileError
from napari_medssl.locking import held_by_another
from napari_medssl.ownership import OwnedError, living_owner, look, own, owned_here

FOREIGN = {
    "owner": "ben",
    "host": "ward-7",
    "machine": "ff",
    "pid": 1,
    "started": "2026-01-01",
    "token": "aa",
    "beat": 1,
}
OWNER = (
    "import sys; from pathlib import Path; from napari_medssl.ownership import own\n"
    "mine = own(Path(sys.argv[1]), 'ann'); print('mine', flush=True); sys.stdin.read()"
)


def another_process(path: Path) -> subprocess.Popen[str]:
    child = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "mine\n"
    return child


def test_an_owner_is_told_and_gone_when_it_lets_go(tmp_path: Path) -> None:
    path = tmp_path / "new" / "thing.json"
    assert look(path) == (None, "gone")
    assert not path.parent.exists()  # to look makes no files
    with own(path, "ann", {"more": 1}) as mine:
        assert owned_here(path) is mine
        found = living_owner(path)
        assert found is not None
        assert (found.owner, found.pid, found.said["more"]) == ("ann", os.getpid(), 1)
        with pytest.raises(OwnedError, match="it belongs to ann on "):
            own(path, "ben")
    assert look(path) == (None, "gone")
    own(path, "ben").release()


def test_the_lock_of_a_living_process_counts_whatever_its_record_says(tmp_path: Path) -> None:
    path = tmp_path / "thing.json"
    child = another_process(path)
    try:
        for record in (None, "", json.dumps({**FOREIGN, "host": "x"}), '{"pid": 999999}'):
            if record is not None:
                path.write_text(record)
            os.utime(path, (1.0, 1.0))
            assert look(path)[1] == "alive"
            with pytest.raises(OwnedError):
                own(path)
        path.unlink()
        assert living_owner(path) == ownership.UNKNOWN
    finally:
        child.communicate()
    assert held_by_another(path) is False
    own(path).release()


def test_a_killed_owner_is_gone_at_once(tmp_path: Path) -> None:
    path = tmp_path / "thing.json"
    child = another_process(path)
    child.kill()
    child.wait()
    assert path.exists()
    assert look(path)[1] == "gone"
    own(path).release()


def test_of_many_threads_one_owns(tmp_path: Path) -> None:
    path, got, start = tmp_path / "thing.json", [], threading.Barrier(6)

    def attempt() -> None:
        start.wait()
        with suppress(OwnedError):
            got.append(own(path))

    threads = [threading.Thread(target=attempt) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 1
    got[0].release()


def test_a_beat_counts_on_and_writes_the_record_again(tmp_path: Path) -> None:
    path = tmp_path / "thing.json"
    with own(path) as mine:
        for damage in (None, b"", b"{"):
            if damage is None:
                path.unlink()
            else:
                path.write_bytes(damage)
            mine.beat()
            assert not mine.is_lost
            assert read_json(path)["token"] == mine.owner.token  # type: ignore[index]
        assert read_json(path)["beat"] == 3  # type: ignore[index]


def test_it_beats_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ownership, "BEAT", 0.05)
    monkeypatch.setattr(ownership, "_pulse", None)  # a thread of its own, that does not wait any more
    with own(tmp_path / "thing.json"):
        until = time.monotonic() + 20
        while (read_json(tmp_path / "thing.json") or {})["beat"] < 2:
            assert time.monotonic() < until
            time.sleep(0.02)


def test_a_full_disk_does_not_end_an_ownership(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "thing.json"
    with own(path) as mine:
        os.utime(path, (1.0, 1.0))

        def full(*_: object, **__: object) -> None:
            raise BadFileError(path, "it cannot be written (No space left on device)", "free some space")

        monkeypatch.setattr(ownership, "write_json", full)
        mine.beat()
        assert path.stat().st_mtime > 1e9  # touched: others see that it lives
        assert not mine.is_lost


def test_whoever_was_taken_for_dead_finds_out_and_touches_nothing(tmp_path: Path) -> None:
    path = tmp_path / "thing.json"
    mine = own(path)
    path.write_text(json.dumps(FOREIGN))
    mine.beat()
    assert mine.is_lost
    assert owned_here(path) is None
    mine.release()
    assert json.loads(path.read_text()) == FOREIGN


def test_a_lock_that_somebody_tidied_away_is_taken_again(tmp_path: Path) -> None:
    path = tmp_path / "thing.json"
    with own(path) as mine:
        for lock in tmp_path.glob(".*.lock"):
            lock.unlink()
        mine.beat()
        code = (
            f"from pathlib import Path; from napari_medssl.ownership import look; print(look(Path({str(path)!r}))[1])"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert done.stdout == "alive\n"


class TestOtherComputers:
    def test_it_lives_while_it_beats_whatever_the_clocks_say(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(ownership, "SILENCE", 0.2)
        path = tmp_path / "thing.json"
        for beat, when in enumerate((time.time(), 1.0, 4e9, 1e9)):
            path.write_text(json.dumps({**FOREIGN, "beat": beat}))
            os.utime(path, (when, when))
            assert look(path)[1] == "alive"
            time.sleep(0.25)
        assert look(path)[1] == "gone"
        own(path).release()

    def test_a_file_that_lies_there_for_long_is_quiet_until_it_was_listened_for(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = tmp_path / "thing.json"
        path.write_text(json.dumps(FOREIGN))
        os.utime(path, (1e9, 1e9))
        assert look(path)[1] == "quiet"
        assert living_owner(path) is None
        monkeypatch.setattr(ownership, "SILENCE", 0.0)
        assert look(path)[1] == "gone"

    def test_a_computer_of_the_same_name_is_another_one(self, tmp_path: Path) -> None:
        path = tmp_path / "thing.json"
        path.write_text(json.dumps({**FOREIGN, "host": ownership.host_name()}))
        with pytest.raises(OwnedError, match="ben"):
            own(path)

    def test_one_that_was_faster_keeps_it(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Without a common lock, the name of the record decides."""
        path = tmp_path / "thing.json"
        clear = ownership._clear

        def and_then_the_other(*given: object) -> None:
            clear(*given)  # type: ignore[arg-type]
            path.write_text(json.dumps(FOREIGN))

        monkeypatch.setattr(ownership, "_clear", and_then_the_other)
        with pytest.raises(OwnedError, match="ben on ward-7"):
            own(path)
        assert json.loads(path.read_text()) == FOREIGN
        assert owned_here(path) is None

    def test_a_newer_record_than_the_one_that_was_dead_is_not_removed(self, tmp_path: Path) -> None:
        path = tmp_path / "thing.json"
        path.write_text(json.dumps({**FOREIGN, "token": "newer"}))
        with pytest.raises(OwnedError):
            ownership._remove(path, ownership._owner(FOREIGN))
        assert json.loads(path.read_text())["token"] == "newer"
        assert [one.name for one in tmp_path.iterdir()] == ["thing.json"]


def test_nothing_can_be_owned_where_nothing_can_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(ownership, "long_lock", refuse)
    with pytest.raises(BadFileError, match="Read-only file system"):
        own(tmp_path / "thing.json")
