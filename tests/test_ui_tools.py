"""Tools on the Label page: a session on a viewer model, so that undo is napari's own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from fixtures import balls, make_project
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from review_world import propose
from test_ui_looked import World
from test_ui_session import DirectJobs
from test_ui_widget import Bench, choose, press

from napari_medssl.tools import catalog
from napari_medssl.tools.catalog import TOOLS, Tool
from napari_medssl.tools.options import ToolOptions
from napari_medssl.tools.scene import Scene, Wanted
from napari_medssl.ui.deciding import Part
from napari_medssl.ui.facts import ClassFacts
from napari_medssl.ui.panels.draw_box import NumberBox
from napari_medssl.ui.toolwork import _scene, _Work

UNSEEN = 255


@dataclass(frozen=True)
class NoOptions(ToolOptions):
    """None."""


class HeldJobs(DirectJobs):
    """Does everything at once but the work of tools, which waits until it is let go."""

    def __init__(self) -> None:
        self.held: list[Callable[[], None]] = []

    def submit(self, lane: str, *rest: Any) -> None:
        if lane == "tools":
            self.held.append(lambda: DirectJobs.submit(self, lane, *rest))
        else:
            super().submit(lane, *rest)

    def let_go(self) -> None:
        """What waits is done now; what it begins waits again."""
        waiting, self.held = self.held, []
        for job in waiting:
            job()


@pytest.fixture
def world(tmp_path: Path) -> World:
    project = make_project(tmp_path)
    propose(project)
    world = World(tmp_path / "project")
    world.open()
    return world


@pytest.fixture
def held(world: World) -> HeldJobs:
    jobs = HeldJobs()
    world.session.tools._jobs = jobs
    return jobs


def block(world: World, value: int = 1) -> np.ndarray:
    """A block of a structure, drawn as one stroke; the labels with it."""
    labels = world.labels
    places = np.zeros(labels.data.shape, bool)
    places[5:9, 6:11, 6:11] = True
    world.draw(np.flatnonzero(places), value)
    labels.selected_label = value
    return np.array(labels.data)


def give(world: World, monkeypatch: pytest.MonkeyPatch, work: Callable[[Scene, Any], Wanted], **more: Any) -> None:
    """Put a tool of the test's own into the catalog, as "own"."""
    tool = Tool("own", "Own", "For this test.", "Border", NoOptions, work, **more)
    monkeypatch.setitem(catalog.BY_NAME, "own", tool)


def everywhere(scene: Scene, options: Any) -> Wanted:
    """All of the box becomes the class in hand."""
    box = scene.box or tuple(slice(0, size) for size in scene.labels.shape)
    return Wanted(box, np.full(scene.labels[box].shape, scene.value, np.uint8), "Filled the box")


def test_a_tool_is_one_step_of_undo_and_says_what_it_did(world: World) -> None:
    drawn = block(world)
    strokes = world.session.cases.saver.autosave._strokes
    world.session.tools.apply("grow", {"mm": 1.0})
    grown = np.array(world.labels.data)
    assert ((grown == 1) > (drawn == 1)).any()
    assert (grown[drawn == 1] == 1).all()
    assert world.said
    assert world.tools.running == ""
    assert world.session.state.actions.save_text == "Changes not saved yet"
    assert world.session.cases.saver.autosave._strokes == strokes, "a tool is no stroke"
    world.labels.undo()
    np.testing.assert_array_equal(world.labels.data, drawn)


def test_it_works_on_the_structure_in_hand_only(world: World) -> None:
    drawn = block(world)
    world.labels.selected_label = UNSEEN
    world.session.tools.apply("grow", {})
    assert "structure" in world.said
    np.testing.assert_array_equal(world.labels.data, drawn)
    world.session.tools.apply("grow", {"mm": -3.0})
    assert "between" in world.said


