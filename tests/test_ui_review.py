"""Reviewing region by region: a session on a viewer model without a window, so that undo is napari's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fixtures import make_project
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from napari.components import ViewerModel
from test_ui_session import DirectJobs, Driver

from napari_medssl.imaging import Grid
from napari_medssl.project import Project
from napari_medssl.project.reviews import read_decisions
from napari_medssl.selection.regions import Regions, find_regions
from napari_medssl.ui.compat import camera
from napari_medssl.ui.deciding import Part, changes_of, places_of, state_of
from napari_medssl.ui.differing import counts_of, difference
from napari_medssl.ui.display import Display
from napari_medssl.ui.layers import CaseLayers
from napari_medssl.ui.reviewview import previous_run, size_text
from napari_medssl.ui.session import Session

REGION = Part("region")


class World:
    """A session whose screen is layers of a viewer model."""

    def __init__(self, root: Path) -> None:
        self.now = 0.0
        self.viewer = ViewerModel()
        self.layers = CaseLayers(
            self.viewer, lambda sure: self.session.cases.edited(sure), lambda: None,
            on_stroke=lambda: self.session.cases.stroked(),
        )  # fmt: skip
        self.session: Session = Session(
            self.layers, Driver(), DirectJobs(), lambda handle, on_status: lambda: None, author="anna",
            clock=lambda: self.now,
        )  # type: ignore[arg-type]  # fmt: skip
        self.session.open_project(root)
        self.project = Project.open(root)

    @property
    def review(self) -> Any:
        return self.session.state.review

    @property
    def states(self) -> list[str]:
        return [line.state for line in self.review.lines]

    @property
    def labels(self) -> Any:
        return self.layer("labels")

    @property
    def said(self) -> str:
        return (self.session.state.message or ("", ""))[1]

    def layer(self, role: str) -> Any:
        (found,) = [one for one in self.viewer.layers if one.metadata.get("medssl", {}).get("role") == role]
        return found

    def roles(self) -> list[str]:
        return [one.metadata.get("medssl", {}).get("role") for one in self.viewer.layers]

    def open(self, name: str = "case-2") -> None:
        self.session.cases.open(name)

    def tick(self, seconds: float = 0.05) -> None:
        self.now += seconds
        self.session.tick()

    def decide(self, verb: Any, part: Part = REGION) -> None:
        self.session.review.decide(verb, part)

    def places(self, number: int) -> np.ndarray:
        return np.asarray(self.session.cases._shown.proposal.doubt.regions.places[number - 1])

    def proposed(self) -> np.ndarray:
        return np.asarray(self.session.cases._shown.proposal.labels)

    def draw(self, places: np.ndarray, value: int) -> None:
        """One stroke of napari's brush over these places."""
        at = np.unravel_index(places, self.labels.data.shape)
        with self.labels.block_history():
            self.labels.data_setitem(at, value)
        self.tick()


def propose(project: Project, name: str = "case-2", run: str = "bcp-001", shift: int = 0) -> None:
    """A proposal with two doubtful places and an island."""
    case = project.case(name)
    labels, doubt = np.zeros(case.grid.shape, np.uint8), np.zeros(case.grid.shape, np.float32)
    labels[3:9, 3 + shift : 12 + shift, 4:10] = 2
    labels[13, 14, 13] = 1
    labels[13, 3, 2:14] = 1
    doubt[2:5, 3:7, 4:8] = 0.9
    doubt[2:5, 12:15, 4:8] = 0.8
    project.run_folder(run, create=True)
    case.save_proposal(run, labels, {"entropy": doubt}, 0.4, {"expected_dice": {"dark": 0.6}})


@pytest.fixture
def world(tmp_path: Path) -> World:
    project = make_project(tmp_path)
    propose(project)
    world = World(tmp_path / "project")
    world.open()
    return world


def test_regions_come_with_the_case(world: World) -> None:
    assert len(world.review.lines) == 3
    assert world.states == ["open"] * 3
    assert world.review.text == "0 of 3 reviewed"
    assert [line.number for line in world.review.lines] == [1, 2, 3]
    assert world.review.lines[2].reason == "A separate island of 1 voxel of bright"
    assert all(len(line.tile) == 56 * 56 * 3 for line in world.review.lines)
    assert world.review.current is None
    world.session.cases.open("case-3")
    assert not world.review.can_review
    assert world.review.lines == ()


