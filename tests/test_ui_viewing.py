"""Looking at scans as in a reading room: windows, channels, letters, three planes; on viewer models."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from fixtures import make_project
from hypothesis import given
from hypothesis import strategies as st
from napari.components import ViewerModel
from napari.utils._proxies import PublicOnlyProxy, ReadOnlyWrapper
from napari.utils.interactions import mouse_move_callbacks, mouse_press_callbacks, mouse_release_callbacks
from qtpy.QtCore import Qt
from test_ui_layers import Screen, proposed
from test_ui_widget import Bench, choose

from napari_medssl.imaging import Grid
from napari_medssl.ui.compat import camera, screen_directions
from napari_medssl.ui.display import Display
from napari_medssl.ui.loading import ShownCase, ShownChannel, shown_channel
from napari_medssl.ui.ortho import OrthoDock
from napari_medssl.ui.orthoslice import Sheet, outline, paint_plane
from napari_medssl.ui.panels.ortho import OrthoPane, PlaneView
from napari_medssl.ui.planes import voxel_shown
from napari_medssl.ui.window_drag import PlacePointer
from napari_medssl.ui.window_level import (
    CT,
    Window,
    dragged,
    fulfil,
    is_ct,
    make_presets,
    make_wish,
    matching,
    window_of,
)

SHAPE = (6, 8, 10)


def ct(seed: int = 0) -> np.ndarray:
    """Air, and a body between -100 and 300 HU."""
    values = np.full(SHAPE, -1000.0, np.float32)
    values[:, 2:6, 2:8] = np.random.default_rng(seed).uniform(-100, 300, (6, 4, 6))
    return values


def case(name: str = "case-1", **channels: np.ndarray) -> ShownCase:
    display = Display(Grid(SHAPE[::-1], np.diag([-1.0, 1.5, 4.0, 1.0])))
    shown = tuple(shown_channel(label, array) for label, array in (channels or {"image": ct()}).items())
    return ShownCase(name, display, shown, np.full(SHAPE, 255, np.uint8))


def mr(scale: float, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).gamma(2.0, scale, SHAPE).astype(np.float32)


# --- windows


def test_a_ct_is_offered_the_windows_of_radiology_and_mr_is_not() -> None:
    presets = make_presets(ct())
    assert is_ct(presets)
    found = {preset.name: (preset.level, preset.width) for preset in presets}
    assert {name: found[name] for name, *_ in CT} == {name: (level, width) for name, _, level, width in CT}
    others = make_presets(mr(40))
    assert not is_ct(others)
    assert [preset.name for preset in others] == ["usual", "narrow", "wide", "full"]


def test_percentiles_are_those_of_the_values() -> None:
    values = np.arange(1001, dtype=np.float32)
    found = {preset.name: (preset.low, preset.high) for preset in make_presets(values)}
    assert found["full"] == (0, 1000)
    assert found["usual"] == pytest.approx((5, 995))
    assert found["narrow"] == pytest.approx((50, 950))


@pytest.mark.parametrize("values", [np.zeros(5), np.full(7, np.nan), np.array([3.0, 3.0, np.inf])])
def test_a_scan_of_one_value_has_windows_too(values: np.ndarray) -> None:
    assert all(preset.width > 0 and np.isfinite(preset.width) for preset in make_presets(values))


@given(st.floats(-400, 400), st.floats(-400, 400), st.floats(-1000, 1000), st.floats(0.1, 4000))
def test_a_drag_goes_the_way_it_says(right: float, down: float, level: float, width: float) -> None:
    begin, usual = window_of(level, width), window_of(0, 400)
    after = dragged(begin, right, down, usual)
    assert after.width > 0
    assert after.width == pytest.approx(max(width * np.exp(right / 250), 0.04), rel=1e-3)
    assert after.level - begin.level == pytest.approx(down / 250 * width, rel=1e-3, abs=1e-6)


def test_a_window_is_carried_in_hu_or_in_parts_of_the_usual_one() -> None:
    one, other = make_presets(mr(10)), make_presets(mr(1000, 1))
    own = Window(one[0].low + 0.25 * one[0].width, one[0].low + 0.5 * one[0].width)
    there = fulfil(make_wish(own, one), other)
    assert there.low == pytest.approx(other[0].low + 0.25 * other[0].width)
    assert there.width == pytest.approx(0.25 * other[0].width)
    assert fulfil(make_wish(one[1], one), other) == other[1]
    scans = make_presets(ct()), make_presets(ct(1))
    assert fulfil(make_wish(Window(-17, 93), scans[0]), scans[1]) == Window(-17, 93)
    assert matching(fulfil(make_wish(scans[0][2], scans[0]), scans[1]), scans[1]).name == scans[0][2].name


# --- on the screen


def limits(screen: Screen, channel: str = "image") -> tuple[float, float]:
    low, high = screen.role("image", channel=channel).contrast_limits
    return float(low), float(high)


def test_the_window_stays_in_hand_for_the_next_case_of_the_kind() -> None:
    screen = Screen()
    screen.layers.show_case(case())
    screen.layers.channels.set_preset("liver")
    assert limits(screen) == (-45, 105)
    screen.layers.show_case(case("case-2", image=mr(40)))
    assert limits(screen) == pytest.approx((make_presets(mr(40))[0].low, make_presets(mr(40))[0].high))
    screen.layers.show_case(case("case-3", image=ct(3)))
    assert limits(screen) == (-45, 105)
    assert screen.layers.channels.look().preset == "liver"


def test_napari_s_own_slider_is_as_good() -> None:
    screen = Screen()
    told: list[str] = []
    screen.layers.channels.on_change = lambda: told.append(screen.layers.channels.look().preset)
    screen.layers.show_case(case())
    screen.role("image").contrast_limits = (-1000, 800)
    assert told[-1] == ""
    screen.role("image").contrast_limits = (-500, 1300)
    assert told[-1] == "bone"
    screen.layers.show_case(case("case-2"))
    assert limits(screen) == (-500, 1300)


def test_several_channels_are_mixed_in_colours_and_one_is_grey() -> None:
    screen = Screen()
    screen.layers.show_case(case(T1=mr(10), T2=mr(20), FLAIR=mr(30)))
    channels = screen.layers.channels
    assert [one.visible for one in channels.look().channels] == [True, False, False]
    channels.set_visible(("T1", "FLAIR"))
    looks = channels.look().channels
    assert [one.visible for one in looks] == [True, False, True]
    assert (looks[0].colour, looks[2].colour) == ("magenta", "green")
    assert screen.role("image", channel="FLAIR").blending == "additive"
    assert channels.look().chosen == "FLAIR"
    before = limits(screen, "T1")
    channels.set_preset("narrow")
    assert limits(screen, "T1") == before
    screen.layers.show_case(case("case-2", T1=mr(11), T2=mr(22), FLAIR=mr(33)))
    assert [one.visible for one in channels.look().channels] == [True, False, True]
    assert channels.look().preset == "narrow"
    channels.set_visible(("T2",))
    assert screen.role("image", channel="T2").colormap.name == "gray"


def press(viewer: ViewerModel, kind: str, at: tuple[float, float], button: int, *held: str) -> None:
    """What napari's canvas does with an event of the mouse, over the voxel (2, 4, 5)."""
    place = tuple(viewer.layers[-1].data_to_world((2, 4, 5)))
    said = SimpleNamespace(
        type=f"mouse_{kind}", pos=np.array(at), button=button, buttons=[button], modifiers=held, handled=False,
        is_dragging=kind == "move", position=place, view_direction=None, up_direction=None,
        dims_displayed=[1, 2], dims_point=[2, 4, 5],
    )  # fmt: skip
    event = ReadOnlyWrapper(said, exceptions=("handled",))
    callbacks = {"press": mouse_press_callbacks, "move": mouse_move_callbacks, "release": mouse_release_callbacks}[kind]
    callbacks(viewer, event)
    if viewer.layers.selection.active is not None:
        callbacks(viewer.layers.selection.active, event)


