"""The demo as a whole, small; and what happens when a part of it goes wrong."""

from __future__ import annotations

import json
import math

import pytest

from napari_medssl import cli
from napari_medssl.commands import demo as command
from napari_medssl.demo import contest, rounds
from napari_medssl.demo import run as demo_run
from napari_medssl.demo.report import verdict
from napari_medssl.demo.rounds import Outcome, Round
from napari_medssl.demo.setup import make_demo_project
from napari_medssl.errors import RunError
from napari_medssl.imaging import read_labels
from napari_medssl.project import Project
from napari_medssl.runs.events import RunFinished, RunStarted, Stepped
from napari_medssl.runs.status import fold
from napari_medssl.terminal.screen import Screen

CLASSES = {"liver", "spleen", "aorta"}


def test_two_full_rounds_leave_a_project_a_table_and_pictures(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(demo_run, "CASES", 8)
    out = tmp_path / "demo"
    assert cli.main(["demo", "--out", str(out), "--minutes", "0.05", "--headless", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)

    assert [(r["labelled"], r["unlabelled"]) for r in told["rounds"]] == [(3, 5), (6, 2)]
    for entry in told["rounds"]:
        assert set(entry["methods"]) == {"supervised", "bcp"}
        for found in entry["methods"].values():
            assert found["steps"] >= 1
            assert set(found["per_class"]) == CLASSES
            assert 0 <= found["dice"] <= 1
            assert math.isfinite(found["hd95"])
    assert len(told["rounds"][0]["corrected"]) == 3
    assert told["opened"] is False

    project = Project.open(told["project"])
    corrected = {entry["case"] for entry in told["rounds"][0]["corrected"]}
    for case in project.cases():
        latest = case.latest()
        if case.name in corrected:
            assert (latest.author, latest.origin, latest.run) == ("simulated reader", "corrected", "bcp-001")
            assert latest.dice_to_proposal is not None
        elif latest is None:
            assert {p.run for p in case.proposals()} == {"bcp-001", "bcp-002"}
            assert {"entropy", "disagreement"} == set(case.latest_proposal().maps)
        else:
            assert latest.author == "expert"
    twin = Project.open(out / "supervised-only")
    for name in corrected:  # the same labels for both, so that only the method differs
        assert (twin.case(name).read_labels().array == project.case(name).read_labels().array).all()

    page = (out / "report.md").read_text()
    assert "Round 1: 3 labelled" in page
    assert "| BCP | 6 |" in page
    assert all((out / "pictures" / name).is_file() for name in ("round-1.png", "round-2.png", "curves.png"))
    assert len(told["pictures"]) == 3


def outcome(method, dice, hd95):
    return Outcome(method, f"{method}-001", 10, 60.0, {"mean": {"dice": dice, "hd95": hd95, "nsd": 0.5}})


@pytest.mark.parametrize(("ours", "words"), [(0.8, "0.100 more than"), (0.6, "0.100 less than")])
def test_the_verdict_is_honest_either_way(ours, words):
    entry = Round(1, 3, 21, 1.5, {"supervised": outcome("supervised", 0.7, 9), "bcp": outcome("bcp", ours, 5)})
    assert words in verdict([entry])


def test_the_first_cases_are_labelled_and_audit_cases_set_aside(tmp_path):
    demo = make_demo_project(tmp_path, 5, 2, audit=1)
    cases = demo.project.cases()
    assert [c.status for c in cases] == ["labelled"] * 3 + ["new"] * 2
    assert [c.role for c in cases] == ["pool", "pool", "audit", "pool", "pool"]
    assert demo.unlabelled() == ["abdomen-04", "abdomen-05"]
    for case in cases[:3]:
        assert (case.read_labels().array == read_labels(demo.truth[case.name]).array).all()


def test_the_reader_takes_the_most_doubtful_cases_first(tmp_path):
    ours = make_demo_project(tmp_path, 5, 2)
    for name, score in (("abdomen-03", 0.2), ("abdomen-04", 0.9), ("abdomen-05", 0.5)):
        case = ours.project.case(name)
        truth = read_labels(ours.truth[name]).array
        case.save_proposal("bcp-001", truth * (truth != 2), {}, score, {})
    made = rounds.correct_doubtful(ours, [], 2)
    assert [c.case for c in made] == ["abdomen-04", "abdomen-05"]
    assert all(0.6 < c.dice < 0.7 for c in made)  # two of three classes were right
    assert ours.project.case("abdomen-03").latest() is None


class FakeHandle:
    """A run that tells its events one look at a time."""

    def __init__(self, run, batches):
        self.run, self.batches, self.seen, self.stopped = run, list(batches), [], []

    def events(self):
        fresh = self.batches.pop(0) if self.batches else []
        self.seen += fresh
        return fresh

    def status(self):
        return fold(self.seen)

    def is_alive(self):
        return bool(self.batches)

    def stop(self, how):
        self.stopped.append(how)


def life(run, reason):
    yield [RunStarted(run=run, task="train", method="bcp")]
    yield [Stepped(step=1, phase="one", losses={"total": 1.0}, progress=0.5, eta_seconds=1)]
    yield [RunFinished(reason=reason, message="memory ran out")]


@pytest.fixture
def started(monkeypatch, tmp_path):
    """Both methods of a contest, with handles instead of processes; gives a function that runs it."""
    monkeypatch.setattr(contest, "LOOK", 0.0)
    demo = make_demo_project(tmp_path, 5, 2)

    def run(**handles):
        class Driver:
            def start(self, root, name):
                return handles[name.split("-")[0]]

        monkeypatch.setattr("napari_medssl.runs.drivers.ProcessDriver", Driver)
        projects = dict.fromkeys(handles, demo.project)
        return contest.train_side_by_side(projects, 0.1, 0, {}, Screen(machine=True))

    return run


def test_both_are_followed_to_their_end(started):
    ends = started(
        supervised=FakeHandle("supervised-001", life("supervised-001", "completed")),
        bcp=FakeHandle("bcp-002", [[], [], *life("bcp-002", "completed")]),
    )
    assert {method: (run, status.state) for method, (run, status) in ends.items()} == {
        "supervised": ("supervised-001", "completed"),
        "bcp": ("bcp-002", "completed"),
    }


def test_when_one_fails_the_other_is_stopped_and_the_reason_told(started):
    failing = FakeHandle("bcp-002", life("bcp-002", "failed"))
    other = FakeHandle("supervised-001", [[]] * 1000)
    with pytest.raises(RunError, match="memory ran out"):
        started(supervised=other, bcp=failing)
    assert other.stopped == ["discard"]


def test_the_demo_never_writes_where_something_is(tmp_path, capsys, monkeypatch):
    mine = tmp_path / "mine.txt"
    mine.write_text("mine")
    assert cli.main(["demo", "--out", str(tmp_path)]) == 2
    assert "overwrites nothing" in capsys.readouterr().err
    assert [p.name for p in tmp_path.iterdir()] == ["mine.txt"]
    monkeypatch.chdir(tmp_path)
    assert command.free_folder(None).name == "medssl-demo"
    (tmp_path / "medssl-demo").mkdir()
    (tmp_path / "medssl-demo-2").mkdir()
    assert command.free_folder(None).name == "medssl-demo-3"


def test_napari_opens_only_where_there_is_a_screen(monkeypatch, tmp_path):
    opened = []
    monkeypatch.setattr(command.subprocess, "Popen", lambda words, **_: opened.append(words))
    monkeypatch.setattr("napari_medssl.demo.run.run_demo", lambda *_, **__: {"project": str(tmp_path)})
    monkeypatch.setattr(command.platform, "system", lambda: "Linux")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    for display, headless, count in (("", False, 0), (":0", True, 0), (":0", False, 1)):
        monkeypatch.setenv("DISPLAY", display)
        words = ["demo", "--out", str(tmp_path / "x"), *(["--headless"] if headless else [])]
        assert cli.main(words) == 0
        assert len(opened) == count, (display, headless)
    assert opened[0][-1] == str(tmp_path)
