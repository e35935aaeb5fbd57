"""Runs in processes of their own: they outlive their starter, can be killed, found again, and never live twice."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest
from fixtures import make_project, quick_spec

from napari_medssl.errors import RunError
from napari_medssl.inference.model import MODEL
from napari_medssl.ownership import owned_here
from napari_medssl.project import Project
from napari_medssl.runs import drivers
from napari_medssl.runs.drivers import LOG_NAME, Handle, InlineDriver, ProcessDriver, find_running
from napari_medssl.runs.events import RunFinished, RunStarted
from napari_medssl.runs.journal import JOURNAL_NAME, JournalWriter, replay
from napari_medssl.runs.process import PROCESS_NAME, announced, claim, is_running, read_process, release
from napari_medssl.training.checkpoint import CHECKPOINT

LONG = 1_000_000  # steps: never reached
PATIENCE = 200.0  # a busy machine takes its time to import torch


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return make_project(tmp_path, "raster")


def wait_for(what: Callable[[], object]) -> None:
    until = time.monotonic() + PATIENCE
    while not what():
        assert time.monotonic() < until, "waited too long"
        time.sleep(0.05)


@pytest.fixture
def ended() -> Iterator[Callable[[Handle], Handle]]:
    """Takes handles whose processes shall not outlive the test, however it ends."""
    handles: list[Handle] = []

    def take(handle: Handle) -> Handle:
        handles.append(handle)
        return handle

    yield take
    for handle in handles:
        if handle.is_alive():
            handle.stop("discard")
            handle.wait(PATIENCE)


def test_pause_kill_resume_keep(project: Project, ended: Callable[[Handle], Handle]) -> None:
    """The life of one run: paused, resumed, killed, found lost, resumed from its checkpoint, stopped and kept."""
    driver = ProcessDriver()
    run = quick_spec(project, "supervised", "raster", steps=LONG, propose=("case-2",)).run
    folder = project.run_folder(run)

    handle = ended(driver.start(project.root, run))
    with pytest.raises(RunError, match="already running"):
        driver.start(project.root, run)  # at once, before the child has said a word
    wait_for(lambda: handle.status().step > 0)
    assert find_running(project.root) == [run]
    other = driver.attach(project.root, run)
    assert other.is_alive()
    with pytest.raises(RunError, match="already running"):
        driver.start(project.root, run)
    other.stop("pause")
    paused = handle.wait(PATIENCE)
    assert paused.state == "paused"
    assert find_running(project.root) == []
    assert (folder / CHECKPOINT).exists()

    handle = ended(driver.start(project.root, run))
    assert handle.status().state == "waiting"  # not "paused": its new life has begun
    assert handle.status().loss == paused.loss
    attached = driver.attach(project.root, run)
    assert attached.status().state == "waiting"
    wait_for(lambda: handle.status().step > paused.step)
    pid = read_process(folder)["pid"]  # type: ignore[index]
    os.kill(pid, signal.SIGKILL)
    lost = handle.wait(PATIENCE)
    assert lost.state == "lost"
    assert "killed" in lost.message
    assert "Resume the run" in lost.message
    assert attached.status().state == "lost"
    assert not is_running(folder)

    handle = ended(driver.start(project.root, run))
    assert handle.status().state == "waiting"  # not "running", as when it was killed
    wait_for(lambda: handle.status().state == "running")
    assert handle.status().started.resumed_step == paused.step  # type: ignore[union-attr]
    handle.stop("keep")
    kept = handle.wait(PATIENCE)
    assert kept.state == "stopped", kept.message
    assert (folder / MODEL).exists()
    assert project.case("case-2").latest_proposal() is not None
    assert len([e for e in replay(folder / JOURNAL_NAME) if isinstance(e, RunStarted)]) == 3


def test_a_run_outlives_its_starter(project: Project) -> None:
    run = quick_spec(project, "supervised", "raster", steps=30).run
    code = (
        "import sys; from pathlib import Path; from napari_medssl.runs.drivers import ProcessDriver; "
        "ProcessDriver().start(Path(sys.argv[1]), sys.argv[2]); assert 'torch' not in sys.modules"
    )
    starter = subprocess.run([sys.executable, "-c", code, str(project.root), run], check=True, timeout=PATIENCE)
    assert starter.returncode == 0
    handle = ProcessDriver().attach(project.root, run)
    assert handle.is_alive() or handle.status().is_over
    status = handle.wait(PATIENCE)
    assert status.state == "completed", status.message
    assert status.step == 30


def test_being_asked_to_end_means_pause(project: Project, ended: Callable[[Handle], Handle]) -> None:
    run = quick_spec(project, "supervised", "raster", steps=LONG).run
    handle = ended(ProcessDriver().start(project.root, run))
    wait_for(lambda: handle.status().step > 0)
    os.kill(read_process(project.run_folder(run))["pid"], signal.SIGTERM)  # type: ignore[index]
    assert handle.wait(PATIENCE).state == "paused"


def test_a_stop_asked_for_while_the_process_is_starting_is_heard(
    project: Project, ended: Callable[[Handle], Handle]
) -> None:
    run = quick_spec(project, "supervised", "raster", steps=LONG).run
    handle = ended(ProcessDriver().start(project.root, run))
    handle.stop("pause")
    assert handle.wait(PATIENCE).state == "paused"
    assert handle.status().step <= 1


def test_a_failure_is_told_through_the_journal(project: Project) -> None:
    run = quick_spec(project, "supervised", "raster").run
    path = project.case("case-0").images[0]
    path.unlink()
    status = ProcessDriver().start(project.root, run).wait(PATIENCE)
    assert status.state == "failed"
    assert str(path) in status.message
    assert ProcessDriver().attach(project.root, run).status() == status


def test_a_process_that_cannot_begin_is_lost_with_its_last_words(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = project.root / "broken"
    script.write_text("#!/bin/sh\necho 'No module named torch' >&2\nexit 3\n")
    script.chmod(0o755)
    monkeypatch.setattr(drivers.sys, "executable", str(script))
    run = quick_spec(project, "supervised", "raster").run
    status = ProcessDriver().start(project.root, run).wait(PATIENCE)
    assert status.state == "lost"
    assert "No module named torch" in status.message


def test_a_process_that_is_not_there_frees_the_run(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drivers.sys, "executable", str(project.root / "no-python"))
    run = quick_spec(project, "supervised", "raster").run
    for _ in range(2):
        with pytest.raises(RunError, match="could not be started"):
            ProcessDriver().start(project.root, run)


class TestClaims:
    def test_one_of_many_gets_it(self, tmp_path: Path) -> None:
        code = (
            "import sys, time; from pathlib import Path; from napari_medssl.runs.process import claim\n"
            "from napari_medssl.errors import RunError\n"
            "while time.time() < float(sys.argv[2]): pass\n"
            "try: claim(Path(sys.argv[1])); print('mine', flush=True)\n"
            "except RunError: print('taken', flush=True)\n"
            "sys.stdin.read()"
        )
        at = str(time.time() + 3)
        pipe = subprocess.PIPE
        tries = [
            subprocess.Popen([sys.executable, "-c", code, str(tmp_path), at], stdin=pipe, stdout=pipe, text=True)
            for _ in range(3)
        ]
        try:
            said = [t.stdout.readline().strip() for t in tries]  # type: ignore[union-attr]
        finally:
            for one in tries:
                one.communicate()
        assert sorted(said) == ["mine", "taken", "taken"]

    def test_a_dead_claim_is_taken_over(self, tmp_path: Path) -> None:
        gone = subprocess.Popen([sys.executable, "-c", ""])
        born = psutil.Process(gone.pid).create_time()
        gone.wait()
        said = {"pid": gone.pid, "host": socket.gethostname(), "born": born}
        (tmp_path / PROCESS_NAME).write_text(json.dumps(said))
        claim(tmp_path)
        assert read_process(tmp_path)["pid"] == os.getpid()  # type: ignore[index]
        release(tmp_path)

    def test_a_number_used_again_is_another_process(self, tmp_path: Path) -> None:
        said = {"pid": os.getpid(), "host": socket.gethostname(), "born": 12345.0}
        (tmp_path / PROCESS_NAME).write_text(json.dumps(said))
        assert not is_running(tmp_path)

    @pytest.mark.parametrize("beats", [{}, {"token": "aa", "beat": 3, "machine": "ff"}], ids=["old", "new"])
    def test_a_living_one_of_another_computer_is_never_taken_over(self, tmp_path: Path, beats: dict[str, Any]) -> None:
        said = {"pid": 1, "host": "elsewhere", "born": 1.0, "since": 1.0, **beats}
        before = json.dumps(said)
        (tmp_path / PROCESS_NAME).write_text(before)
        assert is_running(tmp_path)
        with pytest.raises(RunError, match="already running on elsewhere"):
            claim(tmp_path)
        assert (tmp_path / PROCESS_NAME).read_text() == before

    def test_one_of_another_computer_is_taken_over_after_it_was_listened_for(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("napari_medssl.ownership.SILENCE", 0.5)
        path = tmp_path / PROCESS_NAME
        path.write_text(json.dumps({"pid": 1, "host": "elsewhere", "token": "aa", "beat": 3, "machine": "ff"}))
        os.utime(path, (1e9, 1e9))
        assert not is_running(tmp_path)  # it was silent for long, as far as the disk tells
        begin = time.monotonic()
        claim(tmp_path)
        assert time.monotonic() - begin > 0.3  # but that alone is not enough to take it
        assert read_process(tmp_path)["pid"] == os.getpid()  # type: ignore[index]
        release(tmp_path)

    def test_a_beat_that_is_heard_while_listening_keeps_it(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Its clock and that of the disk may be years apart: only that it goes on counts."""
        monkeypatch.setattr("napari_medssl.ownership.SILENCE", 1.5)
        path, stop = tmp_path / PROCESS_NAME, threading.Event()

        def beat(number: int) -> None:
            path.write_text(json.dumps({"pid": 1, "host": "elsewhere", "token": "aa", "beat": number, "machine": "ff"}))
            os.utime(path, (1e9, 1e9))

        def go_on() -> None:
            number = 1
            while not stop.wait(0.2):
                beat(number := number + 1)

        beat(1)
        elsewhere = threading.Thread(target=go_on)
        elsewhere.start()
        try:
            with pytest.raises(RunError, match="already running on elsewhere"):
                claim(tmp_path)
        finally:
            stop.set()
            elsewhere.join()

    def test_what_grows_in_its_journal_is_a_sign_of_life(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Older versions do not beat, but their runs speak."""
        monkeypatch.setattr("napari_medssl.ownership.SILENCE", 0.2)
        path, journal = tmp_path / PROCESS_NAME, tmp_path / JOURNAL_NAME
        path.write_text(json.dumps({"pid": 1, "host": "elsewhere", "born": 1.0, "since": 1.0}))
        journal.write_text("")
        assert is_running(tmp_path)
        time.sleep(0.3)
        journal.write_text("a word\n")
        assert is_running(tmp_path)
        time.sleep(0.3)
        assert not is_running(tmp_path)

    def test_a_damaged_claim_of_nobody_is_no_obstacle(self, tmp_path: Path) -> None:
        path = tmp_path / PROCESS_NAME
        path.write_text("")
        with pytest.raises(RunError, match="already running"):  # it may be anybody's, of just now
            claim(tmp_path)
        os.utime(path, (1.0, 1.0))
        claim(tmp_path)
        release(tmp_path)

    def test_announced_while_it_lasts(self, tmp_path: Path) -> None:
        with announced(tmp_path):
            assert is_running(tmp_path)
            with pytest.raises(RunError):
                claim(tmp_path)
        assert not (tmp_path / PROCESS_NAME).exists()

    def test_what_is_claimed_is_announced_next(self, tmp_path: Path) -> None:
        claim(tmp_path)
        with announced(tmp_path):
            assert is_running(tmp_path)
        assert not is_running(tmp_path)
        release(tmp_path)
        release(tmp_path)

    def test_a_clock_that_steps_changes_nothing(self, tmp_path: Path) -> None:
        code = (
            "import sys; from pathlib import Path; from napari_medssl.runs.process import claim\n"
            "claim(Path(sys.argv[1])); print('mine', flush=True); sys.stdin.read()"
        )
        owner = subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        try:
            assert owner.stdout is not None
            assert owner.stdout.readline() == "mine\n"
            said = json.loads((tmp_path / PROCESS_NAME).read_text())
            os.utime(tmp_path / PROCESS_NAME, (1.0, 1.0))
            assert said["born"] != psutil.Process(owner.pid).create_time()  # ticks, which no clock moves
            assert is_running(tmp_path)
            with pytest.raises(RunError):
                claim(tmp_path)
        finally:
            owner.communicate()
        assert not is_running(tmp_path)  # its process ended: no need to wait for anything
        claim(tmp_path)
        release(tmp_path)


def test_of_two_starters_one_gets_the_run(project: Project, ended: Callable[[Handle], Handle]) -> None:
    run = quick_spec(project, "supervised", "raster", steps=LONG).run
    with ThreadPoolExecutor(3) as pool:
        tries = [pool.submit(ProcessDriver().start, project.root, run) for _ in range(3)]
    refused = [one.exception() for one in tries if one.exception() is not None]
    handles = [ended(one.result()) for one in tries if one.exception() is None]
    assert len(handles) == 1
    assert all(isinstance(error, RunError) and "already running" in str(error) for error in refused)
    assert "already running" not in (project.run_folder(run) / LOG_NAME).read_text()


def test_a_run_that_was_taken_over_elsewhere_writes_no_more(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """A computer that slept wakes up: two must not write one journal."""
    run = quick_spec(project, "supervised", "raster", steps=6).run
    folder = project.run_folder(run)
    with announced(folder):
        events = InlineDriver().run(project.root, run, heed=True)
        next(events)
        said = {"pid": 1, "host": "ward-7", "token": "theirs", "beat": 0, "machine": "ff"}
        (folder / PROCESS_NAME).write_text(json.dumps(said))
        ownership = owned_here(folder / PROCESS_NAME)
        assert ownership is not None
        ownership.beat()
        before = (folder / JOURNAL_NAME).read_bytes()
        last = list(events)
        assert [event.kind for event in last] == ["run-finished"]
        assert "ward-7" in getattr(last[0], "message", "")
        assert (folder / JOURNAL_NAME).read_bytes() == before
    assert read_process(folder)["host"] == "ward-7"  # type: ignore[index]


def test_an_ended_run_is_not_mistaken_for_its_next_life(project: Project) -> None:
    """While a run that was over is on its way again, its old last word does not count."""
    run = quick_spec(project, "supervised", "raster").run
    folder = project.run_folder(run)
    writer = JournalWriter(folder / JOURNAL_NAME)
    writer.write(RunStarted(run=run, task="train", method="supervised"))
    writer.write(RunFinished(reason="paused"))
    writer.close()
    handle = ProcessDriver().attach(project.root, run)
    assert handle.status().state == "paused"
    with announced(folder):
        assert handle.status().state == "waiting"
        writer = JournalWriter(folder / JOURNAL_NAME)
        writer.write(RunStarted(run=run, task="train", method="supervised"))
        writer.write(RunFinished(reason="completed"))
        writer.close()
        assert handle.status().state == "completed"