@pytest.mark.parametrize(("plane", "axis"), [("axial", 0), ("coronal", 1), ("sagittal", 2)])
def test_the_box_is_what_is_in_view_and_some_slices(
    world: World, monkeypatch: pytest.MonkeyPatch, plane: str, axis: int
) -> None:
    give(world, monkeypatch, everywhere, needs=frozenset({"class", "box"}))
    world.layers.look_from(plane)
    world.viewer.dims.set_current_step(axis, 5)
    world.labels.corner_pixels = np.array([[2, 2, 2], [9, 9, 9]])
    world.labels.selected_label = 2
    world.session.tools.apply("own", {}, "view", 2)
    expected = [slice(2, 10)] * 3
    expected[axis] = slice(3, 8)
    assert (world.labels.data[tuple(expected)] == 2).all()
    assert (world.labels.data == 2).sum() == 8 * 8 * 5
    world.viewer.dims.ndisplay = 3
    world.session.tools.apply("own", {}, "view", 2)
    assert "no single slice" in world.said
    world.session.tools.apply("own", {}, "region")
    assert "Alt+N" in world.said
    world.session.review.go(1)
    box = world.session.review.region_box()
    world.labels.undo()
    world.session.tools.apply("own", {}, "region")
    assert (world.labels.data[box] == 2).all()
    assert (world.labels.data == 2).sum() == np.prod([one.stop - one.start for one in box])