@pytest.mark.parametrize("mode", ["pan_zoom", "paint", "fill", "polygon"])
def test_shift_and_the_right_button_drag_the_window_and_draw_nothing(mode: str) -> None:
    screen = Screen()
    screen.layers.show_case(case())
    labels, begin = screen.role("labels"), screen.layers.channels.window()
    labels.mode = mode
    tools, pans = list(labels.mouse_drag_callbacks), camera(screen.viewer).mouse_pan
    press(screen.viewer, "press", (100, 100), 2, "Shift")
    press(screen.viewer, "move", (150, 90), 2, "Shift")
    assert not camera(screen.viewer).mouse_pan
    press(screen.viewer, "release", (150, 90), 2, "Shift")
    after = screen.layers.channels.window()
    assert after.width == pytest.approx(begin.width * np.exp(50 / 250), rel=1e-4)
    assert after.level < begin.level
    assert (labels.data == 255).all()
    assert list(labels.mouse_drag_callbacks) == tools
    assert camera(screen.viewer).mouse_pan == pans
    press(screen.viewer, "press", (100, 100), 1)
    press(screen.viewer, "release", (100, 100), 1)
    assert screen.layers.channels.window() == after
    assert (labels.data != 255).any() == (mode in ("paint", "fill")), "the tool in hand works again"


