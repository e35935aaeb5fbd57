"""What makes labels of a whole case says what it does, asks where nobody can have meant it, and can be undone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fixtures import make_project
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QMessageBox
from review_world import propose
from test_ui_review import press
from test_ui_widget import Bench

from napari_medssl.project import Project
from napari_medssl.ui.facts import ClassFacts
from napari_medssl.ui.panels.ask import make_box
from napari_medssl.ui.questions import ask_complete, ask_empty, ask_whole

CLASSES = (ClassFacts(1, "liver", "#ff0000", "1"), ClassFacts(2, "spleen", "#00ff00", "2"))


@pytest.fixture
def bench(qtbot: Any, tmp_path: Path) -> Bench:
    propose(make_project(tmp_path))
    made = Bench(qtbot, tmp_path / "project")
    made.open("case-2")
    made.until(lambda: made.state.review.can_review)
    return made


def labels(bench: Bench) -> Any:
    return bench.viewer.layers["case-2 · labels"]


def case(bench: Bench) -> Any:
    return Project.open(bench.widget.session.board.facts.project.root).case("case-2")


def finished(bench: Bench) -> None:
    bench.until(lambda: bench.state.actions.save_text == "Saved")


def drawn(shape: tuple[int, ...] = (20, 8, 8)) -> np.ndarray:
    return np.full(shape, 255, np.uint8)


# --- which question


def test_nothing_is_asked_of_a_case_that_was_drawn_throughout() -> None:
    array = drawn()
    array[:, 2, 2], array[:, 3, 3] = 1, 2
    assert ask_complete("a", array, None, CLASSES) is None
    flat = drawn((40, 40))
    flat[:5, :5], flat[6, 6] = 1, 2
    assert ask_complete("a", flat, None, CLASSES) is None


def test_a_structure_without_a_voxel_and_few_slices_are_asked_about_once() -> None:
    array = drawn()
    array[3, 2, 2] = 1
    question = ask_complete("a", array, None, CLASSES)
    assert question is not None
    assert "You drew on 1 of 20 slices." not in question.words, "8 rows are the fewest: those are the slices here"
    assert "Nothing is drawn of spleen." in question.words
    tall = drawn((20, 40, 40))
    tall[3, 2, 2], tall[3, 3, 3] = 1, 2
    question = ask_complete("a", tall, None, CLASSES)
    assert question is not None
    assert "You drew on 1 of 20 slices." in question.words
    assert [one.reply for one in question.answers] == ["without", "yes", "no"]
    assert ask_complete("a", drawn((40, 40)), None, CLASSES) is not None


def test_a_proposal_on_the_screen_is_asked_about_where_it_would_be_lost() -> None:
    array = drawn()
    array[:, 2, 2], array[:, 3, 3] = 1, 2
    proposal = np.zeros(array.shape, np.uint8)
    proposal[4:6, 4, 4] = 1
    question = ask_complete("a", array, proposal, CLASSES)
    assert question is not None
    assert "with the proposal, or with what you drew only?" in question.words
    assert [one.reply for one in question.answers] == ["with", "without", "no"]
    array[4:6, 4, 4] = 2
    assert ask_complete("a", array, proposal, CLASSES) is None, "nothing of it would be lost"


def test_an_empty_case_is_asked_about_only_where_something_was_proposed() -> None:
    proposal = np.zeros((4, 4, 4), np.uint8)
    proposal[1] = 1
    assert ask_empty("a", np.zeros_like(proposal), proposal, CLASSES) is not None
    assert ask_empty("a", drawn(proposal.shape), proposal, CLASSES) is None, "the proposal is taken"
    assert ask_empty("a", np.zeros_like(proposal), np.zeros_like(proposal), CLASSES) is None
    assert ask_empty("a", np.zeros_like(proposal), None, CLASSES) is None
    some = np.zeros_like(proposal)
    some[0, 0, 0] = 2
    assert ask_empty("a", some, proposal, CLASSES) is None


@pytest.mark.parametrize("verb", ["accept", "reject", "redo"])
def test_the_whole_case_says_what_it_will_do(verb: str) -> None:
    proposal = np.zeros((4, 4, 4), np.uint8)
    proposal[1] = 1
    words = ask_whole(verb, "a", drawn(proposal.shape), proposal, CLASSES).words
    assert "takes it back" in words
    assert ("16 voxels" in words) == (verb != "redo")


def test_a_question_shows_names_as_they_are_and_changes_nothing_by_return(qtbot: Any) -> None:
    question = ask_complete("<b>a</b>", drawn(), None, (ClassFacts(1, "<img src=x>", "#ff0000", "1"),))
    assert question is not None
    box = make_box(question)
    qtbot.addWidget(box)
    assert box.textFormat() == Qt.TextFormat.PlainText
    assert "<img src=x>" in box.text()
    assert box.defaultButton().property("reply") == "no"
    assert box.escapeButton().property("reply") == "no"
    assert len(box.buttons()) == 3
    assert isinstance(box, QMessageBox)


# --- in the dock


def test_complete_asks_whether_the_proposal_on_the_screen_is_meant(bench: Bench) -> None:
    proposed = bench.widget.layers.overlays.proposal().copy()
    bench.answers = ["with"]
    bench.click(bench.widget.label_page.done)
    finished(bench)
    assert "with the proposal" in bench.asked[0].words
    np.testing.assert_array_equal(labels(bench).data, proposed)
    assert case(bench).latest().origin == "accepted"


def test_complete_by_key_with_what_was_drawn_only(bench: Bench) -> None:
    labels(bench).paint((5, 5, 5), 1)
    bench.answers = ["without"]
    press(bench.viewer, "Alt-M")
    finished(bench)
    assert set(np.unique(labels(bench).data)) == {0, 1}


def test_cancel_changes_nothing(bench: Bench) -> None:
    bench.answers = ["no"]
    press(bench.viewer, "Alt-M")
    assert (labels(bench).data == 255).all()
    assert case(bench).latest() is None
    assert bench.state.actions.save_text == "Nothing to save"


def test_only_what_i_drew_may_be_the_answer(bench: Bench) -> None:
    press(bench.viewer, "Alt-O")  # the proposal is off the screen
    labels(bench).paint((5, 5, 5), 1)
    bench.answers = ["yes"]
    press(bench.viewer, "Alt-M")
    finished(bench)
    assert "Nothing is drawn of" in bench.asked[0].words
    assert (case(bench).read_labels().array == 255).any()


@pytest.mark.parametrize("by", ["button", "key", "ctrl-z"])
def test_undo_complete_brings_the_draft_back_as_it_was(bench: Bench, by: str) -> None:
    labels(bench).paint((5, 5, 5), 1)
    bench.until(lambda: bench.state.actions.save_text == "Draft saved")
    before = labels(bench).data.copy()
    assert bench.widget.label_page.reopen.isHidden()
    bench.answers = ["without"]
    bench.click(bench.widget.label_page.done)
    finished(bench)
    assert not bench.widget.label_page.reopen.isHidden()
    if by == "button":
        bench.click(bench.widget.label_page.reopen)
    elif by == "key":
        press(bench.viewer, "Ctrl-Alt-Z")
    else:
        labels(bench).undo()
    bench.until(lambda: bench.state.actions.save_text == "Draft saved")
    np.testing.assert_array_equal(labels(bench).data, before)
    assert not case(bench).latest().complete
    assert (case(bench).read_labels().array == 255).any()
    bench.until(lambda: bench.state.progress == (2, 4))
    assert bench.widget.label_page.reopen.isHidden()


def test_the_whole_case_is_made_background_after_a_question_and_undone_by_one_step(bench: Bench) -> None:
    box = bench.widget.review_page.regions
    bench.widget.show_page("Review")
    for answer in ("no", "yes"):
        box.parts.setCurrentIndex(box.parts.findText("The whole case"))
        bench.answers = [answer]
        bench.click(box.verbs["reject"])
        assert box.parts.currentIndex() == 0, "the next decision is about the region again"
        assert (labels(bench).data == 0).any() == (answer == "yes")
    assert "make background of the whole proposal?" in bench.asked[0].words
    assert "Ctrl+Z" in bench.asked[0].words
    labels(bench).undo()
    assert (labels(bench).data == 255).all()


@pytest.mark.parametrize("key", ["Alt-A", "Alt-D"])
def test_accepting_a_case_with_nothing_left_asks(bench: Bench, key: str) -> None:
    bench.widget.session.review.decide("reject", bench.state.review.parts[-1][0])
    press(bench.viewer, "Alt-O")
    for answer in ("no", "yes"):
        bench.answers = [answer]
        press(bench.viewer, key)
        bench.until(lambda: not bench.answers)
        if answer == "no":
            assert case(bench).latest() is None or not case(bench).latest().complete
    bench.until(lambda: case(bench).latest() is not None and case(bench).latest().complete)
    assert "accept it without any structure?" in bench.asked[0].words
    assert not case(bench).read_labels().array.any()


def test_the_scope_falls_back_with_another_region_and_another_case(bench: Bench) -> None:
    box = bench.widget.review_page.regions
    bench.widget.show_page("Review")
    whole = box.parts.findText("The whole case")
    box.parts.setCurrentIndex(whole)
    press(bench.viewer, "Alt-N")
    assert box.parts.currentText() == "This region"
    box.parts.setCurrentIndex(whole)
    press(bench.viewer, "Alt-N")
    assert box.parts.currentText() == "This region"
    box.parts.setCurrentIndex(whole)
    propose(Project.open(bench.widget.session.board.facts.project.root), "case-3")
    bench.open("case-3")
    bench.until(lambda: bench.state.review.can_review)
    assert box.parts.currentText() == "This region"
