"""Drawing within a range, and what was looked at: a session on a viewer model, so that undo is napari's own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fixtures import make_project
from review_world import World as ReviewWorld
from review_world import propose

from napari_medssl.project import Project
from napari_medssl.ui.athand import usual_range
from napari_medssl.ui.editing import Gate, Place
from napari_medssl.ui.toolview import count_looked, looked_text, percent

UNSEEN = 255


class World(ReviewWorld):
    """As in a window: the session is told each place that was written to."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.layers._on_write = self._wrote
        self.layers.on_refused = self.session.within.refused

    def _wrote(self, place: Place) -> None:
        self.session.cases.wrote(place)
        self.session.looked.wrote(place)

    @property
    def tools(self) -> Any:
        return self.session.state.tools.facts

    @property
    def gate(self) -> Gate:
        assert self.layers.gate is not None
        return self.layers.gate

    def image(self) -> np.ndarray:
        return np.asarray(self.layer("image").data)

    def rest(self) -> None:
        """Strokes come to rest."""
        self.tick()
        self.tick(1.0)


@pytest.fixture
def world(tmp_path: Path) -> World:
    project = make_project(tmp_path)
    propose(project)
    world = World(tmp_path / "project")
    world.open()
    return world


# --- within a range


@pytest.mark.parametrize("tool", ["brush", "fill", "polygon", "eraser"])
def test_drawing_keeps_to_the_range(world: World, tool: str) -> None:
    labels, image, before = world.labels, world.image(), np.array(world.labels.data)
    labels.brush_size = 30
    world.session.within.keep_to((0.1, -0.1))  # the wrong way round does not matter
    if tool == "fill":
        labels.fill((7, 8, 8), 1)
    elif tool == "polygon":
        labels.paint_polygon([[7, 0, 0], [7, 0, 15], [7, 17, 15], [7, 17, 0]], 1)
    else:
        labels.paint((7, 8, 8), 0 if tool == "eraser" else 1)
    changed = labels.data != before
    assert changed.any()
    assert (np.abs(image[changed]) <= 0.1).all()
    inside = (np.abs(image[7]) <= 0.1).sum()
    assert changed.sum() >= inside * 0.5
    world.session.within.keep_to(None)
    labels.undo()
    np.testing.assert_array_equal(labels.data, before)
    labels.paint((7, 8, 8), 1)
    assert (np.abs(image[labels.data != before]) > 0.1).any()


def test_the_end_that_is_typed_first_takes_the_other_along(world: World) -> None:
    world.session.within.keep_to((0.0, 3.0))
    world.session.within.keep_to((10.0, 3.0))
    assert world.tools.within == (10.0, 10.0)
    world.session.within.keep_to((10.0, 20.0))
    assert world.tools.within == (10.0, 20.0)
    world.session.within.keep_to((10.0, 2.0))
    world.session.within.keep_to((1.0, 2.0))
    assert world.tools.within == (1.0, 2.0)


def test_undo_and_steps_of_ours_are_not_hindered(world: World) -> None:
    labels, before = world.labels, np.array(world.labels.data)
    labels.brush_size = 9
    labels.paint((7, 8, 8), 1)
    drawn = np.array(labels.data)
    world.session.within.keep_to((1e5, 2e5))
    labels.undo()
    np.testing.assert_array_equal(labels.data, before)
    labels.redo()
    np.testing.assert_array_equal(labels.data, drawn)
    labels.paint((7, 2, 2), 1)
    np.testing.assert_array_equal(labels.data, drawn)
    world.session.looked.mark("slice")
    assert (labels.data != drawn).any()
    world.session.cases.correct()
    assert (labels.data == 2).any()
    assert world.gate.rules, "the range still holds"


def test_the_range_comes_from_the_last_stroke_and_goes_with_the_case(world: World) -> None:
    world.session.within.take()
    assert world.tools.within is None
    assert "draw a stroke" in world.said
    labels, image, before = world.labels, world.image(), np.array(world.labels.data)
    labels.brush_size = 5
    with labels.block_history():
        labels.paint((7, 4, 8), 1)
        labels.paint((7, 6, 8), 1)
    world.session.within.take()
    here = image[labels.data != before]
    low, high = world.tools.within
    assert low == pytest.approx(here.mean() - 2 * here.std(), abs=1e-5)
    assert high == pytest.approx(here.mean() + 2 * here.std(), abs=1e-5)
    world.open("case-3")
    assert world.tools.within is None
    assert not world.gate.rules
    assert usual_range(np.array([np.nan])) is None


def test_one_is_told_why_nothing_was_drawn(world: World) -> None:
    world.tick()
    world.session.within.keep_to((1e5, 2e5))
    world.labels.paint((7, 8, 8), 1)
    world.tick()
    assert not world.said, "the stroke may go on"
    world.rest()
    assert "not between 1e+05 and 2e+05" in world.said
    world.session.dismiss()
    world.session.within.keep_to((-1e5, 1e5))
    project = world.session.board.facts.project
    assert project is not None
    locked = tuple(replace(one, locked=one.value == 1) for one in project.classes)
    world.session.board.set(project=replace(project, classes=locked))
    world.labels.paint((7, 8, 8), 1)
    world.layers.set_classes(locked)
    world.rest()
    world.labels.brush_size = 1
    world.labels.paint((7, 8, 8), 2)
    world.rest()
    assert "locked: bright" in world.said