# --- letters

ORDERS = [*permutations(range(3))]
ENDS = {"S": (0, 0), "I": (0, -1), "A": (1, 0), "P": (1, -1), "R": (2, 0), "L": (2, -1)}


def letters_on(viewer: ViewerModel) -> dict[str, str]:
    overlays = viewer.canvas.overlays
    return {side: overlays[f"medssl_{side}"].text for side in ("top", "bottom", "left", "right")}


def on_canvas(viewer: ViewerModel, points: np.ndarray) -> np.ndarray:
    """Where points of the world (n, 3) lie on the canvas, (n, 2) to the right and down: vispy's own cameras say it."""
    from napari._vispy.camera import VispyCamera
    from vispy.scene import ViewBox

    box = ViewBox()
    box.size = (400, 400)
    VispyCamera(box, viewer.scene.camera, viewer.dims)._on_ndisplay_change()
    shown = list(viewer.dims.displayed)
    flat = points[:, shown][:, ::-1]
    place = np.asarray(box.scene.transform.map(np.pad(flat, ((0, 0), (0, 3 - flat.shape[1])))))
    return place[:, :2] / place[:, 3:4]


def check_letters(viewer: ViewerModel, display: Display) -> None:
    """Each end of the patient lies on the side whose letter it has."""
    middle = np.array(display.translate) + (np.array(display.shape) - 1) / 2 * display.scale
    sides = {"right": (0, 1), "left": (0, -1), "top": (1, -1), "bottom": (1, 1)}
    letters = letters_on(viewer)
    ends = {letter: np.eye(3)[axis] * (20.0 if end else -20.0) for letter, (axis, end) in ENDS.items()}
    centre, *places = on_canvas(viewer, middle + np.stack([np.zeros(3), *ends.values()]))
    there = dict(zip(ends, np.array(places) - centre, strict=True))
    for side, (axis, sign) in sides.items():
        assert letters[side], side
        for letter in letters[side]:
            assert sign * there[letter][axis] > 0, (side, letter, viewer.dims.order, viewer.dims.ndisplay)


@pytest.mark.parametrize("order", ORDERS)
def test_letters_are_right_however_axes_are_rolled_and_the_camera_is_turned(order: tuple[int, ...]) -> None:
    screen = Screen()
    screen.layers.show_case(case())
    viewer, display = screen.viewer, screen.layers.display()
    viewer.dims.order = order
    check_letters(viewer, display)
    viewer.dims.ndisplay = 3
    check_letters(viewer, display)
    for angles in np.random.default_rng(1).uniform(-170, 170, (12, 3)):
        viewer.scene.camera.angles = tuple(angles)
        check_letters(viewer, display)
        assert mirrored(viewer) is False
    viewer.scene.camera.orientation = ("towards", "up", "left")
    check_letters(viewer, display)


