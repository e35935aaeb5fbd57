"""Runs of a day: what their journals cost does not grow with what was read before. Work is counted, not seconds."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from fixtures import make_project, quick_spec
from hypothesis import given
from hypothesis import strategies as st

from napari_medssl.runs import digest, journal
from napari_medssl.runs.digest import read_digest
from napari_medssl.runs.drivers import ProcessDriver
from napari_medssl.runs.events import (
    CheckpointSaved,
    Proposed,
    RunEvent,
    RunFinished,
    RunStarted,
    Stepped,
    Validated,
    Warned,
)
from napari_medssl.runs.history import read_history
from napari_medssl.runs.journal import JOURNAL_NAME, JournalReader, JournalWriter, replay
from napari_medssl.runs.outcome import tell_outcome
from napari_medssl.runs.pace import measure
from napari_medssl.runs.skim import FEW, POINTS, skim
from napari_medssl.runs.status import fold
from napari_medssl.runs.trail import Trail, plus, thinned

BEGIN = 1000.0
HOURS = 1.0


@pytest.fixture(scope="module")
def long_events() -> list[RunEvent]:
    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "benchmarks"))
    try:
        return list(importlib.import_module("journals").events(HOURS, BEGIN))
    finally:
        sys.path.pop(0)


@pytest.fixture
def path(tmp_path: Path, long_events: list[RunEvent]) -> Path:
    return write(tmp_path / JOURNAL_NAME, long_events)


def write(path: Path, said: list[RunEvent]) -> Path:
    writer = JournalWriter(path)
    for event in said:
        writer.write(event)
    writer.close()
    return path


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many lines each call of the parser had."""
    parse: Callable[[Any], Any] = journal._parse
    counts: list[int] = []

    def counting(lines: Any) -> Any:
        lines = list(lines)
        counts.append(len(lines))
        return parse(lines)

    monkeypatch.setattr(journal, "_parse", counting)
    return counts


def test_a_long_journal_is_read_once_and_then_only_what_is_new(path: Path, parsed: list[int]) -> None:
    first = read_digest(path)
    assert first.status.step == HOURS * 7200
    once = sum(parsed)
    assert once < HOURS * 7200 / 2, "not every step matters"
    parsed.clear()
    assert read_digest(path) is first
    assert parsed == []
    for turn in range(3):
        write(path, [Stepped(at=9e9, step=20_000 + turn, phase="p", losses={}, progress=0.5, eta_seconds=1.0)])
        status = read_digest(path).status
        assert status.step == 20_000 + turn
        assert len(status.loss) == len(first.status.loss) + turn + 1
    assert parsed == [1, 1, 1]


def test_reading_a_journal_twice_as_long_is_at_most_twice_the_work(tmp_path: Path, parsed: list[int]) -> None:
    counts = []
    for hours in (2, 4):
        said = [
            Stepped(at=n / 2, step=n, phase="p", losses={"total": 1.0}, progress=0.1, eta_seconds=1.0)
            for n in range(1, hours * 7200)
        ]
        read_digest(write(tmp_path / f"{hours}.jsonl", said))
        counts.append(sum(parsed))
        parsed.clear()
    assert max(counts) <= POINTS + 10


def test_whoever_asks_of_a_run_shares_what_was_read(
    tmp_path: Path, long_events: list[RunEvent], parsed: list[int]
) -> None:
    """History, facts, lists and handles: of a run that is lost or stands in line, too."""
    from napari_medssl.ui.facts import read_facts

    project = make_project(tmp_path, "raster")
    run = quick_spec(project, "supervised", "raster").run
    write(project.run_folder(run) / JOURNAL_NAME, long_events)
    (past,) = read_history(project)
    assert past.outcome.steps == HOURS * 7200
    assert parsed.pop() > 0
    parsed.clear()
    for _ in range(3):
        assert ProcessDriver().attach(project.root, run).status().state == "lost"
        assert read_facts(project).runs[0].steps == HOURS * 7200
        assert read_history(project)[0].pace == past.pace
    assert sum(parsed) == 0


def test_skimming_loses_nothing_that_is_told(path: Path, long_events: list[RunEvent]) -> None:
    skimmed, whole = read_digest(path), fold(replay(path))
    assert len(replay(path)) == len(long_events)
    for name in ("step", "progress", "losses", "best_dice", "last_validated", "dice", "state", "seconds", "phase"):
        assert getattr(skimmed.status, name) == getattr(whole, name), name
    assert skimmed.outcome == tell_outcome(long_events)
    assert skimmed.pace.step_seconds == pytest.approx(measure(long_events).step_seconds)
    assert skimmed.pace.began == BEGIN
    told = skimmed.status.loss
    assert POINTS / 2 <= len(told) < len(whole.loss)
    assert (told[0], told[-1]) == (whole.loss[0], whole.loss[-1])
    assert set(told) <= set(whole.loss)
    assert max(b.step - a.step for a, b in pairwise(told)) <= 2 * len(whole.loss) / POINTS