@pytest.mark.parametrize("first", ["inside", "outside"])
def test_a_stroke_of_which_something_came_is_no_matter(world: World, first: str) -> None:
    labels, image = world.labels, world.image()
    labels.brush_size = 1
    world.session.within.keep_to((0.0, 1e5))
    world.rest()
    inside, outside = (np.argwhere(where)[0] for where in (image[7] >= 0, image[7] < 0))
    with labels.block_history():
        for place in (inside, outside) if first == "inside" else (outside, inside):
            labels.paint((7, *place), 1)
            world.tick()
    world.rest()
    assert not world.said


# --- what was looked at


def test_a_slice_is_looked_at_and_taken_back(world: World) -> None:
    labels, before = world.labels, np.array(world.labels.data)
    world.viewer.dims.set_current_step(0, 5)
    labels.paint((5, 8, 8), 1)
    drawn = np.array(labels.data)
    world.session.looked.mark("slice")
    expected = drawn.copy()
    expected[5][drawn[5] == UNSEEN] = 0
    np.testing.assert_array_equal(labels.data, expected)
    labels.undo()
    np.testing.assert_array_equal(labels.data, drawn)
    world.session.looked.mark("slice")
    labels.paint((5, 2, 2), 2)
    labels.paint((5, 2, 2), 0)  # erased: that was drawn, not marked
    erased = (labels.data == 0) & (drawn == UNSEEN)
    world.session.looked.unmark("slice")
    assert (labels.data[5][erased[5]] == UNSEEN).sum() < erased.sum(), "what was erased by hand stays"
    assert (labels.data == 0).any()
    assert (labels.data == 1).sum() == (drawn == 1).sum()
    labels.undo()
    np.testing.assert_array_equal(labels.data == 0, erased)
    assert (before == UNSEEN).all()


def test_the_box_of_a_region_and_nothing_to_mark(world: World) -> None:
    world.session.looked.mark("region")
    assert "Alt+N" in world.said
    assert (world.labels.data == UNSEEN).all()
    world.session.review.go(1)
    world.session.looked.mark("region")
    box = world.session.review.region_box()
    expected = np.full(world.labels.data.shape, UNSEEN, np.uint8)
    expected[box] = 0
    np.testing.assert_array_equal(world.labels.data, expected)
    world.session.looked.mark("region")
    assert world.said.startswith("Nothing to mark")
    world.session.looked.unmark("region")
    assert (world.labels.data == UNSEEN).all()
    world.session.looked.unmark("region")
    assert world.said.startswith("Nothing to take back")


def test_in_three_dimensions_there_is_no_slice(world: World) -> None:
    world.viewer.dims.ndisplay = 3
    for where in ("slice", "view"):
        world.session.looked.mark(where)
        assert "no single slice" in world.said
    assert (world.labels.data == UNSEEN).all()


def test_what_is_in_view_is_a_box_of_the_slice(world: World) -> None:
    world.viewer.dims.set_current_step(0, 5)
    world.labels.corner_pixels = np.array([[0, 2, 3], [15, 9, 20]])
    world.session.looked.mark("view")
    expected = np.full(world.labels.data.shape, UNSEEN, np.uint8)
    expected[5, 2:10, 3:] = 0
    np.testing.assert_array_equal(world.labels.data, expected)


def test_the_share_follows_strokes_and_slices(world: World) -> None:
    assert world.tools.looked == "Looked at: 0 % of the scan, 0 % of this slice."
    world.viewer.dims.set_current_step(0, 5)
    world.session.looked.mark("slice")
    assert "0 %" in world.tools.looked, "counted when strokes have come to rest"
    world.rest()
    share = percent(1, world.labels.data.shape[0])
    assert world.tools.looked == f"Looked at: {share} of the scan, 100 % of this slice."
    world.viewer.dims.set_current_step(0, 6)
    world.tick(1.0)
    assert world.tools.looked.endswith(" 0 % of this slice.")
    world.session.cases.finish(accept=False, whole=True)
    world.rest()
    assert "the whole scan" in world.tools.looked


def test_taking_back_makes_the_case_looked_at_in_part_again(world: World) -> None:
    world.viewer.dims.set_current_step(0, 5)
    world.session.looked.mark("slice")
    world.session.cases.finish(accept=False, whole=True)
    world.session.looked.unmark("slice")
    world.tick()
    world.tick(3.0)
    saved = Project.open(world.project.root).case("case-2").read_labels()
    assert saved is not None
    assert (saved.array == UNSEEN).any()


@pytest.mark.parametrize("shape", [(7, 5), (4, 6, 5)])
def test_counts_are_those_of_each_slice(shape: tuple[int, ...]) -> None:
    labels = np.random.default_rng(0).choice(np.array([0, 1, 255], np.uint8), shape)
    looked = count_looked(labels)
    assert looked.seen == (labels != 255).sum()
    for axis, counts in enumerate(looked.slices):
        assert counts == tuple((np.take(labels, at, axis) != 255).sum() for at in range(shape[axis]))
    assert percent(0, 1000) == "0 %"
    assert percent(1, 1000) == "under 1 %"
    assert percent(999, 1000) == "99 %"
    assert percent(1000, 1000) == "100 %"
    assert looked_text(looked, None, False).endswith("of the scan.")