@pytest.mark.parametrize("plane", ["axial", "coronal", "sagittal"])
def test_going_to_a_region_centres_all_axes_and_frames_it(world: World, plane: str) -> None:
    world.layers.look_from(plane)
    before = camera(world.viewer).zoom
    world.session.review.go(1)
    region = world.session.cases._shown.proposal.doubt.regions.found[0]
    display = world.session.cases._shown.display
    assert world.review.current == 1
    assert tuple(world.viewer.dims.current_step) == region.centre
    assert camera(world.viewer).zoom > before
    shown = list(world.viewer.dims.displayed)
    middle = [(sum(region.box[axis]) - 1) / 2 * display.scale[axis] + display.translate[axis] for axis in range(3)]
    np.testing.assert_allclose(camera(world.viewer).center[-2:], [middle[axis] for axis in shown])
    mark = world.layer("mark")
    assert not mark.editable
    low = np.asarray(mark.translate) - display.translate
    np.testing.assert_allclose(low / display.scale, [max(0, first - 4) for first, _ in region.box], atol=1e-9)
    inside = np.argwhere(mark.data) + np.rint(low / display.scale).astype(int)
    assert all(inside.min(0) <= [first for first, _ in region.box])
    assert all(inside.max(0) >= [end - 1 for _, end in region.box])
    assert not mark.data.all(), "a contour needs something outside"
    assert world.viewer.layers.selection.active is world.labels
    assert world.layers.plane() == plane


def test_next_goes_to_what_is_open_and_before_through_all(world: World) -> None:
    go = world.session.review.go
    go(1)
    world.decide("accept")
    seen = []
    for _ in range(3):
        go(1)
        seen.append(world.review.current)
    assert seen == [2, 3, 2], "the first one is done"
    go(-1)
    assert world.review.current == 1
    go(-1)
    assert world.review.current == 3
    assert world.roles().count("mark") == 1


def test_what_a_person_erased_is_background_until_something_is_rejected_there(world: World) -> None:
    world.session.review.go(1)
    world.session.cases.correct()
    places = world.places(1)
    erased = places[world.proposed().reshape(-1)[places] > 0][:4]
    world.draw(erased, 0)
    world.decide("redo")
    now = world.labels.data.reshape(-1)
    assert (now[erased] == 0).all()
    assert (now[np.setdiff1d(places, erased)] == 255).all()
    world.decide("reject")
    world.decide("redo")
    assert (world.labels.data.reshape(-1)[places] == 255).all()


def test_going_works_on_flat_images_and_in_three_dimensions(tmp_path: Path, world: World) -> None:
    world.viewer.dims.ndisplay = 3
    world.session.review.go(1)
    assert camera(world.viewer).center != (0, 0, 0)
    assert not world.layer("mark").visible, "a solid box would hide the place"
    world.viewer.dims.ndisplay = 2
    assert world.layer("mark").visible
    project = make_project(tmp_path / "flat", "raster")
    case = project.case("case-2")
    labels, doubt = np.zeros(case.grid.shape, np.uint8), np.zeros(case.grid.shape, np.float32)
    labels[4:12, 4:12], doubt[3:7, 3:7] = 1, 0.9
    project.run_folder("bcp-001", create=True)
    case.save_proposal("bcp-001", labels, {"entropy": doubt}, 0.4, {})
    flat = World(tmp_path / "flat" / "project")
    flat.open()
    flat.session.review.go(1)
    assert tuple(flat.viewer.dims.current_step)[-2:] == flat.session.cases._shown.proposal.doubt.regions.found[0].centre
    assert flat.review.lines[0].size.endswith("px at stake")
    flat.decide("reject")
    assert flat.states[0] == "rejected"
    flat.decide("accept", Part("slice"))
    assert "no single slice" in flat.said


