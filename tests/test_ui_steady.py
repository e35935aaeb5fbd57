"""What stays as it was: the brush under our keys, the way a project begins, links that can be read."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from fixtures import make_project
from qtpy.QtGui import QColor, QPalette
from qtpy.QtWidgets import QScrollArea
from test_ui_review import press
from test_ui_widget import Bench

from napari_medssl.ui.panels.reader import Reader


@pytest.fixture
def bench(qtbot: Any, tmp_path: Path) -> Bench:
    make_project(tmp_path)
    return Bench(qtbot, tmp_path / "project")


def move(viewer: Any, layer: Any, x: float, *modifiers: str) -> None:
    """The mouse moves over the canvas: napari calls the viewer first, then the layer in hand."""
    event = SimpleNamespace(pos=(x, 0.0), modifiers=modifiers, camera_zoom=1.0, is_dragging=False, type="mouse_move")
    event.position, event.handled = (0.0, 0.0, 0.0), False
    for callback in list(viewer.mouse_move_callbacks):
        callback(viewer, event)
    for callback in list(layer.mouse_move_callbacks):
        callback(layer, event)


def test_a_hand_that_moves_while_it_presses_a_key_of_ours_leaves_the_brush(bench: Bench) -> None:
    bench.open("case-2")
    layer, viewer = bench.viewer.layers["case-2 · labels"], bench.viewer
    layer.mode, layer.brush_size = "paint", 2
    move(viewer, layer, 100)
    move(viewer, layer, 100, "Alt")
    move(viewer, layer, 104, "Alt")
    assert layer.brush_size == 6, "napari does it"
    press(viewer, "Alt-N")
    assert layer.brush_size == 2
    move(viewer, layer, 130, "Alt")
    assert layer.brush_size == 2, "Alt is still held"
    move(viewer, layer, 140)
    move(viewer, layer, 140, "Alt")
    move(viewer, layer, 145, "Alt")
    assert layer.brush_size == 7, "without one of our keys it is napari's way to change it"
    move(viewer, layer, 145)
    press(viewer, "Alt-1")
    layer.brush_size = 9
    move(viewer, layer, 150)
    assert layer.brush_size == 9


def test_the_mouse_is_let_go_of_with_the_dock(bench: Bench) -> None:
    bench.widget.shut()
    assert bench.viewer.mouse_move_callbacks == []


def test_another_project_begins_on_the_label_page_at_its_top(bench: Bench, tmp_path: Path) -> None:
    bench.open("case-2")
    bench.widget.layers.channels.set_preset("wide")
    bench.widget.label_page.shade.setChecked(True)
    for page in ("Label", "Review"):
        bench.widget.show_page(page)
        for area in bench.widget.findChildren(QScrollArea):
            area.verticalScrollBar().setValue(area.verticalScrollBar().maximum())
    other = tmp_path / "other"
    other.mkdir()
    make_project(other)
    bench.widget.open_folder(other / "project")
    bench.until(lambda: str(bench.widget.session.board.facts.project.root) == str(other / "project"))
    assert bench.widget.header.verbs["Label"].isChecked()
    assert bench.widget.pages.currentIndex() == 0
    assert all(area.verticalScrollBar().value() == 0 for area in bench.widget.findChildren(QScrollArea))
    view = bench.widget.label_page.view
    assert view.width_box.text() == "", "no case is open, and the figures of the one before are gone"
    assert not view.width_box.isEnabled()
    assert view._says.isHidden(), "nor is anything said of its colours"
    assert not view.planes.isEnabled()
    assert not bench.widget.label_page.shade.isChecked()
    bench.open("case-2")
    assert bench.widget.layers.channels.look().preset == view.presets.itemData(0), "the usual window"


def test_the_same_project_read_again_leaves_the_page(bench: Bench) -> None:
    bench.widget.show_page("Review")
    bench.widget.session.refresh()
    bench.open("case-2")
    assert bench.widget.header.verbs["Review"].isChecked()


def contrast(one: QColor, other: QColor) -> float:
    """As WCAG says: 4.5 and more can be read."""

    def light(colour: QColor) -> float:
        parts = (colour.redF(), colour.greenF(), colour.blueF())
        linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((light(one), light(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize(("ground", "ink"), [("#262930", "#f0f1f2"), ("#efebe9", "#3b3a39")])
def test_links_of_the_documentation_can_be_read(qtbot: Any, repository: Path, ground: str, ink: str) -> None:
    reader = Reader(repository / "docs")
    qtbot.addWidget(reader)
    colours = reader.page.palette()
    colours.setColor(QPalette.ColorRole.Text, QColor(ink))
    reader.page.setPalette(colours)
    reader.open("index.md")
    links = 0
    block = reader.page.document().begin()
    while block.isValid():
        for piece in block:
            look = piece.fragment().charFormat()
            if look.isAnchor():
                links += 1
                assert contrast(look.foreground().color(), QColor(ground)) > 4.5
        block = block.next()
    assert links > 5
