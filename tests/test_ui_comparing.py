"""Overlays and the difference between what is proposed, was proposed and is drawn."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from review_world import World, make_world, propose

from napari_medssl.imaging import Grid
from napari_medssl.ui.differing import counts_of, difference
from napari_medssl.ui.display import Display
from napari_medssl.ui.reviewview import previous_run, size_text


@pytest.fixture
def world(tmp_path: Path) -> World:
    return make_world(tmp_path)


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