def test_accepting_takes_the_proposal_where_nobody_drew_as_one_step(world: World) -> None:
    world.session.review.go(1)
    places = world.places(1)
    mine = places[:3]
    world.draw(mine, 1)
    assert world.states[0] == "corrected"
    before = world.labels.data.copy()
    world.decide("accept")
    now = world.labels.data.reshape(-1)
    assert (now[mine] == 1).all(), "what I drew stays"
    np.testing.assert_array_equal(now[places[3:]], world.proposed().reshape(-1)[places[3:]])
    assert (world.proposed().reshape(-1)[places] == 0).any(), "background is accepted, too"
    outside = np.setdiff1d(np.arange(now.size), places)
    assert (now[outside] == 255).all()
    assert world.session.cases._autosave.strokes() == 1, "mine; to accept is none"
    world.labels.undo()
    np.testing.assert_array_equal(world.labels.data, before)
    world.tick()
    assert world.states[0] == "corrected"


def test_states_follow_decisions_and_undo(world: World) -> None:
    world.session.review.go(1)
    world.decide("accept")
    assert world.states[0] == "accepted"
    assert world.review.text == "1 of 3 reviewed"
    world.decide("reject")
    assert world.states[0] == "rejected"
    assert not world.labels.data.reshape(-1)[world.places(1)].any()
    world.decide("accept")
    assert world.states[0] == "rejected"
    assert "Alt+X" in world.said
    world.labels.undo()
    world.tick()
    assert world.states[0] == "accepted"
    world.labels.undo()
    world.tick()
    assert world.states[0] == "open"
    world.labels.redo()
    world.labels.redo()
    world.tick()
    assert world.states[0] == "rejected"
    world.decide("redo")
    assert world.states[0] == "open"
    assert (world.labels.data == 255).all()


def test_decisions_need_a_place(world: World) -> None:
    world.decide("accept")
    assert "Alt+N" in world.said
    assert (world.labels.data == 255).all()
    world.open("case-3")
    for act in (lambda: world.session.review.go(1), lambda: world.decide("reject")):
        world.session.dismiss()
        act()
        assert "no proposal for this case" in world.said


def test_by_slice_class_and_case(world: World) -> None:
    proposed = world.proposed()
    step = int(world.viewer.dims.current_step[0])
    world.decide("accept", Part("slice"))
    np.testing.assert_array_equal(world.labels.data[step], proposed[step])
    assert (np.delete(world.labels.data, step, axis=0) == 255).all()
    world.decide("redo", Part("slice"))
    assert (world.labels.data == 255).all()
    world.decide("accept", Part("class", "2"))
    assert ((world.labels.data == 2) == (proposed == 2)).all()
    assert not (world.labels.data == 1).any()
    world.decide("reject", Part("class", "2"))
    assert not world.labels.data[proposed == 2].any()
    world.decide("redo", Part("class", "2"))
    assert (world.labels.data == 255).all()
    world.decide("reject", Part("case"))
    assert world.states == ["open", "open", "rejected"] or "rejected" in world.states
    assert not world.labels.data[proposed > 0].any()
    world.decide("redo", Part("case"))
    assert (world.labels.data == 255).all()
    world.decide("accept", Part("case"))
    assert world.session.state.actions.save_text == "Saved"
    assert world.project.case("case-2").latest().origin == "accepted"


def test_after_the_last_region_the_case_is_offered(world: World) -> None:
    for _ in range(3):
        world.session.review.go(1)
        world.decide("accept")
    assert "Alt+A accepts the case" in world.said
    assert world.review.text == "all 3 reviewed. Accept the case (Alt+A)."
    world.session.cases.finish(accept=True, then=world.session.open_next)
    assert world.session.state.current == "case-3"
    assert "Now case-3: no model has seen it yet" in world.said


