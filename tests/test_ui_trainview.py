"""The Train page from what was chosen and what is there: pure, so tested as such."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from test_runs_guard import cases, run
from test_runs_outlook import NET, PLAN, past, stock

from napari_medssl.methods.catalog import CATALOG, method_info
from napari_medssl.runs.outlook import GROUPS, Stock
from napari_medssl.runs.pace import Pace
from napari_medssl.runs.recommend import RECOMMENDED, foresee, recommend
from napari_medssl.ui.trainview import SCRATCH, Intent, TrainView, train_view

EMPTY = Stock(unlabelled=3, unfinished=3, ndim=2)


def view(there: Stock, intent: Intent | None = None, running: bool = False, **chosen: Any) -> TrainView:
    return train_view(there, {"bcp-001": 0.7}, intent or Intent(**{"method": "bcp"} | chosen), ("auto", "cpu"), running)


def test_methods_come_in_groups() -> None:
    recommended, *choices = view(stock()).methods
    assert (recommended.name, recommended.group) == (RECOMMENDED, "")
    assert {choice.name for choice in choices} == set(CATALOG)
    groups = [choice.group for choice in choices]
    assert list(dict.fromkeys(groups)) == list(GROUPS.values())
    assert groups == sorted(groups, key=list(GROUPS.values()).index)
    for choice in choices:
        assert choice.group == GROUPS[CATALOG[choice.name].kind]


@pytest.mark.parametrize(
    ("there", "able", "first"),
    [
        (EMPTY, {"desd", "pcrlv2"}, "pcrlv2"),
        (stock(labelled=1, unlabelled=0), {"supervised"}, "supervised"),
        (stock(labelled=2, unlabelled=1), {"supervised", "cdma", "desd", "pcrlv2"}, "supervised"),
        (stock(), set(CATALOG), "bcp"),
    ],
)
def test_what_is_recommended_is_offered_first(there: Stock, able: set[str], first: str) -> None:
    shown = view(there, method=None)
    assert {choice.name for choice in shown.methods if not choice.blocked} == able | {RECOMMENDED}
    assert (shown.method, shown.wish.method) == (RECOMMENDED, first)
    assert shown.can_train
    assert not shown.is_free


def test_a_recommended_chain_is_shown_as_it_will_be_run() -> None:
    there = stock()
    shown = view(there, method=RECOMMENDED, minutes=30.0, preset="paper", settings={"batch": 2}, start_from="bcp-009")
    chain = recommend(there, 30)
    assert shown.wishes == chain.wishes, "what goes with one method is not heeded"
    assert shown.why == chain.lines
    assert shown.outlook == foresee(there, chain)
    assert [start.title for start in shown.starts] == ["The run before it"]
    named = view(there, method="bcp", minutes=30.0)
    assert (named.why, named.is_free, len(named.wishes)) == ((), True, 1)


def test_what_is_recommended_may_be_blocked_too() -> None:
    shown = view(Stock(), method=None)
    assert not shown.can_train
    assert shown.methods[0].blocked == "2 scans needed, none there. Add scans."


class TestMarked:
    WORSE, LABELS = run("bcp-003", 0.5), run("supervised-002", 0.9)

    def test_a_marked_model_says_so_and_is_chosen_by_people_only(self) -> None:
        there = stock(run("bcp-001", 0.5, labelled=cases("x")), self.LABELS, self.WORSE, ndim=3)
        shown = train_view(there, {"bcp-003": 0.5}, Intent("bcp"), ("auto",), False)
        assert shown.wish.start_from == "supervised-002"
        marked = next(start for start in shown.starts if start.run == "bcp-003")
        assert marked.title == "⚠ bcp-003 (Dice 0.50, worse than labels only)"
        assert marked.verdict.startswith("Worse than labels only")
        assert not marked.blocked
        named = train_view(there, {}, Intent("bcp", start_from="bcp-003"), ("auto",), False)
        assert named.wish.start_from == "bcp-003"

    def test_labels_only_begins_by_itself_with_labels_only(self) -> None:
        there = stock(run("bcp-001", 0.9), ndim=3)
        assert train_view(there, {}, Intent("supervised"), ("auto",), False).wish.start_from is None
        assert train_view(there, {}, Intent("bcp"), ("auto",), False).wish.start_from == "bcp-001"
        there = stock(self.LABELS, run("pcrlv2-000"), run("bcp-001", 0.9), ndim=3)
        assert train_view(there, {}, Intent("supervised"), ("auto",), False).wish.start_from == "pcrlv2-000"


def test_a_method_that_cannot_run_can_be_looked_at() -> None:
    shown = view(EMPTY, method="bcp")
    assert shown.outlook is not None
    assert not shown.can_train
    assert not shown.outlook.can_run
    assert str(shown.outlook.lack) in {choice.blocked for choice in shown.methods}


def test_looking_at_scans_needs_no_labels_and_no_structures() -> None:
    for name in ("desd", "pcrlv2"):
        shown = view(EMPTY, method=name)
        assert shown.can_train
        assert shown.wish.start_from is None


def test_one_training_at_a_time() -> None:
    shown = view(stock(), running=True)
    assert not shown.can_train
    assert "One training at a time" in shown.hint
    assert view(stock()).hint == "BCP · 4 labelled, 76 unlabelled scans · 10 min"
    assert view(EMPTY, method="bcp").hint == "", "it cannot run"


def test_training_begins_with_the_newest_model_that_fits() -> None:
    runs = (
        past("bcp-001"),
        past("desd-002", method="desd"),
        past("predict-003", task="predict"),
        past("bcp-004", has_model=False),
    )
    shown = view(stock(*runs))
    assert [choice.run for choice in shown.starts] == ["", "desd-002", "bcp-001"]
    assert shown.starts[1].title == "desd-002 (before labelling)"
    assert "Dice 0.70" in shown.starts[2].title
    assert shown.wish.start_from == "desd-002"
    assert view(stock(*runs), start_from="bcp-001").wish.start_from == "bcp-001"
    assert view(stock(*runs), start_from=SCRATCH).wish.start_from is None
    assert view(stock(*runs), method="desd").wish.start_from is None
    assert view(stock(*runs), method="pcrlv2").wish.start_from is None


def test_a_model_that_does_not_fit_says_why_and_is_not_taken() -> None:
    there = replace(stock(past("bcp-001")), classes=5)
    shown = view(there)
    assert "knows 2 classes" in shown.starts[1].blocked
    assert shown.wish.start_from is None
    assert shown.can_train


def test_a_published_recipe_begins_with_another_network_only_where_a_person_says_so() -> None:
    there = stock(past("bcp-001"))
    published = view(there, preset="paper")
    assert not published.starts[1].blocked
    assert published.wish.start_from is None
    assert published.outlook is not None
    assert not published.outlook.departs
    chosen = view(there, preset="paper", start_from="bcp-001")
    assert chosen.wish.start_from == "bcp-001"
    assert chosen.outlook is not None
    assert chosen.outlook.departs.startswith("As published but for the network")
    recipe = method_info("bcp").paper(2)
    strides = tuple(map(tuple, recipe["strides"]))
    net = replace(NET, architecture=recipe["architecture"], widths=tuple(recipe["widths"]), strides=strides)
    own = past("desd-002", method="desd", plan=replace(PLAN, net=net, normalisation=recipe["normalisation"]))
    assert view(stock(own), preset="paper").wish.start_from == "desd-002"


def test_the_form_shows_what_is_usual_for_the_choice() -> None:
    info = method_info("bcp")
    assert view(stock()).usual["warmup_share"] == info.options().warmup_share  # type: ignore[attr-defined]
    again = view(stock(past("cdma-001", method="cdma")), method="cdma")
    assert again.usual["warmup_share"] == method_info("cdma").options.CONTINUING["warmup_share"]
    published = view(stock(), preset="paper", minutes=None)
    assert published.usual["learning_rate"] == info.paper(2)["learning_rate"]
    assert published.outlook is not None
    assert published.outlook.estimate.steps == 40_000


def test_what_a_person_sets_is_checked_at_once() -> None:
    shown = view(stock(), method="bcp", settings={"learning_rate": "fast"})
    assert not shown.can_train
    assert shown.outlook is not None
    assert "'learning_rate' must be a float" in str(shown.outlook.lack)
    assert view(stock(past("bcp-001")), method="bcp", settings={"learning_rate": 7.0}).outlook is not None
    assert view(stock(), method="bcp", settings={"learning_rate": 0.1}).can_train


def test_a_page_of_a_hundred_runs_is_instant() -> None:
    from time import process_time

    there = stock(*(past(f"bcp-{n:03d}", pace=Pace(float(n), 1.0, 1.0)) for n in range(100)))
    begin = process_time()
    for _ in range(50):
        view(there)
    assert process_time() - begin < 1.0