def test_a_locked_structure_stays(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    give(world, monkeypatch, lambda scene, options: replace(everywhere(scene, options), over_others=True))
    drawn = block(world)
    facts = world.session.board.facts.project
    assert facts is not None
    world.layers.set_classes([replace(one, locked=one.value == 1) for one in facts.classes])
    world.labels.selected_label = 2
    world.session.tools.apply("own", {})
    np.testing.assert_array_equal(world.labels.data == 1, drawn == 1)
    assert (world.labels.data == 2).sum() == (drawn != 1).sum()


def test_the_range_of_drawing_does_not_hold_for_tools(world: World) -> None:
    block(world)
    world.session.within.keep_to((1e5, 2e5))
    before = int((world.labels.data == 1).sum())
    world.session.tools.apply("grow", {})
    assert (world.labels.data == 1).sum() > before


def test_what_is_drawn_meanwhile_counts(world: World, held: HeldJobs) -> None:
    block(world)
    world.session.tools.apply("grow", {"mm": 1.0})
    assert world.tools.running == "Grow"
    world.session.tools.apply("shrink", {})
    assert "still at work" in world.said
    world.draw(np.array([0]), 1)  # far from the block
    held.let_go()
    assert world.labels.data.reshape(-1)[1] == UNSEEN, "it was begun before the stroke: it begins anew"
    held.let_go()
    assert world.labels.data.reshape(-1)[1] == 1


def test_after_some_tries_it_gives_up(world: World, held: HeldJobs) -> None:
    drawn = block(world)
    world.session.tools.apply("grow", {})
    for number in range(3):
        job = held.held.pop()
        world.draw(np.array([number * 5]), 2)
        job()
    assert not held.held
    assert "you drew while it worked" in world.said
    assert world.tools.running == ""
    np.testing.assert_array_equal(world.labels.data == 1, drawn == 1)


@pytest.mark.parametrize("how", ["stop", "another case", "no case", "the window"])
def test_nobody_waits_for_it_any_more(world: World, held: HeldJobs, how: str) -> None:
    drawn, labels = block(world), world.labels
    world.session.tools.apply("grow", {})
    work = world.session.tools._work
    assert work is not None
    match how:
        case "stop":
            world.session.tools.stop()
            assert "nothing was changed" in world.said
        case "another case":
            world.open("case-3")
        case "no case":
            world.session.cases.leave()
            world.tick()
        case "the window":
            world.session.close()
    assert work.stopped
    held.let_go()
    np.testing.assert_array_equal(labels.data, drawn)
    assert world.tools.running == ""
    if how == "another case":
        assert (world.labels.data == UNSEEN).all()


def test_axes_that_are_not_at_right_angles_are_told(tmp_path: Path) -> None:
    project = make_project(tmp_path, labelled=0, unlabelled=0)
    affine = np.diag([1.0, 1.0, 2.0, 1.0])
    affine[1, 2] = 0.8  # each slice lies further to the front, as with a tilted gantry
    path = tmp_path / "tilted.nii"
    nib.save(nib.Nifti1Image(balls((16, 18, 16), 0)[0][0], affine), path)
    project.add_case(path, name="tilted")
    world = World(tmp_path / "project")
    world.open("tilted")
    block(world)
    world.session.tools.apply("grow", {"mm": 1.0})
    assert world.said.startswith("Grown by 1 mm: 0.")
    assert "not at right angles" in world.said
    more = int((world.labels.data == 1).sum()) - 4 * 5 * 5
    assert f"{more * 2 / 1000:.2f} ml more" in world.said, (
        "volumes are true: slices moved sideways are as large as before"
    )
    world.session.tools.apply("keep_largest", {})
    assert "right angles" not in world.said


def test_a_fault_ends_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(scene: Scene, options: Any) -> Wanted:
        raise ZeroDivisionError("oh")

    give(world, monkeypatch, fail)
    world.labels.selected_label = 1
    world.session.tools.apply("own", {})
    assert "fault of the program" in world.said
    assert world.tools.running == ""


def test_progress_is_told(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[float] = []

    def slow(scene: Scene, options: Any) -> Wanted:
        for share in (0.2, 0.201, 0.7):
            scene.at(share)
            world.tick()
            seen.append(world.tools.share)
        return everywhere(scene, options)

    give(world, monkeypatch, slow)
    world.labels.selected_label = 1
    world.session.tools.apply("own", {})
    assert seen == [0.2, 0.2, 0.7]


def test_a_proposal_and_the_channel_on_the_screen_are_given(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[Scene] = []

    def look(scene: Scene, options: Any) -> Wanted:
        given.append(scene)
        return everywhere(scene, options)

    give(world, monkeypatch, look, needs=frozenset({"class", "image"}), uses=frozenset({"probability", "slice"}))
    world.labels.selected_label = 2
    world.session.tools.apply("own", {})
    (scene,) = given
    np.testing.assert_array_equal(scene.image, world.image())
    assert scene.image.dtype.kind == "f"
    assert scene.spacing == world.session.cases._shown.display.scale
    assert scene.plane == world.layers.slice_shown()
    proposed = world.proposed()
    assert (scene.probability[proposed == 2] >= 0.5).all()
    assert (scene.probability[proposed != 2] <= 0.5).all()
    assert 0.5 < scene.probability[proposed == 2].min() < 0.6


# --- any day of work


Act = st.one_of(
    st.tuples(st.just("tool"), st.sampled_from([tool.name for tool in TOOLS])),
    st.tuples(st.just("stroke"), st.sampled_from([0, 1, 2, UNSEEN])),
    st.tuples(st.just("decide"), st.sampled_from(["accept", "reject", "redo"])),
    st.tuples(st.just("mark"), st.sampled_from(["slice", "view", "region"])),
    st.tuples(st.just("unmark"), st.sampled_from(["slice", "region"])),
    st.tuples(st.just("undo"), st.just("")),
)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=st.lists(Act, min_size=3, max_size=10), value=st.sampled_from([1, 2]), seed=st.integers(0, 99))
def test_undo_returns_to_the_first_state_and_locked_structures_stay(
    world: World, acts: list[tuple[str, Any]], value: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    world.open("case-3")
    world.open()
    labels = world.labels
    first = rng.choice(np.array([UNSEEN, UNSEEN, UNSEEN, 0, 1, 2, 3], np.uint8), labels.data.shape)
    labels.data[:] = first  # as if it had been read so
    locked = [ClassFacts(3, "locked", "#ffffff", "3", True)]
    world.layers.set_classes([*world.session.state.classes, *locked])
    labels.selected_label = value
    world.session.review.go(1)
    for what, which in acts:
        before = np.array(labels.data)
        steps = len(labels._undo_history)
        match what:
            case "tool":
                world.session.tools.apply(which, {}, "view", 1)
            case "stroke":
                world.draw(rng.choice(labels.data.size, 40, replace=False), which)
            case "decide":
                world.session.review.decide(which, Part("region"))
            case "mark":
                world.session.looked.mark(which)
            case "unmark":
                world.session.looked.unmark(which)
            case "undo":
                labels.undo()
        level = (world.session.state.message or ("info", ""))[0]
        assert level != "error" or "fault" not in world.said, world.said
        np.testing.assert_array_equal(labels.data == 3, first == 3)
        if what != "undo":
            assert len(labels._undo_history) - steps == int(not np.array_equal(before, labels.data))
        if what == "tool":
            changed = before != labels.data
            assert not (changed & (before == UNSEEN) & (labels.data == 0)).any(), f"{which}: background unasked"
    while labels._undo_history:
        labels.undo()
    np.testing.assert_array_equal(labels.data, first)


# --- the box on the page


@pytest.fixture
def bench(qtbot: Any, tmp_path: Path) -> Bench:
    project = make_project(tmp_path)
    propose(project)
    bench = Bench(qtbot, tmp_path / "project")
    bench.open("case-2")
    bench.widget.label_page.tools.fold.setChecked(True)
    return bench


def test_each_tool_has_its_form_and_fits_a_narrow_dock(bench: Bench) -> None:
    page = bench.widget.label_page
    for tool in TOOLS:
        choose(page.tools.tools, tool.name)
        page.tools.tools.activated.emit(page.tools.tools.currentIndex())
        assert page.tools.tool is tool
        asked = [page.tools.where.itemData(at) for at in range(page.tools.where.count())]
        assert bool(asked) == ("box" in tool.needs | tool.uses)
        assert ("scan" in asked) == ("box" in tool.uses)
        assert page.minimumSizeHint().width() <= 300, tool.name
    titles = [page.tools.tools.itemText(at).strip() for at in range(page.tools.tools.count())]
    assert {tool.title for tool in TOOLS} <= set(titles)


def test_a_tool_is_chosen_set_and_applied_by_its_key(bench: Bench) -> None:
    box, layer = bench.widget.label_page.tools, bench.viewer.layers["case-2 · labels"]
    layer.data[5:9, 6:11, 6:11] = 1
    choose(box.tools, "grow")
    box.tools.activated.emit(box.tools.currentIndex())
    form = box._forms["grow"]
    form.set_value({"mm": 2.0})
    press(bench.viewer, "Ctrl-Alt-A")
    bench.until(lambda: (layer.data == 1).sum() > 100)
    wide = int((layer.data == 1).sum())
    layer.undo()
    assert (layer.data == 1).sum() == 100
    form.set_value({})
    bench.click(box.start)
    bench.until(lambda: (layer.data == 1).sum() > 100)
    assert (layer.data == 1).sum() < wide
    bench.until(lambda: box.start.isEnabled())
    assert box.bar.isHidden()


def test_one_sees_how_far_it_is_and_stops_it(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    go_on = Event()

    def slow(scene: Scene, options: Any) -> Wanted:
        scene.at(0.4)
        go_on.wait(60)
        scene.at(0.5)
        return everywhere(scene, options)

    monkeypatch.setitem(catalog.BY_NAME, "grow", replace(catalog.BY_NAME["grow"], work=slow))
    box = bench.widget.label_page.tools
    choose(box.tools, "grow")
    box.tools.activated.emit(box.tools.currentIndex())
    bench.click(box.start)
    bench.until(lambda: box.bar.isVisible() and box.bar.value() == 40)
    assert not box.start.isEnabled()
    box.fold.setChecked(False)
    assert box.cancel.isVisible(), "what runs can be stopped"
    bench.click(box.cancel)
    assert not box.cancel.isVisible()
    go_on.set()
    bench.until(lambda: "nothing was changed" in bench.state.message[1])
    assert (bench.viewer.layers["case-2 · labels"].data == UNSEEN).all()


def test_a_range_is_typed_taken_and_goes_off_with_the_case(bench: Bench) -> None:
    within, layer = bench.widget.label_page.within, bench.viewer.layers["case-2 · labels"]
    within.low.setValue(-0.5)
    assert bench.state.tools.facts.within is None, "numbers alone change nothing"
    within.high.setValue(0.5)
    within.on.click()
    assert bench.state.tools.facts.within == (-0.5, 0.5)
    within.high.setValue(0.25)
    assert bench.state.tools.facts.within == (-0.5, 0.25)
    layer.paint((7, 8, 8), 1)
    bench.click(within.here)
    low, high = bench.state.tools.facts.within
    assert (within.low.value(), within.high.value()) == (pytest.approx(low, abs=1e-4), pytest.approx(high, abs=1e-4))
    bench.open("case-3")
    assert not within.on.isChecked()
    assert within.high.value() == pytest.approx(high, abs=1e-4), "the numbers stay in hand"
    within.on.click()
    assert bench.state.tools.facts.within == (within.low.value(), within.high.value())


def test_a_tool_is_given_in_its_box_what_it_is_given_of_all(bench: Bench) -> None:
    desk = bench.widget.session.tools
    snap = next(tool for tool in TOOLS if tool.name == "snap")
    hand, box = desk._view.at_hand(), (slice(2, 9), slice(3, 12), slice(1, 8))
    assert hand is not None
    assert desk._shown is not None
    proposal = desk._shown.proposal
    assert proposal is not None
    part, whole = (_scene(_Work(snap, snap.options(), hand, where), proposal) for where in (box, None))
    for here, all_of_it in ((part.image, whole.image), (part.probability, whole.probability)):
        assert here is not None
        assert all_of_it is not None
        assert here.shape == hand.labels.shape
        np.testing.assert_array_equal(here[box], all_of_it[box])
        assert np.ptp(here[box]) > 0


def test_of_a_range_the_end_that_was_typed_stays_and_takes_the_other_along(bench: Bench) -> None:
    within = bench.widget.label_page.within
    within.low.setValue(0.0)
    within.high.setValue(1.0)
    within.on.click()
    within.low.setValue(5.0)
    assert bench.state.tools.facts.within == (5.0, 5.0), "the higher end is typed next"
    within.high.setValue(8.0)
    assert bench.state.tools.facts.within == (5.0, 8.0)
    within.high.setValue(2.0)
    assert bench.state.tools.facts.within == (2.0, 2.0)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (-0.0, "0"), (100000.0, "100000"), (-1000.0, "-1000"), (0.0312, "0.0312"), (12.5, "12.5")],
)
def test_numbers_are_written_as_people_do(qtbot: Any, value: float, text: str) -> None:
    box = NumberBox("number", "A number.")
    qtbot.addWidget(box)
    box.setValue(value)
    assert box.text() == text


def test_what_was_looked_at_is_marked_and_shaded(bench: Bench) -> None:
    page, layer = bench.widget.label_page, bench.viewer.layers["case-2 · labels"]
    box = page.looked
    assert not box.where.model().item(box.where.findData("region")).isEnabled()
    bench.click(box.looked)
    assert page.shade.isChecked()
    axis, number = bench.widget.layers.slice_shown()
    assert (np.take(layer.data, number, axis) == 0).all()
    bench.until(lambda: "100 % of this slice" in box._says.text())
    bench.click(box.back)
    assert (layer.data == UNSEEN).all()
    bench.widget.session.review.go(1)
    assert box.where.model().item(box.where.findData("region")).isEnabled()
    choose(box.where, "region")
    bench.click(box.looked)
    assert (layer.data[bench.widget.session.review.region_box()] == 0).all()
    bench.open("case-3")
    assert box.where.currentData() == "slice"
