"""The layers of a case, on a viewer model without a window: the traps of napari are here."""

from __future__ import annotations

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_medssl.imaging import Grid
from napari_medssl.ui.compat import camera, scale_bar
from napari_medssl.ui.display import Display
from napari_medssl.ui.facts import ClassFacts
from napari_medssl.ui.layers import CaseLayers
from napari_medssl.ui.loading import ShownCase, ShownChannel, ShownProposal

CLASSES = (ClassFacts(1, "liver", "#E69F00"), ClassFacts(2, "spleen", "#56B4E9"))
SHAPE = (6, 8, 10)  # as shown


def shown(name: str = "case-1", *, proposal: bool = False, grid: Grid | None = None) -> ShownCase:
    grid = grid or Grid(SHAPE[::-1], np.diag([-1.0, 1.5, 4.0, 1.0]))
    display = Display(grid)
    image = np.random.default_rng(0).normal(size=display.shape).astype(np.float32)
    return ShownCase(
        name=name,
        display=display,
        channels=(ShownChannel("image", image, (-1.0, 1.0)),),
        labels=np.full(display.shape, 255, np.uint8),
        proposal=proposed(name) if proposal else None,
    )


def proposed(name: str = "case-1", run: str = "bcp-001") -> ShownProposal:
    labels = np.zeros(SHAPE, np.uint8)
    labels[2:4, 2:6, 3:7] = 2
    maps = {"entropy": np.full(SHAPE, 0.5, np.float32), "flips": np.zeros(SHAPE, np.float32)}
    return ShownProposal(name, run, 0.3, labels, maps)


class Screen:
    """Case layers on a viewer model, with what they reported."""

    def __init__(self) -> None:
        self.viewer = ViewerModel()
        self.sure: list[bool] = []
        self.closed = 0
        self.layers = CaseLayers(self.viewer, self.sure.append, self._closed)
        self.layers.set_classes(CLASSES)

    def _closed(self) -> None:
        assert self.layers.labels() is not None, "what was drawn can still be saved"
        self.closed += 1

    def role(self, role: str, **said: str):  # type: ignore[no-untyped-def]
        (found,) = [
            layer
            for layer in self.viewer.layers
            if (meta := layer.metadata.get("medssl", {})).get("role") == role
            and all(meta.get(k) == v for k, v in said.items())
        ]
        return found


@pytest.fixture
def screen() -> Screen:
    return Screen()


def test_a_case_is_placed_in_the_patient(screen: Screen) -> None:
    screen.layers.show_case(shown(proposal=True))
    for layer in screen.viewer.layers:
        np.testing.assert_allclose(layer.scale, (4.0, 1.5, 1.0))
        assert [str(u) for u in layer.units] == ["millimeter"] * 3
        assert tuple(layer.axis_labels) == ("S→I", "A→P", "R→L")
        assert layer.metadata["medssl"]["case"] == "case-1"
    assert tuple(screen.viewer.dims.axis_labels) == ("S→I", "A→P", "R→L")
    assert [str(o) for o in camera(screen.viewer).orientation] == ["towards", "down", "right"]
    assert scale_bar(screen.viewer).visible
    assert screen.viewer.dims.current_step[0] == SHAPE[0] // 2
    assert screen.viewer.layers.selection.active is screen.role("labels")
    assert [layer.metadata["medssl"]["role"] for layer in screen.viewer.layers] == [
        "image", "uncertainty", "uncertainty", "proposal", "labels",
    ]  # fmt: skip


def test_edge_letters_follow_the_view(screen: Screen) -> None:
    overlays = screen.viewer.canvas.overlays
    screen.layers.show_case(shown())
    assert [overlays[f"medssl_{side}"].text for side in ("top", "bottom", "left", "right")] == list("APRL")
    screen.layers.look_from("sagittal")
    assert [overlays[f"medssl_{side}"].text for side in ("top", "bottom", "left", "right")] == list("SIAP")
    assert screen.layers.plane() == "sagittal"
    screen.viewer.dims.ndisplay = 3
    assert overlays["medssl_top"].visible, "in 3-D, too"
    screen.layers.clear()
    assert not overlays["medssl_left"].visible