def mirrored(viewer: ViewerModel) -> bool:
    """Whether the volume is a mirror image: then right, up and towards us would be left-handed in the patient."""
    right, up = screen_directions(viewer)
    ray = np.zeros(3)
    ray[list(viewer.dims.displayed)] = viewer.scene.camera.view_direction
    patient = -np.array([right, up, -ray])[:, ::-1]  # shown axes run to I, P, L: turned into R, A, S
    return float(np.linalg.det(patient)) < 0


def test_a_plugin_s_proxy_of_the_viewer_is_as_good() -> None:
    viewer = ViewerModel()
    viewer.add_image(np.zeros(SHAPE))
    viewer.dims.ndisplay = 3
    viewer.scene.camera.angles = (10, 20, 30)
    for own, through in zip(screen_directions(viewer), screen_directions(PublicOnlyProxy(viewer)), strict=True):
        np.testing.assert_array_equal(own, through)


def test_a_letter_goes_when_the_case_goes() -> None:
    screen = Screen()
    screen.layers.show_case(case())
    assert letters_on(screen.viewer) == {"top": "A", "bottom": "P", "left": "R", "right": "L"}
    screen.layers.look_from("coronal")
    assert letters_on(screen.viewer) == {"top": "S", "bottom": "I", "left": "R", "right": "L"}
    screen.layers.look_from("sagittal")
    assert letters_on(screen.viewer) == {"top": "S", "bottom": "I", "left": "A", "right": "P"}
    screen.layers.clear()
    assert set(letters_on(screen.viewer).values()) == {""}


# --- the box on the pages


@pytest.fixture
def bench(qtbot: Any, tmp_path: Path) -> Bench:
    make_project(tmp_path, channels=2)
    return Bench(qtbot, tmp_path / "project")


def test_both_boxes_show_and_change_the_window(bench: Bench) -> None:
    first, second = bench.widget.label_page.view, bench.widget.review_page.view
    assert not first.presets.isEnabled()
    bench.open("case-2")
    assert first.presets.isEnabled()
    row = first.presets.findData("full")
    first.presets.setCurrentIndex(row)
    first.presets.activated.emit(row)
    channel = bench.viewer.layers["case-2 · channel-0"]
    assert tuple(channel.contrast_limits) == pytest.approx((channel.data.min(), channel.data.max()), rel=1e-5)
    assert second.presets.currentData() == "full"
    second.level_box.setValue(1.0)
    second.width_box.setValue(2.0)
    assert tuple(channel.contrast_limits) == pytest.approx((0.0, 2.0))
    assert first.presets.currentText() == "Window of your own"
    assert first.width_box.value() == 2.0


def test_channels_are_ticked_by_name(bench: Bench) -> None:
    bench.open("case-2")
    box = bench.widget.label_page.view
    assert [check.text() for check in box._checks] == ["channel-0", "channel-1"]
    assert not box.channel.isVisibleTo(box)
    box._checks[1].click()
    assert bench.viewer.layers["case-2 · channel-1"].visible
    assert box.channel.isVisibleTo(box)
    assert box.channel.currentData() == "channel-1"
    choose(box.channel, "channel-0")
    box.channel.activated.emit(0)
    assert bench.widget.layers.channels.look().chosen == "channel-0"
    box._checks[0].click()
    assert not bench.viewer.layers["case-2 · channel-0"].visible
    assert bench.widget.layers.channels.look().chosen == "channel-1"
    assert bench.widget.minimumSizeHint().width() <= 340