def test_what_was_decided_is_there_when_the_case_is_opened_again(world: World, tmp_path: Path) -> None:
    world.session.review.go(1)
    world.decide("accept")
    world.session.review.go(1)
    world.decide("reject")
    world.session.review.go(1)
    world.draw(world.places(3), 2)
    world.tick(3.0)
    assert world.states == ["accepted", "rejected", "corrected"]
    world.session.close()
    again = World(tmp_path / "project")
    again.open()
    assert again.states == ["accepted", "rejected", "corrected"]
    told = read_decisions(world.project.case("case-2"), "bcp-001")
    assert [(one.verb, one.scope, one.author) for one in told] == [
        ("accept", "region", "anna"), ("reject", "region", "anna"), ("correct", "region", "anna"),
    ]  # fmt: skip


def test_a_new_proposal_leaves_labels_alone_and_what_is_decided_needs_no_look(world: World) -> None:
    world.session.review.go(1)
    world.decide("accept")
    drawn, layer = world.labels.data.copy(), world.labels
    propose(world.project, run="bcp-002", shift=1)
    world.session.cases.fetch_proposal()
    assert world.session.state.actions.proposal == "bcp-002"
    assert world.labels is layer
    np.testing.assert_array_equal(layer.data, drawn)
    assert "mark" not in world.roles(), "it marked a place of the proposal before"
    assert world.review.current is None
    before = [line for line in world.review.lines if line.state == "before"]
    places = [world.places(line.number) for line in before]
    assert all((layer.data.reshape(-1)[place] != 255).all() for place in places)
    assert "open" in world.states
    layer.undo()
    world.tick()
    assert (layer.data == 255).all()


def test_a_region_of_a_case_that_is_all_decided_is_reviewed(world: World) -> None:
    world.session.cases.finish(accept=True)
    world.open("case-3")
    world.open("case-2")
    assert world.states == ["before"] * 3
    world.session.review.go(1)
    world.decide("redo")
    assert world.states[0] == "open"
    world.tick(3.0)
    saved = world.project.case("case-2").read_labels()
    assert (saved.array == 255).sum() == len(world.places(1)), "looked at again, and not background"


def test_locked_structures_stay_as_they_are(world: World) -> None:
    world.decide("accept", Part("class", "2"))
    world.layers.gate.lock({2})
    world.decide("reject", Part("class", "2"))
    assert ((world.labels.data == 2) == (world.proposed() == 2)).all()


def test_overlays_are_filled_faded_and_stay_so(world: World) -> None:
    overlays = world.layers.overlays
    overlays.toggle_filled()
    overlays.fade(-3)
    assert world.layer("proposal").contour == 0
    assert world.layer("proposal").opacity == pytest.approx(0.5)
    overlays.fade(-9)
    assert world.layer("uncertainty").opacity == pytest.approx(0.1), "never gone"
    world.open("case-2")
    assert world.layer("proposal").contour == 0
    assert world.layer("proposal").opacity == pytest.approx(0.1)
    overlays.fade(20)
    overlays.toggle_filled()
    assert (world.layer("proposal").contour, world.layer("proposal").opacity) == (1, 1.0)


def test_the_difference_goes_round_and_follows_what_is_drawn(world: World) -> None:
    propose(world.project, run="bcp-002", shift=1)
    world.session.cases.fetch_proposal()
    cycle = world.session.compare.cycle
    world.session.cases.correct()
    cycle()
    assert world.review.compare == "labels"
    layer = world.layer("difference")
    assert not layer.editable
    assert world.viewer.layers[-1] is layer, "its colours are not mixed with those of the labels"
    assert not layer.data.any(), "a copy of the proposal is no other opinion"
    world.draw(np.flatnonzero(world.proposed() == 2)[:4], 0)
    world.draw(np.flatnonzero(world.proposed() == 0)[:5], 1)
    world.draw(np.flatnonzero(world.proposed() == 2)[4:6], 1)
    world.tick()
    world.tick(1.0)
    assert np.bincount(world.layer("difference").data.reshape(-1), minlength=4)[1:].tolist() == [4, 5, 2]
    assert [words for _, words in world.review.legend] == [
        "only the model: 4 voxels", "only you: 5 voxels", "another class: 2 voxels",
    ]  # fmt: skip
    cycle()
    assert world.review.compare == "previous"
    assert world.layer("difference").metadata["medssl"]["kind"] == "previous"
    assert [words for _, words in world.review.legend] == [
        "new: 36 voxels", "gone since bcp-001: 36 voxels", "another class: 0 voxels",
    ]  # fmt: skip
    cycle()
    assert world.review.compare == ""
    assert "difference" not in world.roles()
    assert world.viewer.layers.selection.active is world.labels


