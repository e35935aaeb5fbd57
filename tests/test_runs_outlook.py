"""What a run would do, before it is asked for: the same numbers and words as when it is, and no invented times."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from fixtures import make_project, quick_spec

from napari_medssl.errors import SpecError
from napari_medssl.methods.catalog import CATALOG, method_info
from napari_medssl.methods.options import resolve_options
from napari_medssl.nets.spec import NetSpec
from napari_medssl.project.audit import draw_audit
from napari_medssl.runs.events import Proposed, RunEvent, RunFinished, RunStarted, Stepped, event_to_json
from napari_medssl.runs.history import MODEL_NAME, PastRun, read_history
from napari_medssl.runs.journal import JOURNAL_NAME
from napari_medssl.runs.needs import needs_text
from napari_medssl.runs.outlook import Stock, Wish, look_ahead, take_stock
from napari_medssl.runs.pace import Pace, measure
from napari_medssl.runs.picking import look_at_cases, unfinished
from napari_medssl.runs.presets import own_steps, preset_options
from napari_medssl.runs.request import make_spec, sketch_spec, write_spec
from napari_medssl.runs.spec import Plan, RunSpec
from napari_medssl.runs.words import count, duration

NET = NetSpec("unet", 2, 1, 3, (4, 8), ((1, 1), (2, 2)))
PLAN = Plan(NET, (1.0, 1.0), (16, 16), 2)


def past(run: str = "bcp-001", **known: Any) -> PastRun:
    """A run that has been, with a plan and a model."""
    usual: dict[str, Any] = {
        "task": "train", "method": "bcp", "preset": "auto", "device": "auto", "plan": PLAN, "has_model": True,
    }  # fmt: skip
    return PastRun(run, **usual | known)


def stock(*runs: PastRun, **counts: Any) -> Stock:
    usual: dict[str, Any] = {"labelled": 4, "unlabelled": 76, "unfinished": 76, "classes": 2, "ndim": 2}
    return Stock(**usual | counts, runs=runs)


class TestWhatIsUsed:
    @pytest.mark.parametrize(("labelled", "unlabelled"), [(3, 3), (9, 2), (2, 2)])
    def test_the_numbers_are_those_of_the_spec(self, tmp_path: Path, labelled: int, unlabelled: int) -> None:
        project = make_project(tmp_path, "raster", labelled=labelled, unlabelled=unlabelled)
        drawn = project.case("case-1").read_labels()
        assert drawn is not None
        project.case("case-1").save_labels(drawn.array, author="t", origin="drawn", complete=False)
        for method in CATALOG:
            spec, ahead = sketch_spec(project, method), look_ahead(take_stock(project), Wish(method))
            found = (ahead.labelled, ahead.unlabelled, ahead.held_out)
            assert found == (len(spec.labelled), len(spec.unlabelled), len(spec.held_out))
            assert ahead.can_run

    def test_audit_cases_are_kept_apart(self, tmp_path: Path) -> None:
        project = make_project(tmp_path, "raster", labelled=6, unlabelled=4)
        draw_audit(project, 0.4, seed=1)
        counted = take_stock(project)
        assert counted.audit == 4
        assert counted.held_out == len(sketch_spec(project, "supervised").held_out) > 0
        assert counted.labelled + counted.unlabelled == 6
        assert "of the audit set" in look_ahead(counted, Wish("supervised")).measured

    def test_proposals_are_made_for_what_is_unfinished(self, tmp_path: Path) -> None:
        project = make_project(tmp_path, "raster", labelled=2, unlabelled=3)
        project.case("case-1").exclude("blurred")
        drawn = project.case("case-0").read_labels()
        assert drawn is not None
        project.case("case-0").save_labels(drawn.array, author="t", origin="drawn", complete=False)
        assert unfinished(look_at_cases(project)) == ("case-0", "case-2", "case-3", "case-4")
        assert take_stock(project).unfinished == look_ahead(take_stock(project), Wish("bcp")).proposals == 4
        assert look_ahead(take_stock(project), Wish("bcp", propose=1)).proposals == 1
        assert look_ahead(take_stock(project), Wish("pcrlv2")).proposals == 0

    def test_each_kind_says_what_it_looks_at(self) -> None:
        uses = {name: look_ahead(stock(), Wish(name)).uses for name in CATALOG}
        assert uses["bcp"] == "4 labelled, 76 unlabelled scans"
        assert uses["supervised"] == "4 labelled scans; 76 unlabelled are not used"
        assert uses["pcrlv2"] == uses["desd"] == "80 scans; labels are not used"

    def test_a_sketch_leaves_nothing(self, tmp_path: Path) -> None:
        project = make_project(tmp_path, "raster")
        before = sorted(tmp_path.rglob("*"))
        assert sketch_spec(project, "supervised").run == ""
        assert sorted(tmp_path.rglob("*")) == before


class TestWhatIsLacking:
    @pytest.mark.parametrize("method", CATALOG)
    @pytest.mark.parametrize(
        ("labelled", "unlabelled", "classes"), [(0, 0, 2), (0, 3, 2), (1, 0, 2), (1, 1, 2), (3, 0, 2), (0, 3, 0)]
    )
    def test_the_words_are_those_of_the_refusal(
        self, tmp_path: Path, method: str, labelled: int, unlabelled: int, classes: int
    ) -> None:
        project = make_project(tmp_path, "raster", labelled=labelled, unlabelled=unlabelled, classes=classes)
        ahead = look_ahead(take_stock(project), Wish(method))
        if ahead.can_run:
            sketch_spec(project, method)
        else:
            assert ahead.lack is not None
            assert ahead.lack.remedy
            with pytest.raises(SpecError) as caught:
                make_spec(project, method)
            assert str(caught.value) == f"{CATALOG[method].title}: {ahead.lack}"

    def test_what_looks_at_scans_only_needs_neither_labels_nor_structures(self) -> None:
        bare = stock(labelled=0, classes=0)
        for info in CATALOG.values():
            assert look_ahead(bare, Wish(info.name)).can_run == (not info.segments)

    def test_the_remedy_cures(self, tmp_path: Path) -> None:
        for info in CATALOG.values():
            enough = stock(labelled=info.needs_labelled, unlabelled=info.needs_unlabelled)
            assert look_ahead(enough, Wish(info.name)).can_run
            assert needs_text(info)

    def test_a_model_with_other_classes_or_channels_does_not_fit(self) -> None:
        fits = look_ahead(stock(past()), Wish("bcp", start_from="bcp-001"))
        assert fits.can_run
        for other in ({"classes": 1}, {"channels": 2}):
            ahead = look_ahead(stock(past(), **other), Wish("bcp", start_from="bcp-001"))
            assert "knows 2 classes and 1 channels" in str(ahead.lack)
            assert "Start without it" in str(ahead.lack)
        blind = past("desd-001", method="desd")
        assert look_ahead(stock(blind, classes=1), Wish("bcp", start_from="desd-001")).can_run
        assert not look_ahead(stock(blind, channels=2), Wish("bcp", start_from="desd-001")).can_run

    @pytest.mark.parametrize(
        ("known", "said"), [({"plan": None}, "never got to train"), ({"has_model": False}, "has no model")]
    )
    def test_a_run_without_a_model_is_no_start(self, known: dict[str, Any], said: str) -> None:
        ahead = look_ahead(stock(past(**known)), Wish("bcp", start_from="bcp-001"))
        assert said in str(ahead.lack)

    def test_a_recipe_gives_way_to_a_model_and_says_so_but_a_person_does_not(self) -> None:
        ahead = look_ahead(stock(past()), Wish("bcp", "paper", start_from="bcp-001"))
        assert ahead.can_run
        told = "As published but for the network and the scaling of values, which bcp-001 decides."
        assert ahead.departs == told
        assert not look_ahead(stock(past()), Wish("bcp", start_from="bcp-001")).departs
        assert not look_ahead(stock(past()), Wish("bcp", "paper")).departs
        for preset in ("auto", "paper"):
            for name, value in (("norm", "instance"), ("network", "cdma"), ("spacing", [2.0, 2.0]), ("mean", 3.0)):
                wish = Wish("bcp", preset, start_from="bcp-001", settings={name: value})
                assert str(look_ahead(stock(past()), wish).lack).startswith(f"{name} cannot change when starting")

    def test_a_model_of_volumes_does_not_fit_images(self) -> None:
        net = NetSpec("unet", 3, 1, 3, (4, 8), ((1, 1, 1), (2, 2, 2)))
        there = stock(past(plan=Plan(net, (1.0, 1.0, 1.0), (16, 16, 16), 2)))
        assert "looks at volumes" in str(look_ahead(there, Wish("bcp", start_from="bcp-001")).lack)

    def test_there_must_be_such_a_run(self) -> None:
        assert "There is no run 'x'; this project has: bcp-001." in str(
            look_ahead(stock(past()), Wish("bcp", start_from="x")).lack
        )


class TestTime:
    def test_minutes_are_minutes(self) -> None:
        assert look_ahead(stock(unfinished=0), Wish("bcp", minutes=3)).time == "3 min of training."
        assert look_ahead(stock(unfinished=0), Wish("bcp")).estimate.training_seconds == 600

    def test_nothing_is_known_before_the_first_run(self) -> None:
        ahead = look_ahead(stock(), Wish("bcp", steps=500))
        assert ahead.estimate.training_seconds is None
        assert "500 steps of training" in ahead.time
        assert "not known before the first" in ahead.time
        assert "not known" in look_ahead(stock(), Wish("bcp")).time  # how long proposals take
        assert "not known" not in look_ahead(stock(), Wish("desd")).time

    def test_the_newest_like_run_tells_the_pace(self) -> None:
        runs = (
            past("bcp-001", pace=Pace(1.0, 9.0, 9.0)),
            past("bcp-002", pace=Pace(2.0, 2.0, 3.0)),
            past("bcp-003"),
        )
        ahead = look_ahead(stock(*runs), Wish("bcp", steps=60))
        assert ahead.estimate.training_seconds == 120
        assert ahead.estimate.proposal_seconds == 3 * 76
        assert ahead.time == (
            "About 2 min of training (60 steps, at the pace of bcp-002), then about 4 min for 76 proposals."
        )

    @pytest.mark.parametrize(
        "other",
        [
            {"method": "supervised"},
            {"preset": "paper"},
            {"device": "cuda"},
            {"settings": {"batch": 16}},
            {"plan": None},
            {"start_from": "bcp-000"},
            {"minutes": 2.0},
            {"task": "predict"},
        ],
    )
    def test_a_run_of_another_kind_tells_nothing(self, other: dict[str, Any]) -> None:
        run = past(pace=Pace(1.0, 2.0), **other)
        assert look_ahead(stock(run), Wish("bcp", steps=60)).estimate.training_seconds is None
        assert look_ahead(stock(past(pace=Pace(1.0, 2.0))), Wish("bcp", steps=60)).estimate.training_seconds == 120

    def test_automatic_means_what_it_meant_the_last_time(self) -> None:
        by_hand = past("bcp-001", device="cpu", pace=Pace(1.0, 2.0, 1.0))
        assert look_ahead(stock(by_hand), Wish("bcp", steps=60)).estimate.training_seconds is None
        before = past("desd-002", method="desd")  # on "cpu", by itself
        ahead = look_ahead(stock(by_hand, before), Wish("bcp", steps=60)).estimate
        assert (ahead.training_seconds, ahead.proposal_seconds) == (120, 76)

    def test_a_run_that_goes_on_is_like_those_with_its_network(self) -> None:
        wide = dataclasses.replace(PLAN, net=dataclasses.replace(NET, widths=(8, 16)))
        runs = (past("bcp-001", pace=Pace(1.0, 2.0)), past("bcp-002", plan=wide, pace=Pace(2.0, 5.0)))
        for start, seconds in (("bcp-001", 120), ("bcp-002", 300)):
            wish = Wish("bcp", steps=60, start_from=start)
            assert look_ahead(stock(*runs), wish).estimate.training_seconds == seconds

    def test_a_published_run_has_its_own_length(self) -> None:
        ahead = look_ahead(stock(), Wish("bcp", "paper"))
        assert ahead.estimate.steps == 40_000
        assert "40,000 steps" in ahead.time
        fewer = look_ahead(stock(), Wish("bcp", "paper", settings={"steps": 5}))
        assert fewer.estimate.steps == 10_005

    @pytest.mark.parametrize("method", CATALOG)
    @pytest.mark.parametrize("ndim", [2, 3])
    @pytest.mark.parametrize("preset", ["auto", "paper"])
    def test_its_own_length_is_that_of_the_phases(self, method: str, ndim: int, preset: str) -> None:
        info = method_info(method)
        options = resolve_options(info.options, preset_options(info, preset, ndim))
        net = NetSpec("unet", ndim, 1, 3, (4, 8), ((1,) * ndim, (2,) * ndim))
        plan = Plan(net, (1.0,) * ndim, (16,) * ndim, 2, normalisation="range")
        phases = info.load().phases(options, plan)
        assert own_steps(options) == sum(phase.steps or 1 for phase in phases)


class TestJournals:
    def test_the_pace_is_that_of_the_clock_without_pauses(self) -> None:
        def stepped(step: int, at: float) -> Stepped:
            return Stepped(step=step, phase="p", losses={}, progress=0.1, eta_seconds=1, step_seconds=0.1, at=at)

        said: list[RunEvent] = [
            RunStarted(run="r", task="train", method="bcp", at=5.0),
            stepped(1, 20.0), stepped(11, 25.0),
            RunStarted(run="r", task="train", method="bcp", resumed_step=11, at=1000.0),
            stepped(12, 1010.0), stepped(22, 1025.0),
            Proposed(case="a", score=0.1, index=0, total=2, seconds=4.0, at=1030.0),
            Proposed(case="b", score=0.1, index=1, total=2, seconds=2.0, at=1032.0),
        ]  # fmt: skip
        assert measure(said) == Pace(1000.0, 1.0, 3.0)
        assert measure(said[:2]) == Pace(5.0, 0.1, None)  # one word only: what it says of itself
        assert measure([]) == Pace()

    def test_the_runs_of_a_project_are_read(self, tmp_path: Path) -> None:
        project = make_project(tmp_path, "raster")
        spec = quick_spec(project, "supervised", "raster")
        folder = project.run_folder(spec.run)
        write_spec(folder, dataclasses.replace(spec, plan=PLAN))
        project.new_run_name("bcp")  # reserved by somebody, and not written yet
        said = [
            RunStarted(run=spec.run, task="train", method="supervised", at=1.0),
            Stepped(step=1, phase="p", losses={}, progress=0.1, eta_seconds=1, at=2.0),
            Stepped(step=5, phase="p", losses={}, progress=0.5, eta_seconds=1, at=10.0),
            RunFinished(reason="completed", at=11.0),
        ]
        (folder / JOURNAL_NAME).write_text("".join(event_to_json(event) + "\n" for event in said))
        (one,) = read_history(project)
        assert (one.run, one.plan, one.has_model, one.pace) == (spec.run, PLAN, False, Pace(1.0, 2.0, None))
        (folder / MODEL_NAME).touch()
        assert read_history(project)[0].has_model
        settings = dict(spec.settings)
        ahead = look_ahead(take_stock(project), Wish("supervised", steps=30, device="cpu", settings=settings))
        assert ahead.estimate.training_seconds == 60
        assert ahead.estimate.like == spec.run

    def test_a_spec_that_is_planned_later_is_read_again(self, tmp_path: Path) -> None:
        project = make_project(tmp_path, "raster")
        spec: RunSpec = quick_spec(project, "supervised", "raster")
        assert read_history(project)[0].plan is None
        write_spec(project.run_folder(spec.run), dataclasses.replace(spec, plan=PLAN))
        assert read_history(project)[0].plan == PLAN


def test_ten_thousand_outlooks_are_instant() -> None:
    from time import process_time

    there = stock(*(past(f"bcp-{n:03d}", pace=Pace(float(n), 1.0, 1.0)) for n in range(100)))
    begin = process_time()
    for _ in range(200):
        look_ahead(there, Wish("bcp", steps=10, start_from="bcp-050"))
    assert process_time() - begin < 1.0


def test_numbers_in_words() -> None:
    assert [count(1, "scan"), count(2, "scan"), count(17_000, "step")] == ["1 scan", "2 scans", "17,000 steps"]
    spans = {1: "5 s", 60: "1 min", 3600: "1 h", 5400: "1 h 30 min", 40_000: "11 h", 400_000: "5 days"}
    assert {seconds: duration(seconds) for seconds in spans} == spans


def test_looking_ahead_imports_no_torch() -> None:
    code = "import sys, napari_medssl.runs.outlook; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