def test_a_colour_image_says_that_it_has_no_window(qtbot: Any, tmp_path: Path) -> None:
    screen = Screen()
    planes = tuple(ShownChannel(n, np.zeros((5, 6), np.uint8), (0, 255)) for n in ("red", "green", "blue"))
    raster = ShownCase("case-1", Display(Grid.raster((5, 6))), planes, np.full((5, 6), 255, np.uint8), rgb=True)
    screen.layers.show_case(raster)
    look = screen.layers.channels.look()
    assert look.window is None
    assert look.has_case
    assert look.channels == ()


# --- three planes


def test_a_plane_is_painted_as_napari_shows_it() -> None:
    array = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    grey = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 4, 1)
    grey[:, 3] = 255
    scan = Sheet(array, grey, (0.0, 23.0))
    painted = paint_plane([scan], 1, 2, (2, 4))
    np.testing.assert_array_equal(painted[..., 0], (array[:, 2] * 255 / 23).astype(np.uint8))
    labels = np.zeros((2, 3, 4), np.uint8)
    labels[1, 2, 3] = 7
    table = np.zeros((256, 4), np.uint8)
    table[7] = (200, 0, 100, 128)
    over = paint_plane([scan, Sheet(labels, table)], 1, 2, (2, 4))
    assert (over != painted).any(axis=-1).sum() == 1
    assert over[1, 3] == pytest.approx(painted[1, 3] * (127 / 255) + np.array([200, 0, 100]) * 128 / 255, abs=1)
    light = np.zeros((256, 4), np.uint8)
    light[:, 0] = np.arange(256)
    added = paint_plane([scan, Sheet(array, light, (0.0, 23.0), added=True)], 1, 2, (2, 4))
    assert added[1, 3, 0] == 255
    assert added[1, 3, 1] == painted[1, 3, 1]


def test_an_outline_is_the_border_of_a_label() -> None:
    labels = np.zeros((7, 7), np.uint8)
    labels[1:6, 1:6] = 3
    edge = outline(labels)
    assert (edge == 3).sum() == 16
    assert edge[3, 3] == 0
    assert edge[1, 1] == 3


class Planes:
    """The planes of a case on a viewer model, where there is no dock."""

    def __init__(self, shown: ShownCase) -> None:
        self.screen = Screen()
        self.screen.layers.show_case(shown)
        self.dock = OrthoDock(self.screen.viewer, self.screen.layers, lambda on: None)

    def at(self) -> list[int]:
        return voxel_shown(self.screen.viewer, self.screen.layers.display())


def test_a_dock_that_goes_with_the_window_tells_nobody(qtbot: Any) -> None:
    told: list[bool] = []
    screen = Screen()
    dock = OrthoDock(screen.viewer, screen.layers, told.append)
    dock.panel = dock.make_panel()
    dock._gone()  # whom it would tell may be gone already
    assert not told
    assert dock.panel is None
    assert not dock.is_open


def test_a_click_in_a_plane_goes_there_in_all(qtbot: Any) -> None:
    planes = Planes(case())
    assert set(planes.dock.views()) == {"coronal", "sagittal"}
    planes.dock.point("coronal", 5, 9)
    assert planes.at() == [5, 4, 9]
    assert planes.screen.layers.slice_shown() == (0, 5)
    planes.dock.point("sagittal", 1, 7)
    assert planes.at() == [1, 7, 9]
    views = planes.dock.views()
    assert views["coronal"].cross == (1, 9)
    assert views["coronal"].text == "Coronal 8 / 8"
    planes.dock.step("coronal", 3)
    assert planes.at() == [1, 7, 9], "there is no slice beyond the last"
    planes.screen.viewer.dims.order = (1, 0, 2)
    assert set(planes.dock.views()) == {"axial", "sagittal"}
    planes.screen.viewer.dims.ndisplay = 3
    assert set(planes.dock.views()) == {"axial", "coronal", "sagittal"}