def test_what_nobody_saw_is_clear_until_it_is_shaded(screen: Screen) -> None:
    screen.layers.show_case(shown())
    labels = screen.role("labels")
    assert labels.colormap.map(np.array([255], np.uint8))[0, 3] == 0
    np.testing.assert_allclose(labels.colormap.map(np.array([1], np.uint8))[0, :3], (0.902, 0.624, 0), atol=0.01)
    screen.layers.shade_open(True)
    assert labels.colormap.map(np.array([255], np.uint8))[0, 3] > 0


def test_background_is_seen_while_something_is_left_to_look_at(screen: Screen) -> None:
    screen.layers.show_case(shown())
    labels = screen.role("labels")
    grey, background = labels.colormap.map(np.array([255, 0], np.uint8))
    screen.layers.shade_open(True)
    grey = labels.colormap.map(np.array([255], np.uint8))[0]
    assert background[3] > 0
    assert background[2] > background[0] + 0.2, "bluish, and so is no grey"
    assert abs(grey[2] - grey[0]) < 0.05
    screen.layers.tint_background(False)
    assert labels.colormap.map(np.array([0], np.uint8))[0, 3] == 0, "a scan that is done is clear"


def test_what_lies_over_a_light_scan_is_dark() -> None:
    from napari_medssl.ui.colours import SHADES, TINTS

    for colours in (SHADES, TINTS):
        for light, paper in ((False, 0.0), (True, 1.0)):
            seen = [0.55 * colours[light][3] * abs(float(part) - paper) for part in colours[light][:3]]
            assert max(seen) > 0.12, "an eighth of all the greys there are, at least"


def test_every_way_of_drawing_is_noticed(screen: Screen) -> None:
    screen.layers.show_case(shown())
    labels = screen.role("labels")
    screen.sure.clear()
    labels.paint((3, 4, 4), 1)
    assert True in screen.sure
    screen.sure.clear()
    labels.undo()
    assert screen.sure, "an undo is at least suspected"
    assert (labels.data == 255).all()
    screen.sure.clear()
    labels.fill((3, 4, 4), 2)
    assert True in screen.sure
    screen.sure.clear()
    screen.role("image").contrast_limits = (0, 1)
    assert screen.sure == []


def test_copying_a_proposal_is_one_step_to_undo_and_spares_what_was_drawn(screen: Screen) -> None:
    screen.layers.show_case(shown(proposal=True))
    labels = screen.role("labels")
    labels.data_setitem((np.array([2, 3]), np.array([2, 5]), np.array([3, 6])), 1)
    labels.data_setitem((np.array([3]), np.array([4]), np.array([4])), 0)  # erased: looked at
    before = labels.data.copy()
    screen.layers.copy_proposal()
    assert (labels.data == 1).sum() == 2
    assert labels.data[3, 4, 4] == 0
    assert (labels.data == 2).sum() == 2 * 4 * 4 - 3
    assert not screen.role("proposal").visible
    labels.undo()
    np.testing.assert_array_equal(labels.data, before)
    labels.redo()
    assert (labels.data == 2).sum() == 2 * 4 * 4 - 3


def test_a_new_proposal_leaves_labels_tool_selection_and_undo_alone(screen: Screen) -> None:
    screen.layers.show_case(shown(proposal=True))
    labels = screen.role("labels")
    screen.layers.start_painting()
    labels.selected_label = 2
    labels.paint((3, 4, 4), 2)
    drawn, array = labels.data.copy(), labels.data
    screen.layers.overlays.toggle_map("entropy")
    screen.layers.show_proposal(proposed(run="bcp-002"))
    assert screen.role("labels") is labels
    assert labels.data is array
    np.testing.assert_array_equal(labels.data, drawn)
    assert (labels.mode, labels.selected_label) == ("paint", 2)
    assert screen.viewer.layers.selection.active is labels
    assert screen.viewer.layers[-1] is labels
    assert screen.role("proposal").metadata["medssl"]["run"] == "bcp-002"
    assert screen.layers.overlays.look().visible == {"proposal", "entropy"}, "overlays that were on stay on"
    labels.undo()
    assert (labels.data == 255).all()


