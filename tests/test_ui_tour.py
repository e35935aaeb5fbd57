"""The tour: steps as data, going on when a thing is done and only then; left, taken up again, offered once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fixtures import CLASSES, make_project
from qtpy.QtGui import QColor
from test_ui_session import DirectJobs
from test_ui_widget import Bench

from napari_medssl.project import Project
from napari_medssl.ui import tour, tourwork, wiring
from napari_medssl.ui.board import Board
from napari_medssl.ui.casefacts import CaseFacts
from napari_medssl.ui.reviewview import RegionLine, ReviewState
from napari_medssl.ui.runview import RunView
from napari_medssl.ui.state import CaseActions, PanelState
from napari_medssl.ui.tour import SAMPLE, STEPS, Place, Seen

REGION = RegionLine(1, "a", "The edge is unsure", "3", b"")
OPEN = CaseActions(title="c", can_label=True, save_text="Nothing to save")


def act(state: PanelState, **changes: Any) -> PanelState:
    return replace(state, actions=replace(state.actions, **changes))


# what a person does at each step, as the state then is
DOES: dict[str, Callable[[Seen], Seen]] = {
    "sample": lambda s: Seen(replace(s.state, title=SAMPLE, has_project=True, current="case-1", actions=OPEN)),
    "case": lambda s: Seen(replace(s.state, current="case-2")),
    "paint": lambda s: Seen(act(s.state, save_text="Changes not saved yet")),
    "keep": lambda s: Seen(act(s.state, save_text="Draft saved")),
    "train": lambda s: Seen(replace(s.state, run=RunView(under_way=True))),
    "doubt": lambda s: Seen(replace(s.state, run=RunView(), cases=(CaseFacts("case-3", "proposed"),))),
    "next": lambda s: Seen(act(replace(s.state, current="case-3"), can_accept=True, can_correct=True)),
    "region": lambda s: Seen(replace(s.state, review=ReviewState(lines=(REGION,), current=1))),
    "decide": lambda s: Seen(
        replace(s.state, review=ReviewState(lines=(replace(REGION, state="accepted"),), current=1))
    ),
    "correct": lambda s: Seen(act(s.state, can_correct=False)),
    "accept": lambda s: Seen(replace(s.state, progress=(s.state.progress[0] + 1, 16))),
    "progress": lambda s: Seen(s.state, frozenset({"progress"})),
    "help": lambda s: Seen(s.state, frozenset({"help"})),
}


def test_each_step_ends_when_it_is_done_and_not_before() -> None:
    assert list(DOES) == [step.key for step in STEPS]
    seen = Seen(PanelState())
    place: Place | None = tour.begin(None, seen)
    for number, step in enumerate(STEPS):
        assert place is not None
        assert place.number == number
        assert tour.follow(place, seen) is place, f"{step.key} is not done yet"
        seen = DOES[step.key](seen)
        if step.read:
            assert tour.follow(place, seen) is place, f"{step.key} is there until it was read"
            place = tour.on(place, seen)
        else:
            place = tour.follow(place, seen)
        seen = Seen(seen.state)
    assert place is None


def test_words_are_short_and_pages_exist(repository: Path) -> None:
    for step in STEPS:
        assert len(step.words) < 240, step.key
        assert step.points
        assert not step.page or (repository / "docs" / step.page).is_file(), step.page


def test_what_came_for_the_case_on_the_screen_is_no_reason_to_leave_a_step_out() -> None:
    number = [step.key for step in STEPS].index("next")
    here = Seen(PanelState(current="case-2", actions=OPEN))
    came = Seen(act(here.state, can_accept=True))
    place = Place(number, here)
    assert tour.follow(place, came) is place, "Next was not pressed yet"
    assert tour.follow(place, Seen(replace(came.state, current="case-3"))) is not place


def test_a_project_of_ones_own_is_not_the_sample() -> None:
    place = tour.begin(None, Seen(PanelState()))
    own = Seen(PanelState(title="Liver study", has_project=True, actions=OPEN))
    assert tour.follow(place, own) is place


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], tuple[Board, tourwork.TourDesk]]:
    monkeypatch.setattr(tourwork, "data_folder", lambda: tmp_path / "mine")

    def make() -> tuple[Board, tourwork.TourDesk]:
        board = Board()
        made = tourwork.TourDesk(board, DirectJobs())
        made.look()
        return board, made

    return make


def test_it_is_offered_once(desk: Any) -> None:
    board, made = desk()
    assert board.state.offer_tour
    made.decline()
    assert not board.state.offer_tour
    assert not desk()[0].state.offer_tour


def test_it_is_taken_up_where_it_was_left(desk: Any) -> None:
    board, made = desk()
    made.start()
    made.skip()
    made.skip()
    assert board.state.tour.number == 3
    made.leave()
    assert board.state.tour is None
    made.tick()
    assert board.state.tour is None, "it does not come back by itself"
    board, made = desk()
    assert not board.state.offer_tour
    made.start()
    assert board.state.tour.number == 3
    for _ in STEPS[2:]:
        made.skip()
    assert board.state.tour is None
    assert "That was the tour" in board.state.message[1]
    made.start()
    assert board.state.tour.number == 1, "after the end it begins anew"


def test_what_is_opened_counts_for_the_step_it_is_opened_in(desk: Any) -> None:
    board, made = desk()
    made.start()
    made.opened("progress")
    while board.state.tour.title != "See how the work goes on":
        made.skip()
    made.tick()
    assert board.state.tour.title == "See how the work goes on"
    made.opened("progress")
    made.tick()
    assert board.state.tour.last


def test_a_damaged_note_is_no_fault(desk: Any, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / tourwork.FILE_NAME).write_text("{")
    board, made = desk()
    assert not board.state.offer_tour
    made.start()
    assert board.state.tour.number == 1


@pytest.fixture
def bench(qtbot: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.setattr(tourwork, "data_folder", lambda: tmp_path / "mine")
    return Bench(qtbot, None)


def test_the_welcome_offers_it_and_a_frame_points_at_what_to_press(bench: Bench, tmp_path: Path) -> None:
    widget = bench.widget
    bench.until(lambda: widget.welcome.offer.isVisible())
    (take, _) = widget.welcome.offer.findChildren(type(widget.welcome.sample))
    bench.click(take)
    assert widget.tour.isVisible()
    assert not widget.welcome.offer.isVisible()
    assert "<b>Try the sample project</b>" in widget.tour._words.text()
    bench.until(lambda: widget._pointer.points_at == "welcome.sample")
    frame, sample = widget._pointer.geometry(), widget.welcome.sample
    assert frame.contains(sample.mapTo(widget, sample.rect().center()))
    assert frame.height() < 2 * sample.height()
    assert widget.minimumSizeHint().width() <= 330
    widget.session.board.set(busy="Generating …")
    bench.until(lambda: not widget._pointer.isVisible())
    widget.session.board.set(busy="")
    bench.until(lambda: widget._pointer.isVisible())
    bench.click(widget.tour.leave)
    bench.until(lambda: not widget._pointer.isVisible())
    assert not widget.tour.isVisible()


@pytest.mark.parametrize("title", [tour.SAMPLE, tour.DEMO, "Liver study"])
def test_who_never_saw_the_first_page_is_offered_it_above_the_sample(bench: Bench, title: str, tmp_path: Path) -> None:
    Project.create(tmp_path / "project", name=title, classes=CLASSES)
    bench.until(lambda: bench.state.offer_tour)
    bench.widget.open_folder(tmp_path / "project")
    bench.until(lambda: bench.state.has_project)
    panel = bench.widget.tour
    assert panel.isVisible() == (title != "Liver study"), "in a project of one's own nothing is in the way"
    if panel.isVisible():
        assert bench.widget.minimumSizeHint().width() <= 330
        bench.click(panel.no)
        assert not panel.isVisible()
        assert not bench.state.offer_tour


def test_the_names_of_sample_and_demo_are_those_that_are_given(repository: Path) -> None:
    given = {tour.SAMPLE: "ui/projects.py", tour.DEMO: "demo/setup.py"}
    for name, module in given.items():
        assert f'name="{name}"' in (repository / "napari_medssl" / module).read_text(encoding="utf-8")


def test_the_offer_above_the_sample_begins_the_tour(bench: Bench, tmp_path: Path) -> None:
    Project.create(tmp_path / "project", name=tour.SAMPLE, classes=CLASSES)
    bench.until(lambda: bench.state.offer_tour)
    bench.widget.open_folder(tmp_path / "project")
    bench.until(lambda: bench.state.has_project)
    bench.click(bench.widget.tour.take)
    assert bench.state.tour.number == 1
    assert bench.widget.tour.skip.isVisible()
    assert not bench.widget.tour.take.isVisible()


def test_every_name_of_a_step_is_a_control(bench: Bench, tmp_path: Path) -> None:
    make_project(tmp_path)
    bench.widget.open_folder(tmp_path / "project")
    bench.until(lambda: bench.state.has_project)
    bench.open("case-2")
    found = wiring.tour.controls(bench.widget)
    named = {name for step in STEPS for name in step.points}
    assert named == set(found)
    for name, control in found.items():
        assert control() is not None, name
    for step in STEPS:
        bench.widget._pointer.place(tour.tour_view(Place(STEPS.index(step))), QColor("white"))
        if step.key != "progress":
            assert bench.widget._pointer.points_at, f"{step.key}: nothing of it is in sight"
