"""Runs on the screen: a recommended chain is followed from one run to the next, and a run that did worse is marked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fixtures import made_run, make_project
from qtpy.QtCore import Qt
from test_ui_session import DirectJobs, Driver, Screen, World
from test_ui_widget import Bench, choose

from napari_medssl.project import Project
from napari_medssl.project.audit import draw_audit
from napari_medssl.runs.drivers import ProcessDriver
from napari_medssl.runs.events import RunFinished, RunStarted
from napari_medssl.runs.outlook import Wish
from napari_medssl.runs.recommend import RECOMMENDED
from napari_medssl.runs.request import make_line
from napari_medssl.runs.spec import RunSpec, read_spec
from napari_medssl.ui.session import Session

LINE = [Wish("pcrlv2", minutes=3.0), Wish("bcp", minutes=7.0)]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    make_project(tmp_path, "raster", labelled=2, unlabelled=3)
    found = World(tmp_path / "project")
    yield found
    found.session.close()


def judged(root: Path) -> tuple[Project, RunSpec, RunSpec, str]:
    """A project with a labels-only run, one that did worse, and a case for which both proposed something."""
    project = make_project(root, "raster", labelled=7, unlabelled=3)
    draw_audit(project, 0.4, seed=1)
    labels, worse = made_run(project, "supervised", 0.9), made_run(project, "bcp", 0.5)
    case = next(case for case in project.cases() if case.status == "new")
    for value, spec in ((1, labels), (2, worse)):
        mask = np.full(case.grid.shape, value, np.uint8)
        case.save_proposal(spec.run, mask, {"entropy": np.zeros(case.grid.shape)}, value / 4, {})
    return project, labels, worse, case.name


class TestChain:
    def begin(self, world: World) -> tuple[str, str]:
        world.session.runs.train(LINE)
        (first,) = world.driver.runs
        second = read_spec(world.project.run_folder(first)).then
        assert second is not None
        world.say(RunStarted(run=first, task="train", method="pcrlv2", then=second))
        return first, second

    def test_the_second_is_followed_when_the_first_is_done(self, world: World) -> None:
        first, second = self.begin(world)
        assert world.session.state.run.name == first
        assert [(line.name, line.state) for line in world.session.state.runs] == [
            (second, "waiting"),
            (first, "training"),
        ]
        assert world.session.state.run.behind == f"Next: {second} (7 min), which begins with what this one learns."
        world.say(RunFinished(reason="completed", message="done", model="model.safetensors"))
        assert world.session.state.run.name == second
        assert world.session.state.run.under_way
        assert not world.session.state.train.can_train
        assert world.session.state.message == ("info", f"{first} is done. {second} goes on with what it learnt.")
        world.say(RunStarted(run=second, task="train", method="bcp"), RunFinished(reason="completed", message="end."))
        assert world.session.state.message == ("info", f"{second}: end.")
        assert not world.session.state.run.under_way

    @pytest.mark.parametrize("reason", ["paused", "discarded", "failed"])
    def test_otherwise_the_first_stays_on_the_screen(self, world: World, reason: Any) -> None:
        first, _ = self.begin(world)
        world.say(RunFinished(reason=reason, message="so it is"))
        assert world.session.state.run.name == first
        assert not world.session.state.run.under_way

    def test_found_again_the_one_in_front_is_shown_and_the_other_waits(self, world: World) -> None:
        one, two = make_line(world.project, LINE)
        later = Session(Screen(), ProcessDriver(), DirectJobs(), world._follow, author="anna")
        later.open_project(world.project.root)
        assert later.state.run.name == one.run
        assert later.state.run.can_resume, "its process never began"
        states = {line.name: (line.state, line.tip) for line in later.state.runs}
        assert states[two.run][0] == "waiting"
        assert f"Waits for {one.run}" in states[two.run][1]
        later.close()


class TestMarks:
    def test_the_better_proposal_is_shown_and_the_other_can_be_chosen(self, tmp_path: Path) -> None:
        project, labels, worse, case = judged(tmp_path)
        world = World(project.root)
        world.session.cases.open(case)
        actions = world.session.state.actions
        assert actions.proposal == labels.run
        assert actions.proposal_text.startswith(f"Proposal of {labels.run}, doubt 0.25")
        assert (
            f"Not shown: the newer one of {worse.run}. It did worse than labels only: Dice 0.500 against 0.900"
            in actions.proposal_text
        )
        assert next(one.score for one in world.session.state.cases if one.name == case) == 0.25
        world.session.cases.fetch_proposal(worse.run)
        actions = world.session.state.actions
        assert actions.proposal == worse.run
        assert "⚠ It did worse than labels only" in actions.proposal_text
        assert np.all(world.screen.proposals[-1].labels == 2)
        world.session.close()

    def test_the_end_of_a_run_that_did_worse_is_told_and_changes_no_proposal(self, tmp_path: Path) -> None:
        project, labels, worse, case = judged(tmp_path)
        world = World(project.root)
        world.session.cases.open(case)
        world.session.runs._attach(world.driver.attach(project.root, worse.run))
        world.say(
            RunStarted(run=worse.run, task="train", method="bcp"), RunFinished(reason="completed", message="Done.")
        )
        level, words = world.session.state.message or ("", "")
        assert level == "warning"
        assert words.startswith(f"{worse.run}: Done. Worse than labels only: Dice 0.500")
        assert world.session.state.actions.proposal == labels.run
        assert len(world.screen.proposals) == 1
        assert world.session.state.run.is_worse
        assert world.session.state.run.verdict.startswith("⚠ Worse than labels only")
        world.session.close()

    def test_a_missing_comparison_is_offered(self, tmp_path: Path) -> None:
        project = make_project(tmp_path, "raster", labelled=7, unlabelled=3)
        draw_audit(project, 0.4, seed=1)
        run = made_run(project, "bcp", 0.5).run
        world = World(project.root)
        world.session.runs._attach(world.driver.attach(project.root, run))
        world.say(RunStarted(run=run, task="train", method="bcp"), RunFinished(reason="completed"))
        assert world.session.state.run.verdict == (
            "To know whether the unlabelled scans helped: train “Learn from the labelled scans only” from scratch for "
            "10 steps, too."
        )
        made_run(project, "supervised", 0.5)
        world.session.refresh()
        assert "No clear difference to labels only" in world.session.state.run.verdict
        assert not world.session.state.run.is_worse
        world.session.close()


class TestPage:
    def test_recommended_is_first_and_starts_all_its_runs(self, qtbot: Any, tmp_path: Path) -> None:
        make_project(tmp_path, "raster", labelled=2, unlabelled=20)
        bench = Bench(qtbot, tmp_path / "project")
        page = bench.widget.train_page
        assert page.method.itemData(0) == page.method.currentData() == RECOMMENDED
        assert page.outlook.words()["Why"] == "With 2 labelled and 20 unlabelled scans it pays to learn from both."
        assert not page.start_from.isEnabled()
        page.minutes.setValue(30)
        bench.until(lambda: page.outlook.words()["Why"].startswith("1. Learn from all scans"))
        words = page.outlook.words()
        assert "\n2. Learn from labelled and unlabelled scans together – BCP (20 min): " in words["Why"]
        assert words["Time"].startswith("30 min of training")
        assert "Not when" not in words
        bench.click(page.start)
        bench.until(lambda: bool(bench.driver.runs))
        (first,) = bench.driver.runs
        runs = tmp_path / "project" / "runs"
        one = read_spec(runs / first)
        two = read_spec(runs / str(one.then))
        assert (one.method, one.budget.minutes, two.method, two.budget.minutes) == ("pcrlv2", 10.0, "bcp", 20.0)
        assert two.start_from == one.run
        bench.until(lambda: [row[:2] for row in page.runs.words()][:1] == [[two.run, "waiting"]])
        choose(page.method, "bcp")
        assert page.start_from.isEnabled()
        assert "Why" not in page.outlook.words()

    def test_a_marked_run_has_an_icon_words_and_a_reason(self, qtbot: Any, tmp_path: Path) -> None:
        project, labels, worse, case = judged(tmp_path)
        bench = Bench(qtbot, project.root, Driver())
        page = bench.widget.train_page
        assert page.runs.words() == [
            [worse.run, "finished", "0.500", "worse"],
            [labels.run, "finished", "0.900", ""],
        ]
        marked, other = (page.runs.table.item(row, 3) for row in (0, 1))
        assert not marked.icon().isNull()
        assert other.icon().isNull()
        assert "Worse than labels only: Dice 0.500" in marked.toolTip()
        assert "It is used only where you choose it." in marked.toolTip()
        assert [page.runs.table.item(row, 0).font().bold() for row in (0, 1)] == [False, True]
        choose(page.method, "bcp")
        assert page.start_from.currentData() == labels.run
        row = page.start_from.findData(worse.run)
        assert page.start_from.itemText(row) == f"⚠ {worse.run} (Dice 0.50, worse than labels only)"
        assert "Worse than labels only" in page.start_from.itemData(row, Qt.ItemDataRole.ToolTipRole)

        bench.open(case)
        bench.click(bench.widget.header.verbs["Review"])
        box = bench.widget.review_page.runs
        assert box.isVisible()
        assert box.currentData() == labels.run
        box.setCurrentIndex(box.findData(worse.run))
        box.activated.emit(box.currentIndex())
        bench.until(lambda: bench.state.actions.proposal == worse.run)
        assert box.currentText() == f"⚠ Proposal of {worse.run}"
