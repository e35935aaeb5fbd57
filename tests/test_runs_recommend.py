"""What is recommended for a project: each rule by itself, and that what is recommended can be run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fixtures import make_project
from hypothesis import given
from hypothesis import strategies as st
from test_runs_outlook import past, stock

from napari_medssl.methods.catalog import CATALOG
from napari_medssl.runs.events import Validated
from napari_medssl.runs.history import PastRun
from napari_medssl.runs.outcome import Outcome
from napari_medssl.runs.outlook import Stock, look_ahead, take_stock
from napari_medssl.runs.recommend import RULES, Chain, foresee, recommend
from napari_medssl.runs.request import make_line
from napari_medssl.runs.spec import LabelledCase

TRAINED = Outcome(trained=True, share=1.0)


def done(run: str, **known: Any) -> PastRun:
    """A run that is over and has a model."""
    return past(run, **{"method": run.split("-")[0], "outcome": TRAINED} | known)


def methods(chain: Chain) -> list[str]:
    return [wish.method for wish in chain.wishes]


class TestMethod:
    @pytest.mark.parametrize(("labelled", "unlabelled"), [(1, 76), (1, 0), (4, 0), (4, 1)])
    def test_few_labels_or_nothing_else_means_labels_only(self, labelled: int, unlabelled: int) -> None:
        chain = recommend(stock(labelled=labelled, unlabelled=unlabelled), 60)
        assert methods(chain) == ["supervised"]
        assert chain.lines[0].startswith("Only 1 scan is labelled" if labelled == 1 else "There are")

    def test_otherwise_both(self) -> None:
        chain = recommend(stock(), 10)
        assert methods(chain) == ["bcp"]
        assert chain.lines == ("With 4 labelled and 76 unlabelled scans it pays to learn from both.",)
        assert (chain.last.minutes, chain.last.start_from) == (10, None)

    def test_the_usual_minutes_where_none_are_said(self) -> None:
        assert recommend(stock()).last.minutes == 10
        assert recommend(stock(), steps=50).last == replace(recommend(stock()).last, minutes=None, steps=50)

    def test_no_labels_at_all(self) -> None:
        chain = recommend(stock(labelled=0), 5)
        assert methods(chain) == ["pcrlv2"]
        assert "It makes no proposals" in chain.lines[0]
        assert foresee(stock(labelled=0), chain).can_run

    def test_no_labels_and_the_scans_are_known(self) -> None:
        there = stock(done("pcrlv2-001"), labelled=0)
        chain = recommend(there, 5)
        assert "what is missing now is labels" in chain.lines[0]
        lack = foresee(there, chain).lack
        assert lack is not None
        assert "Label 1 more scan" in lack.remedy


class TestBeforeLabels:
    def test_with_many_scans_and_minutes_they_are_learnt_first(self) -> None:
        chain = recommend(stock(), 30)
        assert methods(chain) == ["pcrlv2", "bcp"]
        assert [wish.minutes for wish in chain.wishes] == [10, 20]
        assert chain.title == "PCRLv2, then BCP"
        assert chain.lines[0].startswith("1. Learn from all scans before labelling – PCRLv2 (10 min): 76 unlabelled")
        assert chain.lines[1].startswith("2. Learn from labelled and unlabelled scans together – BCP (20 min): With 4")

    @pytest.mark.parametrize(
        ("minutes", "unlabelled", "device", "first"),
        [
            (RULES.before_minutes_cpu, RULES.before_unlabelled, "cpu", True),
            (RULES.before_minutes_cpu - 0.1, 500, "cpu", False),
            (500, RULES.before_unlabelled - 1, "cpu", False),
            (RULES.before_minutes_gpu, RULES.before_unlabelled, "cuda", True),
            (RULES.before_minutes_gpu - 0.1, RULES.before_unlabelled, "cuda", False),
            (RULES.before_minutes_gpu, RULES.before_unlabelled, "auto", False),
        ],
    )
    def test_where_it_pays(self, minutes: float, unlabelled: int, device: str, first: bool) -> None:
        chain = recommend(stock(unlabelled=unlabelled), minutes, device=device)
        assert methods(chain) == (["pcrlv2", "bcp"] if first else ["bcp"])
        assert {wish.device for wish in chain.wishes} == {device}

    def test_a_gpu_that_a_run_has_used_is_known(self) -> None:
        there = past("desd-001", method="desd", has_model=False)
        assert there.plan is not None
        on_gpu = replace(there, plan=replace(there.plan, device="cuda"))
        assert methods(recommend(stock(there), 5)) == ["bcp"]
        assert methods(recommend(stock(on_gpu), 5)) == ["pcrlv2", "bcp"]

    def test_its_part_of_many_minutes_is_bounded(self) -> None:
        assert [wish.minutes for wish in recommend(stock(), 600).wishes] == [RULES.before_most, 600 - RULES.before_most]

    def test_once_is_enough(self) -> None:
        chain = recommend(stock(done("pcrlv2-001")), 60)
        assert methods(chain) == ["bcp"]
        assert chain.last.start_from == "pcrlv2-001"
        assert "It begins with pcrlv2-001" in chain.lines[0]
        assert recommend(stock(done("pcrlv2-001"), labelled=1), 60).last.start_from == "pcrlv2-001"

    @pytest.mark.parametrize(
        "other", [{"has_model": False}, {"outcome": Outcome()}, {"plan": None}, {"method": "desd"}]
    )
    def test_one_that_cannot_be_begun_with_does_not_count(self, other: dict[str, Any]) -> None:
        assert methods(recommend(stock(done("pcrlv2-001", **other)), 60)) == ["pcrlv2", "bcp"]

    def test_one_of_other_channels_does_not_count(self) -> None:
        assert methods(recommend(stock(done("pcrlv2-001"), channels=2), 60)) == ["pcrlv2", "bcp"]


class TestGoingOn:
    @staticmethod
    def labelled(count: int) -> frozenset[LabelledCase]:
        return frozenset(LabelledCase(f"case-{number}", "r1") for number in range(count))

    def test_with_the_model_to_use_when_labels_grew(self) -> None:
        before = done("bcp-001", labelled=self.labelled(2))
        chain = recommend(stock(before, done("pcrlv2-002")), 60)
        assert (methods(chain), chain.last.start_from) == (["bcp"], "bcp-001")
        assert "goes on with bcp-001: 2 more scans labelled since" in chain.lines[0]

    def test_when_they_did_not_it_says_what_to_expect(self) -> None:
        chain = recommend(stock(done("bcp-001", labelled=self.labelled(4))), 60)
        assert chain.last.start_from == "bcp-001"
        assert "expect little" in chain.lines[0]

    def test_held_out_cases_are_labelled_cases(self) -> None:
        before = done("bcp-001", labelled=self.labelled(7))
        assert "1 more scan labelled" in recommend(stock(before, labelled=6, held_out=2), 60).lines[0]

    def test_not_with_a_marked_one(self) -> None:
        def measured(dice: float) -> Outcome:
            deployed = Validated(step=1, dice={"a": dice}, mean=dice, cases=9, best=True)
            return replace(TRAINED, deployed=deployed, steps=10)

        held = frozenset({LabelledCase("held", "r1")})
        worse = done("bcp-002", labelled=self.labelled(4), held_out=held, outcome=measured(0.5))
        labels = done("supervised-001", labelled=self.labelled(4), held_out=held, outcome=measured(0.8))
        assert recommend(stock(labels, worse), 10).last.start_from == "supervised-001"

    def test_not_with_one_that_does_not_fit(self) -> None:
        assert recommend(stock(done("bcp-001"), classes=5), 10).last.start_from is None


class TestForesight:
    def test_it_tells_the_time_of_all_and_what_the_last_would_use(self) -> None:
        ahead = foresee(stock(), recommend(stock(), 30))
        assert ahead.title == "Recommended: PCRLv2, then BCP"
        assert ahead.time.startswith("30 min of training, then 76 proposals")
        assert ahead.uses == "4 labelled, 76 unlabelled scans"
        alone = recommend(stock(), 10)
        assert foresee(stock(), alone) == replace(
            look_ahead(stock(), alone.last), title="Recommended: " + CATALOG["bcp"].title, not_when=""
        )

    @given(
        st.integers(0, 30),
        st.integers(0, 60),
        st.integers(0, 3),
        st.floats(0.1, 1000),
        st.sampled_from(["cpu", "cuda"]),
    )
    def test_a_project_with_scans_to_learn_from_always_has_a_way(
        self, labelled: int, unlabelled: int, classes: int, minutes: float, device: str
    ) -> None:
        there = Stock(labelled, unlabelled, unfinished=unlabelled, classes=classes, ndim=2)
        chain = recommend(there, minutes, device=device)
        assert sum(wish.minutes or 0 for wish in chain.wishes) == pytest.approx(minutes)
        assert all(wish.minutes and wish.minutes > 0 for wish in chain.wishes)
        possible = (labelled > 0 and classes > 0) or (labelled == 0 and unlabelled > 1)
        assert foresee(there, chain).can_run == possible
        assert len(chain.lines) == len(chain.links)


@pytest.mark.parametrize(("labelled", "unlabelled", "minutes"), [(0, 3, 5), (1, 3, 5), (3, 3, 5), (3, 20, 40)])
def test_what_is_recommended_is_taken(tmp_path: Path, labelled: int, unlabelled: int, minutes: float) -> None:
    project = make_project(tmp_path, "raster", labelled=labelled, unlabelled=unlabelled)
    chain = recommend(take_stock(project), minutes)
    specs = make_line(project, chain.wishes)
    assert [spec.method for spec in specs] == methods(chain)
    assert sum(spec.budget.minutes or 0 for spec in specs) == pytest.approx(minutes)