def test_planes_show_labels_proposal_and_doubt(qtbot: Any) -> None:
    planes = Planes(replace(case(), proposal=proposed()))
    screen = planes.screen
    planes.dock.point("coronal", 3, 5)
    before = planes.dock.views()["coronal"].picture
    screen.role("labels").data_setitem((np.array([3]), np.array([4]), np.array([1])), np.uint8(1))
    after = planes.dock.views()["coronal"].picture
    assert [tuple(at) for at in np.argwhere((before != after).any(axis=-1))] == [(3, 1)]
    screen.layers.overlays.toggle_proposal()
    without = planes.dock.views()["coronal"].picture
    assert (without != after).any()
    screen.layers.overlays.toggle_map("entropy")
    assert (planes.dock.views()["coronal"].picture != without).any()
    screen.layers.channels.set_preset("lung")
    assert (planes.dock.views()["coronal"].picture != without).any()


def test_a_pane_is_clicked_scrolled_and_walked_by_keys(qtbot: Any) -> None:
    pane = OrthoPane("coronal")
    qtbot.addWidget(pane)
    pane.resize(300, 200)
    pane.draw(PlaneView(np.zeros((6, 10, 3), np.uint8), (4.0, 1.0), (2, 3), {"top": "S", "left": "R"}, "Coronal 1 / 8"))
    pane.show()
    gone: list[tuple[int, int]] = []
    pane.pointed.connect(lambda row, column: gone.append((row, column)))
    for row in range(6):
        for column in range(10):
            qtbot.mouseClick(pane, Qt.MouseButton.LeftButton, pos=pane.place(row, column).toPoint())
    assert gone == [(row, column) for row in range(6) for column in range(10)]
    gone.clear()
    qtbot.keyClick(pane, Qt.Key.Key_Down)
    assert gone == [(3, 3)]
    with qtbot.waitSignal(pane.stepped) as told:
        qtbot.keyClick(pane, Qt.Key.Key_PageDown)
    assert told.args == [1]


@pytest.mark.parametrize("held", [(), ("Shift",)])
def test_the_canvas_is_pointed_at(held: tuple[str, ...], qtbot: Any) -> None:
    planes = Planes(case())
    viewer, labels, gone = planes.screen.viewer, planes.screen.role("labels"), []
    wanted = [False]
    PlacePointer(viewer, lambda: wanted[0], lambda place: gone.append(tuple(place)))
    labels.mode = "paint" if held else "pan_zoom"
    wanted[0] = True
    press(viewer, "press", (100, 100), 1, *held)
    press(viewer, "release", (100, 100), 1, *held)
    assert gone[-1] == tuple(labels.data_to_world((2, 4, 5)))
    assert (labels.data == 255).all()
    count = len(gone)
    if not held:  # moving the scan about is no pointing
        press(viewer, "press", (100, 100), 1)
        press(viewer, "move", (130, 100), 1)
        press(viewer, "release", (130, 100), 1)
        assert len(gone) == count
        labels.mode = "paint"
        press(viewer, "press", (100, 100), 1)
        press(viewer, "release", (100, 100), 1)
        assert len(gone) == count


def test_the_cross_hair_is_a_layer_that_leaves_the_others_alone() -> None:
    screen = Screen()
    screen.layers.show_case(case())
    active, steps = screen.viewer.layers.selection.active, screen.viewer.dims.nsteps
    point = screen.viewer.dims.point
    screen.layers.cross.show((2, 4, 5))
    layer = screen.role("cross-hair")
    assert screen.viewer.layers.selection.active is active
    assert (screen.viewer.dims.nsteps, screen.viewer.dims.point) == (steps, point)
    measured: list[object] = []
    layer.events.data.connect(measured.append)  # as the viewer, which then measures all layers and cuts them anew
    screen.layers.cross.show((3, 1, 9))
    assert screen.role("cross-hair") is layer
    assert not measured
    np.testing.assert_array_equal(layer.data[0], [[0, 1, 9], [5, 0, 0]])
    screen.layers.show_case(case("case-2"))
    screen.layers.cross.show((1, 1, 1))
    assert screen.role("cross-hair").name == "case-2 · cross-hair"
    screen.layers.cross.hide()
    assert all("cross-hair" not in one.name for one in screen.viewer.layers)