def test_how_long_a_run_lived_survives_skimming(path: Path, long_events: list[RunEvent]) -> None:
    """A resumed run goes on from its checkpoint, whose second is that of a step before it."""
    at = 3000
    life = RunStarted(at=9e9, run="r", task="train", method="bcp", resumed_step=at)
    write(path, [life])
    assert fold(replay(path)).lived == fold([*long_events, life]).lived == at / 2
    assert read_digest(path).status.lived == at / 2


def test_short_journals_are_read_as_they_are() -> None:
    lines = [b'{"kind": "stepped", "step": 1}'] * FEW
    assert skim(lines) == lines
    assert len(skim([*lines, lines[0]])) < FEW / 2


def test_what_is_no_step_is_never_passed_over() -> None:
    step, word = b'{"kind": "stepped"}', b'{"kind": "warned"}'
    lines = [step] * 5000 + [word] * 3 + [step] * 5000 + [b"torn"]
    kept = skim(lines)
    assert kept.count(word) == 3
    at = kept.index(word)
    assert kept[at - 1] == step
    assert kept[-2:] == [step, b"torn"]
    begun = b'{"kind": "run-started"}'
    numbered = [b'{"kind": "stepped", "step": %d}' % number for number in range(9000)]
    kept = list(skim([*numbered[:5000], begun, *numbered[5000:]]))
    assert kept[kept.index(begun) - 1 :][:3] == [numbered[4999], begun, numbered[5000]]


def test_a_journal_that_was_replaced_is_read_from_its_beginning(path: Path) -> None:
    assert read_digest(path).status.step > 0
    other = path.with_name("other")
    write(other, [Warned(at=1.0, message="restored")])
    other.replace(path)
    assert list(read_digest(path).status.warnings) == ["restored"]
    assert read_digest(path).status.step == 0
    path.unlink()
    assert read_digest(path) == digest.Digest()


def test_half_a_line_is_waited_for(tmp_path: Path) -> None:
    path = write(tmp_path / JOURNAL_NAME, [Warned(at=1.0, message="one"), Warned(at=2.0, message="two")])
    whole = path.read_bytes()
    path.write_bytes(whole[:-9])
    assert list(read_digest(path).status.warnings) == ["one"]
    with open(path, "ab") as file:
        file.write(whole[-9:])
    assert list(read_digest(path).status.warnings) == ["one", "two"]


def test_more_journals_than_are_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digest, "MOST", 3)
    paths = [write(tmp_path / f"{n}.jsonl", [Warned(at=1.0, message=str(n))]) for n in range(6)]
    for _ in range(2):
        assert [list(read_digest(path).status.warnings) for path in paths] == [[str(n)] for n in range(6)]
    assert len(digest._readings) <= 3


def test_a_status_grows_without_being_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each event of a run touches one value, however many came before: nothing of a fold is quadratic."""
    made: list[int] = []
    monkeypatch.setattr(Trail, "__init__", lambda self, values=(): made.append(1) or _init(self, values))
    said: list[RunEvent] = [RunStarted(at=0.0, run="r", task="train", method="m")]
    for n in range(1, 400):
        said.append(Stepped(at=n, step=n, phase="p", losses={"total": 1.0}, progress=0.1, eta_seconds=1.0))
        said.append(Validated(at=n, step=n, dice={}, mean=0.5, cases=1, best=False))
        said.append(Proposed(at=n, case=str(n), score=0.1, index=n, total=400))
        said.append(Warned(at=n, message=str(n)))
        said.append(CheckpointSaved(at=n, step=n, path="c"))
    status = fold([*said, RunFinished(at=1.0, reason="completed")])
    assert [len(curve) for curve in (status.loss, status.dice, status.proposed, status.warnings)] == [399] * 4
    assert len(made) <= 8


_init = Trail.__init__


@given(st.lists(st.integers()), st.lists(st.integers(), min_size=1), st.lists(st.integers(), min_size=1))
def test_trails_are_values(start: list[int], one: list[int], other: list[int]) -> None:
    """Two that go on from the same one do not hear of each other."""
    begin = first = second = Trail(start)
    for value in one:
        first = first.plus(value)
    for value in other:
        second = plus(second, value)
    assert list(begin) == start
    assert list(first) == [*start, *one]
    assert list(second) == [*start, *other]
    assert first == tuple([*start, *one])
    assert (first == second) == (one == other)
    assert first[-1] == one[-1]
    assert first[::2] == tuple([*start, *one][::2])
    assert first[-3:] == tuple([*start, *one][-3:])
    assert first[::-1] == tuple([*start, *one][::-1])
    with pytest.raises(IndexError):
        begin[len(start)]


@given(st.integers(0, 5000), st.integers(2, 700))
def test_a_thinned_curve_keeps_its_ends(count: int, most: int) -> None:
    values = range(count)
    kept = list(thinned(values, most))
    assert len(kept) == min(count, most)
    assert kept == sorted(set(kept))
    if count:
        assert (kept[0], kept[-1]) == (0, count - 1)


def test_a_reader_can_go_on_where_another_one_was(path: Path) -> None:
    reader = JournalReader(path)
    assert len(reader.read()) > POINTS
    write(path, [Warned(at=1.0, message="new")])
    assert JournalReader(path, reader.offset).read() == reader.read() == [Warned(at=1.0, message="new")]
