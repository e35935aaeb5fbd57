"""The journal survives crashes, and the status is nothing but a fold over it."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import attacks
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_medssl.runs.events import (
    EVENT_TYPES,
    CheckpointSaved,
    PhaseStarted,
    Previewed,
    Proposed,
    RunEvent,
    RunFinished,
    RunStarted,
    Stepped,
    Validated,
    Warned,
    event_from_json,
    event_to_json,
)
from napari_medssl.runs.journal import JournalReader, JournalWriter, replay, whole_length
from napari_medssl.runs.status import RunStatus, fold, lose, step, wait_again

numbers = st.floats(allow_nan=False)
words = st.text(max_size=20)
counts = st.integers(0, 10**6)
events = st.one_of(
    st.builds(RunStarted, at=numbers, run=words, task=words, method=words, phases=st.lists(words).map(tuple)),
    st.builds(PhaseStarted, at=numbers, phase=words, title=words, index=counts),
    st.builds(
        Stepped,
        at=numbers,
        step=counts,
        phase=words,
        losses=st.fixed_dictionaries({"total": numbers}, optional={"dice": numbers}),
        progress=numbers,
        eta_seconds=numbers,
    ),
    st.builds(
        Validated,
        at=numbers,
        step=counts,
        dice=st.dictionaries(words, numbers),
        mean=numbers,
        cases=counts,
        best=st.booleans(),
    ),
    st.builds(CheckpointSaved, at=numbers, step=counts, path=words, deployed=st.booleans()),
    st.builds(Previewed, at=numbers, case=words, step=counts, path=words, seconds=numbers),
    st.builds(Proposed, at=numbers, case=words, score=numbers, index=counts, total=counts),
    st.builds(Warned, at=numbers, message=words, case=st.none() | words),
    st.builds(RunFinished, at=numbers, reason=st.sampled_from(["completed", "failed", "paused"]), message=words),
)


@given(events)
def test_an_event_is_one_line_and_comes_back(event: RunEvent) -> None:
    line = event_to_json(event)
    assert "\n" not in line
    assert event_from_json(line) == event


def test_all_kinds_are_tried() -> None:
    assert len(EVENT_TYPES) == 9


def test_a_newer_version_may_say_more() -> None:
    raw = json.loads(event_to_json(Warned(message="hot"))) | {"temperature": 41}
    assert event_from_json(json.dumps(raw)) == Warned(at=raw["at"], message="hot")


@pytest.mark.parametrize("line", ["", "{", "[]", "{}", '{"kind": "gossip"}', "7"])
def test_other_lines_are_no_events(line: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - a JSON error is one, too
        event_from_json(line)


@given(st.lists(events, max_size=12), st.integers(0, 12))
def test_a_fold_in_two_parts_is_a_fold(said: list[RunEvent], at: int) -> None:
    assert fold(said[at:], fold(said[:at])) == fold(said)


def test_a_reader_follows_a_writer(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    reader, writer = JournalReader(path), None
    assert reader.read() == []
    writer = JournalWriter(path)
    said = [Warned(message=str(i)) for i in range(5)]
    for event in said[:3]:
        writer.write(event)
    assert reader.read() == said[:3]
    assert reader.read() == []
    for event in said[3:]:
        writer.write(event, durable=True)
    writer.close()
    assert reader.read() == said[3:]
    assert replay(path) == said


def test_half_a_line_waits_for_its_other_half(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    line = (event_to_json(Warned(at=1.0, message="so–so")) + "\n").encode()
    reader = JournalReader(path)
    for cut in (10, len(line) - 1):
        path.write_bytes(line[:cut])
        assert reader.read() == []
    path.write_bytes(line)
    assert reader.read() == [Warned(at=1.0, message="so–so")]


@pytest.mark.parametrize("torn", [b'{"kind": "war', b"\xff\xfe", b'{"kind": "warned", "message": "a"'])
def test_a_line_torn_by_a_crash_takes_no_other_with_it(tmp_path: Path, torn: bytes) -> None:
    path = tmp_path / "events.jsonl"
    before, after = Warned(message="before"), RunStarted(run="r", task="train", method="m")
    path.write_bytes(event_to_json(before).encode() + b"\n" + torn)
    writer = JournalWriter(path)
    writer.write(after)
    writer.close()
    reader = JournalReader(path)
    assert reader.read() == [before, after]
    assert reader.damaged == 0  # nothing is left of the torn one


def test_a_journal_of_one_torn_line_begins_anew(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"x" * 200_000)
    assert whole_length(path) == 0
    JournalWriter(path).close()
    assert path.read_bytes() == b""


def test_a_last_line_whose_end_has_a_turned_bit_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    said = [Warned(message=str(number)) for number in range(2)]
    for event in said:
        writer = JournalWriter(path)
        writer.write(event)
        writer.close()
        path.write_bytes(path.read_bytes()[:-1] + b"\x0b")
    JournalWriter(path).close()
    assert path.read_bytes().endswith(b"}\n")
    reader = JournalReader(path)
    assert (reader.read(), reader.damaged, reader.offset) == (said, 0, whole_length(path))


def test_nothing_of_an_event_is_left_that_the_disk_did_not_take(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    said = [Warned(message=str(number)) for number in range(3)]
    full = attacks.load("faulty").Disk(tmp_path, 2, stays=False)  # the file is made, one event is written
    with full:
        writer = JournalWriter(path)
        writer.write(said[0])
        with pytest.raises(OSError, match="No space left"):
            writer.write(said[1])
        writer.write(said[2])
        writer.close()
    reader = JournalReader(path)
    assert reader.read() == [said[0], said[2]]
    assert reader.damaged == 0


def stepped(at: int) -> Stepped:
    return Stepped(at=100.0 + at, step=at, phase="p", losses={"total": 1 / at}, progress=at / 10, eta_seconds=10 - at)


def test_the_status_of_a_whole_run() -> None:
    begin = RunStarted(at=100.0, run="r", task="train", method="m", phases=("one", "two"))
    phase = PhaseStarted(at=100.0, phase="p", title="one", index=0)
    said: list[RunEvent] = [begin, phase, stepped(1), stepped(2)]
    status = fold(said)
    assert (status.state, status.phase_title, status.step, status.progress) == ("running", "one", 2, 0.2)
    assert [(p.step, p.seconds, p.value) for p in status.loss] == [(1, 1.0, 1.0), (2, 2.0, 0.5)]
    for mean, best in ((0.5, 0.5), (0.7, 0.7), (0.6, 0.7)):
        status = step(status, Validated(step=2, dice={"a": mean}, mean=mean, cases=1, best=mean == best))
        assert status.best_dice == best
    status = step(status, CheckpointSaved(step=2, path="c"))
    assert (status.checkpoint, status.model) == ("c", None)
    status = step(status, CheckpointSaved(step=2, path="m", deployed=True))
    assert status.model == "m"
    assert not status.is_over
    status = step(status, RunFinished(reason="completed", message="done", model="m"))
    assert status.is_over
    assert (status.state, status.progress, status.eta_seconds, status.message) == ("completed", 1.0, None, "done")


def test_a_run_that_goes_on_says_again_only_what_comes_after_its_checkpoint() -> None:
    begin = RunStarted(at=100.0, run="r", task="train", method="m")
    again = dataclasses.replace(begin, resumed_step=2)
    warned = Warned(message="few labels")
    first = [begin, warned, *map(stepped, (1, 2, 3, 4))]
    status = fold([*first, again, warned, stepped(3)])
    assert [p.step for p in status.loss] == [1, 2, 3]
    assert status.warnings == ("few labels",)
    assert (status.state, status.step) == ("running", 3)


def test_lost_and_waiting_again() -> None:
    running = fold([RunStarted(run="r", task="train", method="m"), stepped(3)])
    assert lose(running, "killed").state == "lost"
    assert lose(running, "killed").is_over
    paused = step(running, RunFinished(reason="paused"))
    assert wait_again(paused).state == "waiting"
    assert not wait_again(paused).is_over
    assert wait_again(paused).loss == running.loss
    assert RunStatus().state == "waiting"
