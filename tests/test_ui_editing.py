"""The gate on the layer that people draw on: what is locked stays, whatever tool is used."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Labels

from napari_medssl.ui.editing import Gate

SHAPE = (4, 16, 16)
LOCKED, OTHER = 1, 2


def layer_of(array: np.ndarray) -> Labels:
    layer = Labels(array)
    ViewerModel().add_layer(layer)
    layer.brush_size = 5
    return layer


@pytest.fixture
def layer() -> Labels:
    array = np.full(SHAPE, 255, np.uint8)
    array[:, 4:12, 4:12] = LOCKED
    array[:, 4:12, 8:12] = OTHER
    return layer_of(array)


TOOLS: dict[str, Callable[[Labels, int], None]] = {
    "brush": lambda layer, value: layer.paint((0, 8, 7), value),
    "fill": lambda layer, value: layer.fill((0, 8, 5), value),
    "polygon": lambda layer, value: layer.paint_polygon([[0, 0, 0], [0, 0, 15], [0, 15, 15], [0, 15, 0]], value),
    "our own": lambda layer, value: layer.data_setitem(np.nonzero(np.ones(SHAPE, bool)), value),
    "our own, many values": lambda layer, value: layer.data_setitem(
        np.nonzero(np.ones(SHAPE, bool)), np.full(np.prod(SHAPE), value, np.uint8)
    ),
}


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize("value", [0, OTHER, 255], ids=["erased", "another class", "not looked at"])
def test_no_tool_overwrites_what_is_locked(layer: Labels, tool: str, value: int) -> None:
    before = np.array(layer.data)
    gate = Gate(layer)
    gate.lock({LOCKED})
    TOOLS[tool](layer, value)
    assert (layer.data[before == LOCKED] == LOCKED).all()
    gate.lock(())
    TOOLS[tool](layer, value)
    assert not (layer.data[before == LOCKED] == LOCKED).all()


def test_beside_what_is_locked_one_draws_and_takes_back(layer: Labels) -> None:
    before = np.array(layer.data)
    Gate(layer).lock({LOCKED})
    with layer.block_history():  # a stroke of two steps
        layer.paint((1, 8, 8), 0)
        layer.paint((1, 8, 10), 0)
    assert (layer.data == 0).any()
    layer.undo()
    np.testing.assert_array_equal(layer.data, before)
    layer.paint((1, 2, 2), LOCKED)  # more of it may be drawn, and taken back
    assert (layer.data == LOCKED).sum() > (before == LOCKED).sum()
    layer.undo()
    np.testing.assert_array_equal(layer.data, before)


def test_undo_of_what_was_drawn_before_the_lock_leaves_it(layer: Labels) -> None:
    gate = Gate(layer)
    layer.paint((2, 2, 2), LOCKED)
    drawn = np.array(layer.data)
    gate.lock({LOCKED})
    layer.undo()
    np.testing.assert_array_equal(layer.data, drawn)
    gate.lock(())
    layer.redo()
    layer.undo()
    assert (layer.data[2] == LOCKED).sum() < (drawn[2] == LOCKED).sum()


def test_rules_join(layer: Labels) -> None:
    bright = np.zeros(SHAPE, bool)
    bright[:, :8] = True
    gate = Gate(layer)
    gate.lock({LOCKED})
    gate.rules.append(lambda where, values, value: bright[where])
    before = np.array(layer.data)
    layer.paint((0, 8, 8), 0)
    changed = layer.data != before
    assert changed.any()
    assert (changed <= (bright & (before != LOCKED))).all()
    gate.rules.clear()
    layer.paint((0, 8, 8), 0)
    assert ((layer.data != before) & ~bright).any()


def test_only_an_edit_that_came_to_nothing_is_reported(layer: Labels) -> None:
    refused: list[bool] = []
    gate = Gate(layer)
    gate.on_refused = lambda: refused.append(True)
    layer.paint((0, 8, 5), 0)
    layer.undo()
    gate.lock({LOCKED})
    layer.paint((0, 8, 5), LOCKED)  # it is that already
    layer.paint((0, 8, 8), 0)  # half of it is another class
    assert not refused
    layer.brush_size = 1
    layer.paint((0, 8, 5), 0)
    assert refused


@pytest.mark.parametrize("seed", range(12))
def test_a_locked_class_survives_any_day_of_work(seed: int) -> None:
    rng = np.random.default_rng(seed)
    layer = layer_of(rng.choice(np.array([0, 1, 2, 3, 255], np.uint8), SHAPE))
    gate = Gate(layer)

    def act() -> None:
        at, value = tuple(int(rng.integers(0, n)) for n in SHAPE), int(rng.choice([0, 1, 2, 3, 255]))
        layer.n_edit_dimensions = int(rng.choice([2, 3]))
        layer.brush_size = int(rng.integers(1, 9))
        match rng.integers(0, 7):
            case 0 | 1:
                with layer.block_history():
                    for _ in range(3):
                        layer.paint((at[0], *rng.integers(0, 16, 2)), value)
            case 2:
                layer.fill(at, value)
            case 3:
                layer.n_edit_dimensions = 2
                layer.paint_polygon([[at[0], *rng.integers(0, 16, 2)] for _ in range(4)], value)
            case 4:
                layer.data_setitem(np.nonzero(rng.random(SHAPE) < 0.2), value)
            case 5:
                layer.undo()
            case 6:
                layer.redo()

    for _ in range(30):
        act()
    gate.lock({LOCKED})
    kept = np.array(layer.data) == LOCKED
    for number in range(60):
        if number == 30:
            gate.lock({LOCKED, 3})
            also = np.array(layer.data) == 3
        act()
        assert (layer.data[kept] == LOCKED).all()
        if number >= 30:
            assert (layer.data[also] == 3).all()
    assert kept.any()