def test_without_an_earlier_proposal_the_difference_is_with_the_labels_only(world: World) -> None:
    world.session.compare.cycle()
    assert world.review.compare == "labels"
    world.session.compare.choose("previous")
    assert "no earlier proposal" in world.said
    world.session.compare.cycle()
    assert world.review.compare == ""


# --- the page


def press(viewer: ViewerModel, key: str) -> None:
    from napari.utils.key_bindings import coerce_keybinding

    viewer.keymap[coerce_keybinding(key)](viewer)


def test_the_page_is_gone_through_by_keys_and_buttons(qtbot: Any, tmp_path: Path) -> None:
    from qtpy.QtCore import Qt
    from test_ui_widget import Bench, choose

    project = make_project(tmp_path)
    propose(project)
    bench = Bench(qtbot, tmp_path / "project")
    page = bench.widget.review_page
    box = page.regions
    assert not box.verbs["accept"].isEnabled()
    assert not box.next.isEnabled()
    bench.open("case-2")
    bench.widget.show_page("Review")
    assert page.minimumSizeHint().width() <= 300, "beside a scroll bar in a dock of 330 pixels"
    assert box.list.count() == 3
    assert box._title.text() == "Doubtful regions: 0 of 3 reviewed"
    assert box.list.currentRow() == -1
    press(bench.viewer, "Alt-N")
    assert box.list.currentRow() == 0
    press(bench.viewer, "Alt-Y")
    assert "✓ accepted" in box.list.item(0).text()
    assert box.list.item(0).data(Qt.ItemDataRole.AccessibleTextRole) == box.list.item(0).text()
    press(bench.viewer, "Alt-R")
    assert "✗ rejected" in box.list.item(0).text()
    press(bench.viewer, "Alt-X")
    assert "○ open" in box.list.item(0).text()
    bench.click(box.next)
    assert bench.state.review.current == 2
    press(bench.viewer, "Alt-B")
    box.list.itemClicked.emit(box.list.item(2))
    assert bench.state.review.current == 3
    box.parts.setCurrentIndex(box.parts.findText("All dark"))
    bench.click(box.verbs["accept"])
    layer = bench.viewer.layers["case-2 · labels"]
    assert (layer.data == 2).any()
    assert not (layer.data == 1).any()
    bench.click(page.overlays.filled)
    assert bench.viewer.layers["case-2 · proposal"].contour == 0
    press(bench.viewer, "Alt-Q")
    assert not page.overlays.filled.isChecked()
    press(bench.viewer, "Alt-J")
    assert page.overlays.opacity.value() == 7
    press(bench.viewer, "Alt-K")
    page.overlays.opacity.setValue(3)
    assert bench.viewer.layers["case-2 · proposal"].opacity == pytest.approx(0.3)
    press(bench.viewer, "Alt-I")
    bench.until(lambda: "0 voxels" in page.overlays._legend[0][1].text())
    assert page.overlays.compare.currentData() == "labels"
    choose(page.overlays.compare, "")
    page.overlays.compare.activated.emit(0)
    assert page.overlays._legend[0][1].isHidden()


# --- pure


SHAPE = (6, 10, 10)
steps = st.lists(
    st.tuples(
        st.sampled_from(["accept", "reject", "redo", "paint", "undo", "napari redo"]),
        st.sampled_from(["region", "slice", "class", "case"]),
        st.integers(0, 9),
    ),
    max_size=12,
)


