"""Did the unlabelled scans help? Like is compared with like, noise is called noise, and what did worse is set aside."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from fixtures import finished, make_project, quick_spec, run_inline
from hypothesis import given
from hypothesis import strategies as st

from napari_medssl.nets.spec import NetSpec
from napari_medssl.project.audit import draw_audit
from napari_medssl.runs.champion import model_to_use
from napari_medssl.runs.champion import set_aside as aside_of
from napari_medssl.runs.events import (
    CheckpointSaved,
    RunEvent,
    RunFinished,
    RunStarted,
    Stepped,
    Validated,
    event_from_json,
    event_to_json,
)
from napari_medssl.runs.guard import Verdict, judge, judge_all
from napari_medssl.runs.history import PastRun, read_history
from napari_medssl.runs.margin import CASE_SPREAD, TIE, compare, margin_of
from napari_medssl.runs.outcome import Outcome, tell_outcome
from napari_medssl.runs.spec import LabelledCase, Plan

PLAN = Plan(NetSpec("unet", 3, 1, 3, (4, 8), ((1, 1, 1), (2, 2, 2))), (1.0, 1.0, 1.0), (16, 16, 16), 2)
HELD = tuple(f"held-{number}" for number in range(8))


def cases(*names: str, revision: str = "r1") -> frozenset[LabelledCase]:
    return frozenset(LabelledCase(name, revision) for name in names)


def measured(dice: float | Mapping[str, float], count: int = 8) -> Validated:
    """A measurement: the same Dice for each case of which there are `count`, or one by one."""
    by_case = dict.fromkeys(HELD[:count], dice) if isinstance(dice, float) else dict(dice)
    mean = sum(by_case.values()) / len(by_case)
    return Validated(step=100, dice={"a": mean}, mean=mean, cases=len(by_case), best=True, by_case=by_case)


def run(name: str, dice: Any = 0.8, **known: Any) -> PastRun:
    """A run that trained for ten minutes on four cases, measured on eight; named after its method."""
    deployed = dice if dice is None or isinstance(dice, Validated) else measured(dice)
    outcome = Outcome(trained=True, share=1.0, steps=500, deployed=deployed)
    usual: dict[str, Any] = {
        "task": "train", "method": name.split("-")[0], "preset": "auto", "device": "auto", "minutes": 10.0,
        "labelled": cases("a", "b", "c", "d"), "held_out": cases(*HELD), "plan": PLAN, "has_model": True,
        "outcome": outcome,
    }  # fmt: skip
    return PastRun(name, **usual | known)


def verdict(*runs: PastRun) -> Verdict:
    """On the first of the runs."""
    found = judge(runs[0], runs)
    assert found is not None
    return found


LABELS = run("supervised-002", 0.85)


class TestWhatIsSaid:
    def test_worse(self) -> None:
        said = verdict(run("bcp-001", 0.80), LABELS)
        assert (said.standing, said.against, said.dice, said.its_dice, said.cases) == (
            "worse", "supervised-002", pytest.approx(0.80), pytest.approx(0.85), 8,
        )  # fmt: skip
        assert said.is_worse
        assert said.text == (
            "Worse than labels only: Dice 0.800 on 8 held-out scans, supervised-002 0.850, each the best of its "
            "measurements. Trained for 10 min (500 steps); supervised-002 for 10 min (500 steps)."
        )

    def test_better_and_as_good(self) -> None:
        assert verdict(run("bcp-001", 0.88), LABELS).standing == "better"
        same = verdict(run("bcp-001", 0.851), LABELS)
        assert (same.standing, same.is_worse) == ("as good", False)
        assert f"(up to {same.margin:.3f} is chance)" in same.text

    def test_before_a_run_is_trained_nothing_is_said(self) -> None:
        young = run("bcp-001", outcome=Outcome(share=0.5, deployed=measured(0.2)))
        assert judge(young, [young, LABELS]) is None

    @pytest.mark.parametrize(
        "other",
        [
            run("pcrlv2-001"),
            LABELS,
            run("predict-003", task="predict", method="bcp", has_model=False),
            run("bcp-003", method="of-a-newer-version"),
        ],
    )
    def test_of_some_runs_there_is_nothing_to_say(self, other: PastRun) -> None:
        assert judge(other, [other, LABELS]) is None

    def test_nothing_held_out(self) -> None:
        said = verdict(run("bcp-001", None, held_out=frozenset()), LABELS)
        assert said.standing is None
        assert "no labelled scans were held out" in said.text
        assert not said.can_compare, "a training from labels only would tell nothing"

    def test_no_such_training_yet(self) -> None:
        said = verdict(run("bcp-001"))
        assert (said.standing, said.can_compare) == (None, True)
        assert "no such training yet" in said.text

    def test_a_beginning_that_knew_the_held_out_cases(self) -> None:
        first = run("bcp-001", labelled=cases("a", *HELD[:2], revision="r0"))
        said = judge(run("bcp-002", 0.9, start_from="bcp-001"), [first, LABELS, run("bcp-002", start_from="bcp-001")])
        assert said is not None
        assert said.standing is None
        assert "has learnt 2 scans that it is measured on" in said.text


class TestLikeWithLike:
    @pytest.mark.parametrize(
        "other",
        [
            {"labelled": cases("a", "b", "c")},
            {"labelled": cases("a", "b", "c", "d", revision="r2")},
            {"held_out": cases(*HELD[:-1])},
            {"held_out": cases(*HELD, revision="r2")},
            {"minutes": 12.0},
            {"minutes": 8.0},
            {"minutes": None},
            {"plan": dataclasses.replace(PLAN, device="cuda")},
            {"plan": dataclasses.replace(PLAN, spacing=(2.0, 2.0, 2.0))},
            {"plan": None},
            {"has_model": False},
            {"outcome": Outcome(trained=True, share=0.5, deployed=measured(0.9))},
            {"outcome": Outcome(trained=False, share=1.0, deployed=measured(0.9))},
            {"outcome": Outcome(trained=True, share=1.0)},
            {"method": "cdma"},
            {"task": "predict"},
            {"start_from": "bcp-000"},
        ],
    )
    def test_another_run_is_not_compared_with(self, other: dict[str, Any]) -> None:
        known = {"minutes": 10.0} | other
        assert verdict(run("bcp-001"), dataclasses.replace(LABELS, **known)).standing is None

    @pytest.mark.parametrize("minutes", [9.5, 10.9])
    def test_a_tenth_of_the_time_is_no_difference(self, minutes: float) -> None:
        assert verdict(run("bcp-001"), dataclasses.replace(LABELS, minutes=minutes)).standing == "worse"

    def test_steps_are_compared_with_steps(self) -> None:
        labels = dataclasses.replace(LABELS, minutes=None, plan=dataclasses.replace(PLAN, device="cuda"))
        assert verdict(run("bcp-001", minutes=None), labels).standing == "worse"
        fewer = dataclasses.replace(labels.outcome, steps=200)
        assert verdict(run("bcp-001", minutes=None), dataclasses.replace(labels, outcome=fewer)).standing is None

    def test_a_run_that_was_stopped_had_the_time_that_it_trained(self) -> None:
        half = dataclasses.replace(run("bcp-001").outcome, share=0.5)
        stopped = run("bcp-001", outcome=half)
        assert verdict(stopped, LABELS).standing is None
        assert verdict(stopped, dataclasses.replace(LABELS, minutes=5.0)).standing == "worse"

    def test_the_newest_of_several_is_compared_with(self) -> None:
        newer = run("supervised-009", 0.70)
        assert verdict(run("bcp-001"), LABELS, newer).against == "supervised-009"

    def test_the_whole_time_of_a_chain_counts_and_is_said(self) -> None:
        before = run("pcrlv2-001", None, minutes=5.0)
        chain = run("bcp-002", 0.80, start_from="pcrlv2-001")
        whole, last = run("supervised-003", 0.82, minutes=15.0), run("supervised-004", 0.85)
        said = judge(chain, [before, chain, whole, last])
        assert said is not None
        assert said.against == "supervised-003"
        assert "Trained for 10 min (500 steps) after 5 min of pcrlv2-001; supervised-003 for 15 min" in said.text
        said = judge(chain, [before, chain, last])  # that its last part alone had: better than no comparison
        assert said is not None
        assert said.against == "supervised-004"

    def test_a_run_with_the_same_beginning_is_like_it(self) -> None:
        before = run("pcrlv2-001", None, minutes=5.0)
        chain = run("bcp-002", 0.80, start_from="pcrlv2-001")
        same = run("supervised-003", 0.85, start_from="pcrlv2-001")
        other = run("supervised-004", 0.85, start_from="desd-000", minutes=10.0)
        assert judge(chain, [before, chain, other]).standing is None  # type: ignore[union-attr]
        said = judge(chain, [before, chain, same, other])
        assert said is not None
        assert (said.standing, said.against) == ("worse", "supervised-003")
        # and learning from labels with a pre-trained encoder used the unlabelled scans, too
        said = judge(same, [before, same, run("supervised-005", 0.9, minutes=15.0)])
        assert said is not None
        assert said.standing == "worse"

    def test_labels_only_may_have_gone_on_from_labels_only(self) -> None:
        first = run("supervised-001", 0.8, labelled=cases("a"), minutes=4.0)
        labels = run("supervised-002", 0.85, start_from="supervised-001", minutes=6.0)
        assert verdict(run("bcp-003"), first, labels).against == "supervised-002"


class TestNoise:
    def test_few_cases_need_a_large_difference(self) -> None:
        for number, standing in ((1, None), (2, "as good"), (4, "worse"), (8, "worse")):
            labels = run("supervised-002", measured(0.85, number), held_out=cases(*HELD[:number]))
            mine = run("bcp-001", measured(0.83, number), held_out=cases(*HELD[:number]))
            assert verdict(mine, labels).standing == standing, number

    def test_one_case_alone_marks_nothing(self) -> None:
        labels = dict.fromkeys(HELD, 0.85)
        assert verdict(run("bcp-001", labels | {HELD[0]: 0.05}), LABELS).standing == "as good"
        assert verdict(run("bcp-001", labels | dict.fromkeys(HELD[:2], 0.05)), LABELS).standing == "worse"

    def test_old_journals_without_cases_are_compared_by_their_means(self) -> None:
        old = dataclasses.replace(measured(0.80), by_case={})
        said = verdict(run("bcp-001", old), LABELS)
        assert said.standing == "worse"
        assert said.margin == pytest.approx(CASE_SPREAD / math.sqrt(8))

    def test_however_many_cases_a_tie_is_a_tie(self) -> None:
        assert margin_of([0.0] * 1000, 1000) == TIE
        assert compare(TIE, TIE) == compare(-TIE, TIE) == "as good"

    @given(st.lists(st.floats(-1, 1), min_size=1, max_size=20))
    def test_the_two_sides_mirror_each_other(self, differences: list[float]) -> None:
        mean = sum(differences) / len(differences)
        margin = margin_of(differences, len(differences))
        mirrored = {"better": "worse", "worse": "better", "as good": "as good"}
        assert margin == pytest.approx(margin_of([-d for d in differences], len(differences)))
        assert compare(-mean, margin) == mirrored[compare(mean, margin)]


def test_other_runs_are_judged_anew() -> None:
    runs = (run("bcp-001", 0.80), LABELS)
    assert judge_all(runs) == judge_all(runs)
    judge_all(runs).clear()
    assert judge_all(runs)["bcp-001"].is_worse
    assert not judge_all((run("bcp-001", 0.88), LABELS))["bcp-001"].is_worse


class TestWhichModelToUse:
    def names(self, *runs: PastRun) -> str | None:
        found = model_to_use(runs)
        return found and found.run

    def test_the_newest(self) -> None:
        assert self.names() is None
        assert self.names(run("bcp-001"), run("cdma-002")) == "cdma-002"
        assert self.names(run("bcp-001"), run("pcrlv2-002"), run("predict-003", task="predict")) == "bcp-001"
        assert self.names(run("bcp-001"), run("bcp-002", has_model=False)) == "bcp-001"

    def test_one_that_is_still_learning_only_where_there_is_no_other(self) -> None:
        young = run("bcp-002", outcome=Outcome())
        assert self.names(run("bcp-001"), young) == "bcp-001"
        assert self.names(young) == "bcp-002"

    def test_a_marked_run_never_by_itself(self) -> None:
        assert self.names(LABELS, run("bcp-003", 0.80)) == "supervised-002"
        assert self.names(run("bcp-001", 0.80), LABELS) == "supervised-002"

    def test_a_comparison_does_not_take_the_place_of_the_better_model(self) -> None:
        runs = (run("bcp-001", 0.90), LABELS)
        assert self.names(*runs) == "bcp-001"
        assert "bcp-001 did better" in aside_of(runs)["supervised-002"]

    def test_where_nothing_is_clear_the_newest(self) -> None:
        assert self.names(run("bcp-001", 0.851), LABELS) == "supervised-002"
        assert aside_of((run("bcp-001", 0.851), LABELS)) == {}

    def test_more_labels_begin_anew(self) -> None:
        more = cases("a", "b", "c", "d", "e")
        assert self.names(run("bcp-001", 0.90), LABELS, run("supervised-003", 0.80, labelled=more)) == "supervised-003"

    def test_of_three_the_best(self) -> None:
        runs = (LABELS, run("bcp-001", 0.90), run("cdma-003", 0.70))
        assert set(aside_of(runs)) == {"supervised-002", "cdma-003"}
        assert self.names(*runs) == "bcp-001"
        assert {name: said.standing for name, said in judge_all(runs).items()} == {
            "bcp-001": "better", "cdma-003": "worse",
        }  # fmt: skip

    @given(st.lists(st.tuples(st.sampled_from(["supervised", "bcp", "cdma"]), st.floats(0, 1)), min_size=1, max_size=6))
    def test_there_is_always_one_left(self, made: list[tuple[str, float]]) -> None:
        runs = [run(f"{method}-{number:03d}", dice) for number, (method, dice) in enumerate(made)]
        assert model_to_use(runs) is not None


class TestJournals:
    BEGIN = RunStarted(run="r", task="train", method="bcp")

    def stepped(self, step: int) -> Stepped:
        return Stepped(step=step, phase="p", losses={}, progress=step / 100, eta_seconds=1)

    def check(self, dice: float, best: bool) -> Validated:
        return Validated(step=1, dice={"a": dice}, mean=dice, cases=1, best=best)

    def test_the_model_on_disk_is_that_of_the_last_best_measurement(self) -> None:
        """A life that was lost may have measured better than the one that went on from its checkpoint."""
        said: list[RunEvent] = [self.BEGIN, self.stepped(50), self.check(0.9, True), self.check(0.7, False)]
        assert tell_outcome(said).deployed.mean == 0.9  # type: ignore[union-attr]
        said += [self.BEGIN, self.check(0.8, True), self.stepped(90), self.check(0.6, False)]
        outcome = tell_outcome(said)
        assert (outcome.deployed.mean, outcome.trained, outcome.share, outcome.steps) == (0.8, False, 0.9, 90)  # type: ignore[union-attr]
        said += [CheckpointSaved(step=91, path="m", deployed=True)]
        assert tell_outcome(said).trained
        assert not tell_outcome(said).completed
        said += [RunFinished(reason="completed", model="m")]
        assert tell_outcome(said).completed
        assert not tell_outcome([*said, self.BEGIN]).trained
        assert tell_outcome([*said, RunFinished(reason="discarded")]) == Outcome()

    def test_older_journals_know_no_cases(self) -> None:
        line = event_to_json(self.check(0.9, True)).replace(', "by_case": {}', "")
        assert "by_case" not in line
        assert event_from_json(line).by_case == {}  # type: ignore[attr-defined]


def test_real_runs_are_judged_by_what_they_say(tmp_path: Path) -> None:
    """Two trainings, one of which is kept from learning: their journals and specs tell all that it takes."""
    project = make_project(tmp_path, "raster", labelled=7, unlabelled=3)
    draw_audit(project, 0.4, seed=1)
    assert judge_all(read_history(project)) == {}
    labels = quick_spec(project, "supervised", "raster", steps=40)
    assert len(labels.held_out) >= 2
    spoilt = quick_spec(project, "bcp", "raster", steps=40, settings={"learning_rate": 1e-6})
    for spec in (spoilt, labels):
        events = run_inline(project, spec.run)
        assert finished(events).reason == "completed"
        last = [event for event in events if isinstance(event, Validated)][-1]
        assert last.by_case.keys() == {entry.case for entry in spec.held_out}
        assert sum(last.by_case.values()) / len(last.by_case) == pytest.approx(last.mean)
    history = read_history(project)
    (said,) = judge_all(history).values()
    assert (said.run, said.against, said.standing) == (spoilt.run, labels.run, "worse"), said.text
    assert model_to_use(history).run == labels.run  # type: ignore[union-attr]