def test_a_proposal_of_another_case_is_not_shown(screen: Screen) -> None:
    screen.layers.show_case(shown())
    screen.layers.show_proposal(proposed("case-9"))
    assert len(screen.viewer.layers) == 2


def test_proposals_cannot_be_drawn_on(screen: Screen) -> None:
    screen.layers.show_case(shown(proposal=True))
    assert not screen.role("proposal").editable


def test_overlays_toggle_one_map_at_a_time(screen: Screen) -> None:
    screen.layers.show_case(shown(proposal=True))
    assert screen.layers.overlays.look().visible == {"proposal"}
    assert screen.layers.overlays.toggle_map("entropy")
    assert screen.layers.overlays.toggle_map("flips")
    assert screen.layers.overlays.look().visible == {"proposal", "flips"}
    assert not screen.layers.overlays.toggle_proposal()
    assert not screen.layers.overlays.toggle_map("flips")
    assert screen.layers.overlays.look().visible == frozenset()
    assert not screen.layers.overlays.toggle_map("no such map")


def test_another_case_takes_our_layers_and_leaves_the_persons(screen: Screen) -> None:
    own = screen.viewer.add_points(np.zeros((1, 3)), name="case-1 · labels")  # a name is not an identity
    screen.layers.show_case(shown("case-1", proposal=True))
    screen.role("image").name = "renamed"
    screen.layers.show_case(shown("case-2"))
    assert own in screen.viewer.layers
    assert len(screen.viewer.layers) == 3
    assert screen.closed == 0, "we took them away, not the person"


def test_the_tool_stays_in_hand_in_the_next_case(screen: Screen) -> None:
    screen.layers.show_case(shown("case-1"))
    assert screen.role("labels").mode == "pan_zoom"
    screen.layers.start_painting()
    screen.layers.choose_class(2)
    screen.role("labels").brush_size = 3
    screen.layers.show_case(shown("case-2"))
    labels = screen.role("labels")
    assert (labels.mode, labels.selected_label, labels.brush_size) == ("paint", 2, 3)


def test_removing_the_labels_by_hand_is_reported_while_they_can_be_saved(screen: Screen) -> None:
    screen.layers.show_case(shown(proposal=True))
    screen.viewer.layers.remove(screen.role("labels"))
    assert screen.closed == 1
    assert screen.layers.labels() is None
    screen.layers.copy_proposal()
    screen.viewer.layers.remove(screen.role("proposal"))
    assert not screen.layers.overlays.toggle_proposal()


def test_colour_images_are_one_layer(screen: Screen) -> None:
    display = Display(Grid.raster((5, 6)))
    channels = tuple(ShownChannel(n, np.zeros((5, 6), np.uint8), (0, 255)) for n in ("red", "green", "blue"))
    labels = np.full((5, 6), 255, np.uint8)
    screen.layers.show_case(ShownCase("photo", display, channels, labels, rgb=True))
    assert screen.role("image").rgb
    assert len(screen.viewer.layers) == 2
    assert not scale_bar(screen.viewer).visible


def test_it_lets_go_of_the_viewer(screen: Screen) -> None:
    screen.layers.show_case(shown())
    labels = screen.role("labels")
    screen.layers.close()
    screen.sure.clear()
    labels.paint((3, 4, 4), 1)
    screen.viewer.dims.order = (1, 0, 2)
    screen.viewer.layers.clear()
    assert screen.sure == []
    assert screen.closed == 0