def a_proposal(seed: int) -> tuple[np.ndarray, Regions]:
    rng = np.random.default_rng(seed)
    labels, doubt = np.zeros(SHAPE, np.uint8), np.zeros(SHAPE, np.float32)
    labels[1:5, 2:7, 2:7] = 1
    labels[1:5, 7:9, 2:7] = 2
    doubt[0:3, 1:4, 1:4] = rng.uniform(0.4, 1)
    doubt[2:5, 6:9, 4:8] = rng.uniform(0.4, 1)
    return labels, find_regions(labels, doubt, (1.0, 1.0, 1.0), {1: "a", 2: "b"})


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 500), steps)
def test_no_decision_touches_what_a_person_drew_and_undo_takes_all_back(seed: int, walk: list[Any]) -> None:
    """A random walk of decisions, strokes and undos on a real labels layer."""
    from napari.layers import Labels

    from napari_medssl.project.reviews import Decision, decide

    proposal, regions = a_proposal(seed)
    layer = Labels(np.full(SHAPE, 255, np.uint8))
    first = layer.data.copy()
    decisions: list[Decision] = []
    for verb, scope, number in walk:
        before = layer.data.copy()
        if verb == "undo":
            layer.undo()
        elif verb == "napari redo":
            layer.redo()
        elif verb == "paint":
            at = np.unravel_index((np.arange(120) + 50 * number) % layer.data.size, SHAPE)
            with layer.block_history():
                layer.data_setitem(at, number % 3)
        else:
            what = {
                "region": regions.found[number % len(regions.found)].key,
                "slice": f"{number % 3}/{number % 6}",
                "class": str(1 + number % 2),
                "case": "",
            }[scope]
            part = Part(scope, what)
            places, values = changes_of(verb, part, layer.data, proposal, regions, decisions)
            assert np.isin(places, places_of(part, regions, proposal)).all()
            if places.size:
                with layer.block_history():
                    layer.data_setitem(np.unravel_index(places, SHAPE), values)
            decisions.append(decide(verb, scope, what, "anna"))
            drawn = (before != 255) & (before != proposal)  # what nobody but a person can have put there …
            if verb == "redo" and any(one.verb == "reject" for one in decisions):
                drawn &= before != 0  # … but for background, which may come from rejecting
            np.testing.assert_array_equal(layer.data[drawn], before[drawn])
            if verb == "accept":
                np.testing.assert_array_equal(layer.data[before != 255], before[before != 255])
    while layer._undo_history:
        layer.undo()
    np.testing.assert_array_equal(layer.data, first)


values = st.lists(st.sampled_from([0, 1, 2, 255]), min_size=1, max_size=6)
verbs = st.lists(st.sampled_from(["accept", "reject", "redo", "correct"]), max_size=5)


@given(verbs, values, st.integers(0, 100))
def test_a_region_is_open_as_long_as_nobody_looked_at_part_of_it_or_drew_in_it(
    decided: list[Any], here: list[int], seed: int
) -> None:
    labels = np.array(here, np.uint8)
    proposed = np.random.default_rng(seed).integers(0, 3, len(here)).astype(np.uint8)
    state = state_of(decided, labels, proposed)
    if (labels == 255).all():
        assert state == "open"
    if (labels == 255).any():
        assert state in ("open", "corrected")
    if state == "accepted":
        assert (labels == proposed).all()
    if state == "rejected":
        assert not labels.any()
    if not decided:
        assert state == ("before" if (labels != 255).all() else "open")
    assert (state == "corrected") <= ("accept" in decided or "reject" in decided or "correct" in decided)


def test_differences_are_counted_where_somebody_looked() -> None:
    here = np.array([1, 1, 0, 2, 0, 1], np.uint8)
    there = np.array([1, 0, 2, 1, 255, 255], np.uint8)
    codes = difference(here, there)
    assert codes.tolist() == [0, 1, 2, 3, 0, 0]
    assert counts_of(codes) == (1, 1, 1)


def test_the_run_before_and_sizes_in_words() -> None:
    runs = [("c", ""), ("b", "worse"), ("a", "")]
    assert [previous_run(runs, run) for run in ("c", "b", "a", "x", None)] == ["b", "a", None, None, None]
    solid, flat = Display(Grid((4, 4, 4), np.diag([1.0, 1.0, 1.0, 1.0]))), Display(Grid.raster((4, 4)))
    assert [size_text(size, solid) for size in (12.4, 999, 1500)] == ["12 mm³", "999 mm³", "1.5 ml"]
    assert size_text(12, flat) == "12 px"
