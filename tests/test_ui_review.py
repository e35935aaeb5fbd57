"""Reviewing region by region."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fixtures import make_project
from napari.components import ViewerModel
from review_world import World, make_world, propose

from napari_medssl.project.reviews import read_decisions
from napari_medssl.ui.compat import camera
from napari_medssl.ui.deciding import Part


@pytest.fixture
def world(tmp_path: Path) -> World:
    return make_world(tmp_path)


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
    assert world.session.cases.saver.autosave.strokes() == 1, "mine; to accept is none"
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
    world.session.cases.leave()
    world.session.review.go(1)
    assert "No case is open" in world.said


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
    assert "✗ background" in box.list.item(0).text()
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


def test_ctrl_z_after_completing_brings_back_the_labels_and_what_nobody_annotated(world: World) -> None:
    world.draw(world.places(1)[:5], 1)
    world.tick(3.0)
    before = world.labels.data.copy()
    for accept in (False, True):
        world.session.cases.finish(accept=accept)
        assert not (world.labels.data == 255).any()
        assert world.session.state.actions.can_reopen
        world.labels.undo()
        np.testing.assert_array_equal(world.labels.data, before)
        world.tick(3.0)
        saved = world.project.case("case-2").read_labels()
        np.testing.assert_array_equal(world.session.cases._shown.display.show(saved.array), before)
        assert not world.project.case("case-2").latest().complete
        assert world.layer("proposal").visible, "as it was before"
        assert world.session.state.actions.can_correct
    world.labels.undo()
    assert (world.labels.data == 255).all(), "the stroke before is a step of its own"


def test_locked_structures_keep_their_voxels_when_completing_is_undone(world: World) -> None:
    from dataclasses import replace

    world.draw(world.places(1)[:5], 1)
    world.layers.set_classes([replace(one, locked=True) for one in world.session.state.classes])
    before = world.labels.data.copy()
    world.session.cases.finish(accept=False)
    world.labels.undo()
    np.testing.assert_array_equal(world.labels.data, before)
