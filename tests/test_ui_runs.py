"""Runs on the screen: a recommended chain is followed from one run to the next, and a run that did worse is marked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fixtures import made_run, make_project
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication
from test_ui_session import DirectJobs, Driver, Screen, World
from test_ui_widget import Bench, choose

from napari_medssl.project import Project
from napari_medssl.project.audit import draw_audit
from napari_medssl.runs.drivers import ProcessDriver
from napari_medssl.runs.events import PhaseStarted, Proposed, RunFinished, RunStarted, Stepped
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
        bench.until(lambda: [[row[0], row[3]] for row in page.runs.words()][:1] == [[two.run, "waiting"]])
        choose(page.method, "bcp")
        assert page.start_from.isEnabled()
        assert "Why" not in page.outlook.words()

    def test_a_marked_run_has_an_icon_words_and_a_reason(self, qtbot: Any, tmp_path: Path) -> None:
        project, labels, worse, case = judged(tmp_path)
        bench = Bench(qtbot, project.root, Driver())
        page = bench.widget.train_page
        assert [row[:5] for row in page.runs.words()] == [
            [worse.run, "set aside", "0.500", "finished", "worse"],
            [labels.run, "in use", "0.900", "finished", ""],
        ]
        model = page.runs.model
        marked, other = (model.index(row, 4) for row in (0, 1))
        assert not marked.data(Qt.ItemDataRole.DecorationRole).isNull()
        assert other.data(Qt.ItemDataRole.DecorationRole) is None
        assert "Worse than labels only: Dice 0.500" in marked.data(Qt.ItemDataRole.ToolTipRole)
        assert "It is used only where you choose it." in marked.data(Qt.ItemDataRole.ToolTipRole)
        fonts = [model.index(row, 0).data(Qt.ItemDataRole.FontRole) for row in (0, 1)]
        assert fonts[0] is None
        assert fonts[1].bold()
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


class TestModelInUse:
    """Which model is in use, which newer ones there are, and one click to go back."""

    @pytest.fixture
    def three(self, tmp_path: Path) -> tuple[World, list[str], str]:
        project = make_project(tmp_path, "raster", labelled=7, unlabelled=3)
        draw_audit(project, 0.4, seed=1)
        runs = [made_run(project, "bcp", dice).run for dice in (0.7, 0.8, 0.9)]
        case = next(case for case in project.cases() if case.status == "new")
        for value, run in enumerate(runs):
            case.save_proposal(run, np.full(case.grid.shape, value % 2 + 1, np.uint8), {}, 0.1, {})
        world = World(project.root)
        world.session.cases.open(case.name)
        return world, runs, case.name

    def roles(self, world: World) -> dict[str, str]:
        return {line.name: line.role for line in world.session.state.runs}

    def test_the_newest_is_and_one_click_goes_back(self, three: tuple[World, list[str], str]) -> None:
        world, (first, second, third), _ = three
        state = world.session.state
        assert state.model.text == f"In use: {third} (the newest that did not do worse)."
        assert (state.model.back, state.model.is_chosen, state.model.news) == (second, False, ())
        assert state.actions.proposal == third
        world.session.runs.use(state.model.back)
        state = world.session.state
        assert state.model.text.startswith(f"In use: {second} (anna chose it on 20")
        assert (state.model.back, state.model.is_chosen, state.model.better) == (first, True, third)
        assert state.model.news == (
            f"Candidate {third}: Dice 0.90 against 0.80 of the one in use, {second}, on 4 held-out scans (better).",
        )
        assert self.roles(world) == {first: "", second: "in use", third: "candidate"}
        assert state.actions.proposal == second, "proposals follow the model in use"
        assert f"Not shown: the newer one of {third}. {second} is in use: anna chose it." in state.actions.proposal_text
        world.session.runs.use("")
        assert self.roles(world)[third] == "in use"
        assert world.session.state.actions.proposal == third
        world.session.close()

    def test_a_run_that_ends_as_a_candidate_says_what_it_is_worth(self, three: tuple[World, list[str], str]) -> None:
        world, (_, second, third), _ = three
        world.session.runs.use(second)
        world.say(RunStarted(run=third, task="train", method="bcp"), RunFinished(reason="completed", message="Done."))
        _, words = world.session.state.message or ("", "")
        assert words.startswith(f"{third}: Done. Candidate {third}: Dice 0.90 against 0.80 of the one in use, {second}")
        assert world.session.state.actions.proposal == second
        world.session.close()

    def test_what_has_no_model_cannot_be_used(self, three: tuple[World, list[str], str]) -> None:
        world, (first, *_), _ = three
        (world.project.run_folder(first) / "model.safetensors").unlink()
        world.session.runs.use(first)
        level, words = world.session.state.message or ("", "")
        assert level == "error"
        assert "has no model that makes proposals" in words
        world.session.close()

    def test_another_run_can_be_looked_at_and_keeps_its_card(self, three: tuple[World, list[str], str]) -> None:
        world, (first, _, third), _ = three
        seen: list[str] = []
        world.say(RunStarted(run=third, task="train", method="bcp"), RunFinished(reason="completed"))
        world.driver.attach(world.project.root, first).said = [
            RunStarted(run=first, task="train", method="bcp"),
            RunFinished(reason="paused", message="Paused after 3 steps."),
        ]
        world.session.runs.look_at(first, lambda view: seen.append(view.title))
        assert seen == [f"Paused: {first}"]
        assert world.session.state.run.name == first
        assert world.session.state.run.then == "Resume goes on exactly where it was."
        assert next(line for line in world.session.state.runs if line.name == first).can_resume
        world.session.runs.resume(first)
        assert world.session.state.run.under_way
        world.session.close()

    def test_the_table_does_it_with_buttons_and_at_any_width(self, qtbot: Any, tmp_path: Path) -> None:
        project = make_project(tmp_path, "raster", labelled=7, unlabelled=3)
        draw_audit(project, 0.4, seed=1)
        first, second = (made_run(project, "bcp", dice).run for dice in (0.7, 0.8))
        bench = Bench(qtbot, project.root, Driver())
        bench.widget.show_page("Train")
        panel = bench.widget.train_page.runs
        assert panel.shown_columns() == ["Run", "Role", "Dice", "State"]
        assert panel.back.text() == f"Go back to {first}"
        assert not panel.automatic.isVisible()
        bench.click(panel.back)
        bench.until(lambda: [row[1] for row in panel.words()] == ["candidate", "in use"])
        assert panel.better.text() == f"Use {second}"
        assert "Dice 0.80 against 0.70" in panel.news.text()
        panel.choose(first)
        assert not panel.use_this.isEnabled(), "it is in use"
        panel.choose(second)
        bench.click(panel.use_this)
        bench.until(lambda: [row[1] for row in panel.words()] == ["in use", ""])
        bench.click(panel.automatic)
        bench.until(lambda: not panel.automatic.isVisible())
        bench.widget.resize(700, 900)
        bench.until(lambda: len(panel.shown_columns()) == 7)
        panel._fill_menu()
        actions = {action.text(): action for action in panel._menu.actions()}
        assert not actions["Copy what went wrong"].isEnabled()
        actions["Copy the path of its log"].trigger()
        assert QApplication.clipboard().text() == str(project.run_folder(second) / "log.txt")


STEP = Stepped(at=100.0, step=10, phase="p", losses={"total": 1.0}, progress=0.1, eta_seconds=60, step_seconds=4.2)


class TestAnswers:
    """Whatever is asked of a run is answered at once, and a run that says nothing is noticed."""

    def begin(self, world: World) -> str:
        world.session.runs.train([Wish("bcp", minutes=5.0)])
        (run,) = world.driver.runs
        return run

    def phase(self, world: World) -> str:
        return world.session.state.run.phase

    @pytest.mark.parametrize(
        ("how", "words"), [("keep", "Stopping"), ("pause", "Pausing"), ("discard", "Discarding")]
    )  # fmt: skip
    def test_before_training_began(self, world: World, how: Any, words: str) -> None:
        run = self.begin(world)
        world.session.runs.stop(how)
        assert self.phase(world) == f"{words} as soon as it has looked at the scans …"
        assert world.driver.runs[run].stops == [how]

    def test_during_a_step_of_several_seconds(self, world: World) -> None:
        run = self.begin(world)
        world.say(RunStarted(run=run, task="train", method="bcp"), PhaseStarted(phase="p", title="P", index=0), STEP)
        world.session.runs.stop("keep")
        assert self.phase(world) == "Stopping after this step (about 4 s), then proposing …"
        assert not world.session.state.run.can_stop

    def test_a_second_wish_is_heard_once_the_first_is_done(self, world: World) -> None:
        run = self.begin(world)
        world.say(RunStarted(run=run, task="train", method="bcp"), PhaseStarted(phase="p", title="P", index=0), STEP)
        world.session.runs.stop("keep")
        world.say(PhaseStarted(phase="propose", title="Making proposals", index=1))
        assert world.session.state.run.can_stop
        world.say(Proposed(case="case-3", score=0.1, index=0, total=3, seconds=8.0))
        world.session.runs.stop("pause")
        assert self.phase(world) == "Pausing after this case (about 8 s) …"
        assert world.driver.runs[run].stops == ["keep", "pause"]

    def test_a_silent_run_is_told_once_and_taken_back_when_it_speaks(self, world: World) -> None:
        run = self.begin(world)
        steps = [replace(STEP, at=100.0 + k, step=k, step_seconds=0.5) for k in range(1, 10)]
        world.say(RunStarted(run=run, task="train", method="bcp", at=99.0), PhaseStarted(phase="p", title="P", index=0))
        world.say(*steps)
        world.wait(119.0)
        assert world.session.state.run.silence == ""
        world.wait(2.0)
        assert world.session.state.run.silence.startswith("⚠ No word for 2 min.")
        level, words = world.session.state.message or ("", "")
        assert level == "warning"
        assert words.startswith(f"{run} has said nothing for 2 min.")
        assert str(world.project.run_folder(run) / "log.txt") in words
        world.session.dismiss()
        world.wait(120.0)
        assert "for 4 min" in world.session.state.run.silence
        assert world.session.state.message is None, "told once"
        world.say(replace(STEP, at=400.0, step=20))
        assert world.session.state.run.silence == ""
        world.wait(121.0)
        world.wait(1500.0)
        assert world.session.state.message is not None
        world.say(replace(STEP, at=900.0, step=30))
        assert world.session.state.message is None, "what was said is true no more"

    def test_the_end_says_what_to_do_next(self, world: World) -> None:
        run = self.begin(world)
        proposed = [Proposed(case=f"case-{k}", score=0.1, index=k, total=3) for k in (2, 3, 4)]
        world.say(RunStarted(run=run, task="train", method="bcp"), *proposed)
        world.say(RunFinished(reason="completed", message="10 steps, proposals made.", model="model.safetensors"))
        assert world.session.state.run.ending == (
            f"Finished: {run}. 10 steps, proposals made. 3 proposals are waiting: Alt+G opens the next case."
        )
        case = world.project.case("case-2")
        case.save_labels(np.zeros(case.grid.shape, np.uint8), author="t", origin="accepted")
        world.project.case("case-3").exclude("blurred")
        world.session.refresh()
        assert world.session.state.run.then == "1 proposal is waiting: Alt+G opens the next case."

    def test_a_failure_says_what_to_do(self, world: World) -> None:
        run = self.begin(world)
        world.say(RunStarted(run=run, task="train", method="bcp"), RunFinished(reason="failed", message="No disk."))
        assert world.session.state.run.ending.endswith(
            "No disk. Mend that and train again. Its log is among the runs below (More)."
        )
        assert not world.session.state.run.can_resume
        line = world.session.state.runs[0]
        assert line.error == "No disk."


class TestKeys:
    def test_alt_z_is_ready_to_train_and_lengths_are_one_choice(self, qtbot: Any, tmp_path: Path) -> None:
        make_project(tmp_path, "raster", labelled=2, unlabelled=4)
        bench = Bench(qtbot, tmp_path / "project")
        page = bench.widget.train_page
        bench.widget.show_page("Label")
        press = next(do for key, do in bench.viewer.keymap.items() if str(key) == "Alt+Z")
        press(bench.viewer)
        assert page.isVisible()
        bench.until(page.start.hasFocus)
        row = page.length.findText("30 min")
        page.length.setCurrentIndex(row)
        page.length.activated.emit(row)
        assert bench.state.train.intent.minutes == 30.0
        assert page.minutes.value() == 30.0
        page.minutes.setValue(7)
        assert page.length.currentText() == "Other"

    def test_tab_goes_from_top_to_bottom(self, qtbot: Any, tmp_path: Path) -> None:
        project, labels, *_ = judged(tmp_path)
        bench = Bench(qtbot, project.root, ProcessDriver())
        bench.widget.show_page("Train")
        page = bench.widget.train_page
        bench.until(page.runs.table.isVisible)
        page.method.setFocus()
        seen = []
        for _ in range(11):
            seen.append(bench.widget.focusWidget().accessibleName())
            qtbot.keyClick(bench.widget.focusWidget(), Qt.Key.Key_Tab)
        assert seen[:3] == ["Method", "Minutes", "Usual lengths"]
        assert seen.index("Device") < seen.index("Runs") < seen.index("Curves of the chosen run") < seen.index("Train")
        page.runs.choose(labels.run)
        page.runs.table.setFocus()
        shown: list[str] = []
        page.runs.curves.connect(shown.append)
        qtbot.keyClick(page.runs.table, Qt.Key.Key_Return)
        assert shown == [labels.run]


def test_a_silence_and_an_end_are_told_outside_the_dock(
    qtbot: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[str, str]] = []
    for level in ("info", "warning", "error"):
        monkeypatch.setattr(
            f"napari.utils.notifications.show_{level}", lambda words, level=level: told.append((level, words))
        )
    make_project(tmp_path, "raster", labelled=2, unlabelled=4)
    bench = Bench(qtbot, tmp_path / "project")
    bench.widget.session.runs.train([Wish("bcp", minutes=5.0)])
    bench.until(lambda: bool(bench.driver.runs))
    (run,) = bench.driver.runs.values()
    run.said = [RunStarted(run=run.run, task="train", method="bcp")]
    monkeypatch.setattr("napari_medssl.ui.runwork.is_stalled", lambda status, silent: len(run.said) == 1)
    bench.until(lambda: bool(told))
    level, words = told[0]
    assert level == "warning"
    assert words.startswith(f"Training {run.run}. ⚠ No word for")
    run.said = [*run.said, RunFinished(reason="failed", message="The disk is full.")]
    bench.until(lambda: len(told) == 2)
    level, words = told[1]
    assert level == "error"
    assert words.startswith(f"Failed: {run.run}. The disk is full. Mend that and train again. Its log")
