"""Runs that stand in line: the second begins with the first's model, in the same process, whatever happens between."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fixtures import finished, make_project, quick, run_inline

from napari_medssl.errors import RunError, SpecError
from napari_medssl.inference.model import MODEL
from napari_medssl.project import Project
from napari_medssl.runs.drivers import Handle, ProcessDriver
from napari_medssl.runs.events import RunFinished, RunStarted
from napari_medssl.runs.journal import JOURNAL_NAME, JournalWriter, replay
from napari_medssl.runs.line import run_in_front, take_turn
from napari_medssl.runs.outlook import Wish
from napari_medssl.runs.process import announced, is_running, read_process
from napari_medssl.runs.request import make_line
from napari_medssl.runs.spec import RunSpec, read_spec, spec_from_json, spec_to_json
from napari_medssl.runs.stop import request_stop, withdraw_stop

LONG = 1_000_000  # steps: never reached
PATIENCE = 200.0
SETTINGS = {name: value for name, value in quick("raster").items() if name not in ("ema", "learning_rate")}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return make_project(tmp_path, "raster", labelled=2, unlabelled=3)


def line(project: Project, *, first: int = 6, second: int = 6, **asked: Any) -> tuple[RunSpec, RunSpec]:
    """PCRLv2, then learning from labels: tiny networks, so many steps."""
    wishes = [
        Wish("pcrlv2", steps=first, device="cpu", settings=SETTINGS),
        Wish("supervised", steps=second, device="cpu", settings=SETTINGS),
    ]
    one, two = make_line(project, wishes, **{"propose": (), **asked})
    return one, two


def status(project: Project, spec: RunSpec) -> Any:
    return ProcessDriver().attach(project.root, spec.run).status()


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


def test_a_line_is_two_specs_that_know_each_other(project: Project) -> None:
    one, two = line(project)
    assert (one.run, two.run) == ("pcrlv2-001", "supervised-002")
    assert (one.then, one.start_from) == (two.run, None)
    assert (two.then, two.start_from) == (None, one.run)
    for spec in (one, two):
        assert read_spec(project.run_folder(spec.run)) == spec
    assert run_in_front(project.run_folder(two.run)) == one.run
    assert run_in_front(project.run_folder(one.run)) is None


def test_a_line_of_one_is_a_run_and_a_method_that_cannot_run_reserves_nothing(project: Project) -> None:
    (alone,) = make_line(project, [Wish("supervised", minutes=2.0)])
    assert (alone.then, alone.start_from, alone.budget.minutes) == (None, None, 2.0)
    before = project.runs()
    with pytest.raises(SpecError, match="knob"):
        make_line(project, [Wish("pcrlv2"), Wish("supervised", settings={"knob": 1})])
    assert project.runs() == before


def test_specs_from_before_there_were_lines_are_read(project: Project) -> None:
    one, _ = line(project)
    raw = json.loads(spec_to_json(one))
    del raw["then"]
    assert spec_from_json(json.dumps(raw)).then is None


def test_one_process_does_both_and_outlives_its_starter(project: Project, ended: Callable[[Handle], Handle]) -> None:
    one, two = line(project, propose=("case-2",))
    first = ended(ProcessDriver().start(project.root, one.run))
    second = ended(ProcessDriver().attach(project.root, two.run))
    seen = {second.status().state}
    while not (now := second.status()).is_over:
        seen.add(now.state)
        assert now.started is not None or now.waits_for in (one.run, "")
        time.sleep(0.02)
    assert now.state == "completed", now.message
    assert seen <= {"waiting", "running"}
    assert first.status().state == "completed"
    said = replay(project.run_folder(one.run) / JOURNAL_NAME)
    assert isinstance(said[0], RunStarted)
    assert said[0].then == two.run
    assert now.step == 6
    nets = [read_spec(project.run_folder(spec.run)).plan.net for spec in (one, two)]  # type: ignore[union-attr]
    assert nets[0].widths == nets[1].widths == tuple(SETTINGS["widths"])
    assert project.case("case-2").latest_proposal().run == two.run  # type: ignore[union-attr]
    wait_for(lambda: not is_running(project.run_folder(two.run)))


def test_the_second_is_waiting_while_the_first_learns_and_a_pause_keeps_it_so(
    project: Project, ended: Callable[[Handle], Handle]
) -> None:
    one, two = line(project, first=LONG)
    first = ended(ProcessDriver().start(project.root, one.run))
    wait_for(lambda: first.status().step > 0)
    now = status(project, two)
    assert (now.state, now.waits_for, now.is_over) == ("waiting", one.run, False)
    assert now.message == f"Begins when {one.run} is done."
    first.stop("pause")
    assert first.wait(PATIENCE).state == "paused"
    assert not is_running(project.run_folder(two.run))
    now = status(project, two)
    assert (now.state, now.waits_for) == ("waiting", one.run)
    assert "paused: resume that one" in now.message

    again = ended(ProcessDriver().start(project.root, one.run))
    second = ended(ProcessDriver().attach(project.root, two.run))
    wait_for(lambda: again.status().state == "running")
    again.stop("keep")  # enough of that: the second begins
    assert second.wait(0).state in ("waiting", "running")
    wait_for(lambda: second.status().is_over)
    assert second.status().state == "completed", second.status().message
    assert again.status().state == "stopped"
    assert (project.run_folder(two.run) / MODEL).exists()


def test_killed_between_the_two_the_second_is_lost_and_resumed(project: Project) -> None:
    """The first is done, and its process died before it took the next turn."""
    one, two = line(project)
    with announced(project.run_folder(one.run)):
        assert finished(run_inline(project, one.run)).reason == "completed"
        assert status(project, two).state == "waiting", "the process in front still lives"
    now = status(project, two)
    assert (now.state, now.waits_for) == ("lost", "")
    assert "Resume it to begin" in now.message
    assert finished(run_inline(project, two.run)).reason == "completed"
    assert status(project, two).state == "completed"


def test_killed_as_soon_as_the_first_is_done(project: Project, ended: Callable[[Handle], Handle]) -> None:
    """Somewhere between the last word of the first run and the end of the second: resuming the second is enough."""
    one, two = line(project, second=LONG)
    first = ended(ProcessDriver().start(project.root, one.run))
    pid = read_process(project.run_folder(one.run))["pid"]  # type: ignore[index]
    wait_for(lambda: first.status().state == "completed")
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: status(project, two).state == "lost")
    second = ended(ProcessDriver().start(project.root, two.run))
    wait_for(lambda: second.status().step > 0)
    second.stop("keep")
    assert second.wait(PATIENCE).state == "stopped"
    assert first.status().state == "completed"


def ended_as(project: Project, spec: RunSpec, reason: Any) -> None:
    """The journal of a run that ended so."""
    writer = JournalWriter(project.run_folder(spec.run) / JOURNAL_NAME)
    writer.write(RunStarted(run=spec.run, task="train", method=spec.method, then=spec.then))
    writer.write(RunFinished(reason=reason, model=MODEL))
    writer.close()


def test_discarding_the_first_takes_the_second_with_it(project: Project) -> None:
    one, two = line(project)
    ended_as(project, one, "discarded")
    now = status(project, two)
    assert (now.state, now.is_over) == ("discarded", True)
    assert one.run in now.message


def test_a_failure_of_the_first_begins_nothing(project: Project) -> None:
    one, two = line(project)
    for case in project.cases():
        case.images[0].unlink()
    assert take_turn(project.root, one.run, finished(run_inline(project, one.run)).reason) is None
    assert "failed: resume that one" in status(project, two).message


class TestTurns:
    @pytest.mark.parametrize("state", ["paused", "failed", "discarded", "lost", "running", "waiting"])
    def test_only_a_run_that_left_a_model_lets_the_next_begin(self, project: Project, state: str) -> None:
        one, two = line(project)
        assert take_turn(project.root, one.run, state) is None
        assert not is_running(project.run_folder(two.run))

    @pytest.mark.parametrize("state", ["completed", "stopped"])
    def test_the_next_is_claimed_before_the_first_is_let_go(self, project: Project, state: str) -> None:
        one, two = line(project)
        assert take_turn(project.root, one.run, state) == two.run
        assert is_running(project.run_folder(two.run))
        assert take_turn(project.root, two.run, state) is None

    def test_one_that_another_process_has_is_left_alone(self, project: Project) -> None:
        one, two = line(project)
        with announced(project.run_folder(two.run)), pytest.raises(RunError, match="already running"):
            take_turn(project.root, one.run, "completed")

    def test_a_second_life_of_the_first_does_not_begin_the_second_again(self, project: Project) -> None:
        one, two = line(project)
        ended_as(project, two, "paused")
        assert take_turn(project.root, one.run, "completed") is None
        assert status(project, two).state == "paused"

    @pytest.mark.parametrize("how", ["pause", "discard"])
    def test_a_wish_to_stop_that_came_too_late_for_the_first_still_counts(self, project: Project, how: Any) -> None:
        one, two = line(project)
        request_stop(project.run_folder(one.run), how)
        assert take_turn(project.root, one.run, "completed") is None
        withdraw_stop(project.run_folder(one.run))
        request_stop(project.run_folder(one.run), "keep")
        assert take_turn(project.root, one.run, "completed") == two.run

    def test_what_was_labelled_meanwhile_is_learnt_from(self, project: Project) -> None:
        one, two = line(project)
        drawn = project.case("case-0").read_labels()
        assert drawn is not None
        project.case("case-2").save_labels(drawn.array, author="t", origin="drawn")
        take_turn(project.root, one.run, "completed")
        spec = read_spec(project.run_folder(two.run))
        assert {entry.case for entry in spec.labelled} == {"case-0", "case-1", "case-2"}
        assert spec.unlabelled == ("case-3", "case-4")
        assert (spec.start_from, spec.settings) == (two.start_from, two.settings)

    def test_what_was_asked_for_stays_where_nothing_could_be_learnt_any_more(self, project: Project) -> None:
        one, two = line(project)
        for name in ("case-0", "case-1"):
            project.case(name).exclude("blurred")
        take_turn(project.root, one.run, "completed")
        assert read_spec(project.run_folder(two.run)) == two
