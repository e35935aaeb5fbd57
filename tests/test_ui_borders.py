"""Regions as a person sees them: their own outline and slices, doubt while they are open, and borders made one side."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fixtures import make_project
from review_world import World
from test_ui_review import press
from test_ui_widget import Bench

from napari_medssl.project import Project
from napari_medssl.selection.regions import find_regions
from napari_medssl.ui.deciding import Part, border_changes


def propose_border(project: Project, name: str = "case-2") -> None:
    """Two structures side by side, in doubt where they meet; an island of the first."""
    case = project.case(name)
    labels, doubt = np.zeros(case.grid.shape, np.uint8), np.zeros(case.grid.shape, np.float32)
    labels[4:12, 3:8, 4:12] = 1
    labels[4:12, 8:13, 4:12] = 2
    doubt[5:11, 6:10, 5:11] = 0.9
    labels[14, 14, 13] = 1
    doubt[14, 14, 13] = 0.5
    project.run_folder("bcp-001", create=True)
    case.save_proposal("bcp-001", labels, {"entropy": doubt}, 0.4, {})


@pytest.fixture
def world(tmp_path: Path) -> World:
    propose_border(make_project(tmp_path))
    made = World(tmp_path / "project")
    made.open()
    return made


def test_a_border_says_which_two_classes_it_lies_between() -> None:
    labels, doubt = np.zeros((12, 12, 12), np.uint8), np.zeros((12, 12, 12), np.float32)
    labels[2:10, 2:6], labels[2:10, 6:10] = 1, 3
    doubt[4:8, 5:7, 4:8] = 0.9
    first = find_regions(labels, doubt, (1.0, 1.0, 1.0), {1: "a", 3: "b"}).found[0]
    assert {first.value, first.other} == {1, 3}
    assert "the border between" in first.reason
    labels[labels == 3] = 0
    first = find_regions(labels, doubt, (1.0, 1.0, 1.0), {1: "a"}).found[0]
    assert first.other == 0


@pytest.mark.parametrize("value", [1, 2])
def test_a_border_is_made_one_of_the_two_as_one_step(world: World, value: int) -> None:
    world.session.review.go(1)
    line = world.review.lines[0]
    assert line.between
    places = world.places(1)
    proposed = world.proposed().reshape(-1)[places]
    world.session.review.make(value)
    here = world.labels.data.reshape(-1)[places]
    assert (here[proposed != 0] == value).all()
    assert (here[proposed == 0] == 0).all()
    assert world.states[0] == "corrected"
    assert int((world.labels.data != 255).sum()) == places.size, "and nothing else"
    world.labels.undo()
    assert (world.labels.data == 255).all()


def test_the_other_one_may_be_chosen_after_all_and_strokes_stay(world: World) -> None:
    world.session.review.go(1)
    places = world.places(1)
    world.draw(places[:7], 1)
    world.session.review.make(1)
    world.session.review.make(2)
    here, proposed = world.labels.data.reshape(-1)[places], world.proposed().reshape(-1)[places]
    assert (here[7:][proposed[7:] != 0] == 2).all()
    drawn_otherwise = proposed[:7] != 1
    assert (here[:7][drawn_otherwise] == 1).all()


def test_background_is_not_for_a_border(world: World) -> None:
    world.session.review.go(1)
    world.decide("reject")
    assert (world.labels.data == 255).all()
    assert "hole" in world.said
    assert "Ctrl+Alt+1" in world.said
    assert "Ctrl+Alt+2" in world.said
    island = next(line for line in world.review.lines if "island" in line.reason)
    world.session.review.go_to(island.number)
    world.decide("reject")
    assert (world.labels.data == 0).any()


def test_only_a_border_is_made_something(world: World) -> None:
    world.session.review.make(1)
    assert "Go to a region first" in world.said
    island = next(line for line in world.review.lines if "island" in line.reason)
    world.session.review.go_to(island.number)
    world.session.review.make(1)
    assert "no border" in world.said
    assert (world.labels.data == 255).all()


def test_border_changes_leave_what_is_locked_out_of_the_question() -> None:
    labels = np.array([255, 255, 1, 2, 0, 255], np.uint8)
    proposal = np.array([1, 2, 2, 2, 1, 0], np.uint8)
    places = np.arange(6)
    where, values = border_changes(1, places, labels, proposal)
    assert where.tolist() == [0, 1, 3, 5]
    assert values.tolist() == [1, 1, 1, 0]


def test_the_region_itself_is_outlined_over_the_proposal(world: World) -> None:
    world.session.review.go(1)
    mark, labels = world.layer("mark"), world.labels
    outlined = np.zeros(labels.data.shape, bool)
    first = np.round((np.array(mark.translate) - labels.translate) / labels.scale).astype(int)
    box = tuple(slice(at, at + size) for at, size in zip(first, mark.data.shape, strict=True))
    outlined[box] = mark.data == 2
    np.testing.assert_array_equal(np.flatnonzero(outlined), world.places(1))
    assert mark.contour == 1
    order = world.roles()
    assert order.index("mark") > order.index("proposal"), "nothing of the proposal hides it"
    assert order.index("labels") > order.index("mark")


def test_a_region_says_on_which_slices_it_is(world: World) -> None:
    line = world.review.lines[0]
    planes = np.unravel_index(world.places(1), world.labels.data.shape)[0]
    assert line.slices == f"slices {planes.min() + 1}–{planes.max() + 1}"
    island = next(one for one in world.review.lines if "island" in one.reason)
    assert island.slices.startswith("slice ")


def test_doubt_is_in_sight_while_a_region_is_open_and_only_then(world: World) -> None:
    maps = world.layer("uncertainty")
    assert not maps.visible
    world.session.review.go(1)
    assert maps.visible
    assert maps.opacity < world.layers.overlays.look().opacity
    assert world.layers.overlays.look().visible == {"proposal"}, "nobody chose it"
    world.decide("accept")
    assert not maps.visible
    world.decide("redo")
    assert maps.visible


def test_doubt_that_somebody_turned_on_stays(world: World) -> None:
    maps = world.layer("uncertainty")
    world.layers.overlays.toggle_map()
    world.session.review.go(1)
    world.decide("accept")
    assert maps.visible
    world.layers.overlays.toggle_map()
    world.session.review.go(1)
    world.layers.overlays.toggle_map()
    assert not maps.visible or world.layers.overlays.look().visible == {"proposal", "entropy"}


def test_what_a_decision_would_make_is_shown_before_it_is_made(world: World) -> None:
    world.session.review.go(1)
    before = world.labels.data.copy()
    for verb, value in (("accept", None), (None, 1), ("redo", None)):
        world.session.review.preview(verb, value)
        np.testing.assert_array_equal(world.labels.data, before)
        if verb != "redo":
            assert "change" in world.roles()
    world.session.review.preview(None, 2)
    change = world.layer("change")
    assert set(np.unique(change.data)) <= {0, 2, 254}
    assert not change.editable
    assert world.viewer.layers.selection.active is world.labels
    world.session.review.preview(None)
    assert "change" not in world.roles()
    world.session.review.preview(None, 1)
    world.decide("accept")
    assert "change" not in world.roles(), "it is made now"


def test_wider_decisions_say_how_much_they_changed(world: World) -> None:
    world.decide("reject", Part("class", "2"))
    assert "voxels are background now. One Ctrl+Z takes it back." in world.said


def test_buttons_and_keys_for_a_border(qtbot: Any, tmp_path: Path) -> None:
    propose_border(make_project(tmp_path))
    bench = Bench(qtbot, tmp_path / "project")
    bench.open("case-2")
    bench.until(lambda: bool(bench.state.review.lines))
    box = bench.widget.review_page.regions
    bench.widget.show_page("Review")
    assert box.makes[0].isHidden()
    press(bench.viewer, "Alt-N")
    assert [one.text() for one in box.makes] == [f"Make it {one.name}" for one in bench.state.review.between]
    assert not box.makes[0].isHidden()
    assert not box.verbs["reject"].isEnabled()
    assert "hole" in box._hint.text()
    assert bench.widget.review_page.minimumSizeHint().width() <= 300
    bench.click(box.makes[1])
    labels = bench.viewer.layers["case-2 · labels"].data
    assert (labels == bench.state.review.between[1].value).any()
    press(bench.viewer, f"Ctrl-Alt-{bench.state.review.between[0].key}")
    assert (labels == bench.state.review.between[0].value).any()
    island = next(line for line in bench.state.review.lines if "island" in line.reason)
    box.gone_to.emit(island.number)
    assert box.makes[0].isHidden()
    assert box.verbs["reject"].isEnabled()
    assert box.verbs["reject"].text() == "Make background"


def test_shading_comes_on_with_the_first_background_unless_nobody_wants_it(qtbot: Any, tmp_path: Path) -> None:
    make_project(tmp_path)
    bench = Bench(qtbot, tmp_path / "project")
    bench.open("case-2")
    shade = bench.widget.label_page.shade
    assert not shade.isChecked()
    bench.viewer.layers["case-2 · labels"].paint((5, 5, 5), 0)
    bench.until(shade.isChecked)
    bench.click(shade)
    bench.open("case-3")
    bench.viewer.layers["case-3 · labels"].paint((5, 5, 5), 0)
    bench.until(lambda: bench.state.tools.facts.background)
    assert not shade.isChecked()
