"""What no tool may do, whatever the labels and options; and the list of the tools."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray
from tools_scenes import blobs, painted

from napari_medssl.methods.options import option, resolve_options
from napari_medssl.tools.catalog import BY_NAME, GROUPS, TOOLS, Tool
from napari_medssl.tools.options import ToolOptions
from napari_medssl.tools.rules import settle
from napari_medssl.tools.scene import NEEDS, Change, Scene, ToolError, Wanted
from napari_medssl.tools.seeds import SeedsOptions
from napari_medssl.tools.slices import CopyOptions

EVERY = pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)


@st.composite
def scenes(draw: st.DrawFn) -> Scene:
    """Small arrays of blobs or of anything, 2-D or 3-D, with anything locked, and perhaps a box."""
    axes = draw(st.sampled_from([2, 3, 3]))
    shape = tuple(draw(st.lists(st.integers(3, 9), min_size=axes, max_size=axes)))
    seed = draw(st.integers(0, 10**6))
    random = np.random.default_rng(seed)
    if draw(st.booleans()):
        labels = blobs(shape, values=(1, 2, 1), seed=seed)
        labels[random.random(shape) < draw(st.sampled_from([0.0, 0.3, 0.9]))] = 255
    else:
        labels = draw(arrays.arrays(np.uint8, shape, elements=st.sampled_from([0, 1, 2, 3, 255])))
    spacing = tuple(draw(st.sampled_from([0.5, 1.0, 2.7])) for _ in shape)
    box = None
    if draw(st.booleans()):
        starts = [draw(st.integers(0, size - 1)) for size in shape]
        box = tuple(slice(a, draw(st.integers(a + 1, size))) for a, size in zip(starts, shape, strict=True))
    plane = None
    if axes == 3:
        axis = draw(st.integers(0, 2))
        plane = (axis, draw(st.integers(0, shape[axis] - 1)))
    return Scene(
        labels,
        spacing,
        draw(st.sampled_from([1, 2])),
        image=random.normal(size=shape) + (labels == 1),
        plane=plane,
        box=box,
        locked=draw(st.frozensets(st.sampled_from([0, 1, 2, 3, 255]), max_size=3)),
        probability=draw(st.sampled_from([None, random.random(shape)])),
    )


@st.composite
def some_options(draw: st.DrawFn, tool: Tool) -> ToolOptions:
    """Any options within their ranges, and not too large for small arrays."""
    chosen: dict[str, object] = {}
    for field in dataclasses.fields(tool.options):
        meta = field.metadata
        if meta["choices"]:
            chosen[field.name] = draw(st.sampled_from(meta["choices"]))
        elif isinstance(field.default, bool):
            chosen[field.name] = draw(st.booleans())
        elif isinstance(field.default, float):
            low = -1.0 if meta["low"] is None else meta["low"]
            high = 1.0 if meta["high"] is None else min(meta["high"], 12.0)
            chosen[field.name] = draw(st.floats(low, high))
    return resolve_options(tool.options, chosen)


def _run(tool: Tool, scene: Scene, options: ToolOptions) -> tuple[Change, NDArray[np.uint8]] | None:
    before = scene.labels.copy()
    try:
        change = tool.run(scene, options)
    except ToolError:
        return None
    np.testing.assert_array_equal(scene.labels, before)  # nothing is written by a tool
    return change, painted(scene.labels, change)


@EVERY
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_what_no_tool_may_do(tool: Tool, data: st.DataObject) -> None:
    scene = data.draw(scenes())
    options = data.draw(some_options(tool))
    done = _run(tool, scene, options)
    if done is None:
        return
    change, after = done
    before = scene.labels
    assert change.places.dtype == np.int64
    assert change.values.dtype == np.uint8
    assert change.values.shape == change.places.shape
    assert (np.diff(change.places) > 0).all()  # sorted, each once
    changed = after != before
    assert changed.sum() == change.places.size  # nothing that stays as it is
    assert not np.isin(before[changed], list(scene.locked)).any()
    asked = isinstance(options, SeedsOptions) and options.background
    assert asked or not ((before == 255) & (after == 0)).any()
    others = (before != 0) & (before != 255) & (before != scene.value)
    replacing = isinstance(options, CopyOptions) and options.all_classes and options.replace
    assert replacing or not (changed & others).any()
    if scene.box is not None and "box" in tool.needs | tool.uses:
        changed[scene.box] = False
        assert not changed.any()
    if getattr(options, "only_slice", False) and scene.plane is not None:
        axis, index = scene.plane
        assert set(np.unique(np.unravel_index(change.places, before.shape)[axis])) <= {index}
    assert change.words.endswith(".")
    assert ("nothing to change" in change.words) == (change.places.size == 0)


@pytest.mark.parametrize("name", ["keep_largest", "remove_islands", "fill_holes", "copy_slice", "threshold"])
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_doing_it_twice_is_doing_it_once(name: str, data: st.DataObject) -> None:
    tool = BY_NAME[name]
    scene = dataclasses.replace(data.draw(scenes()), locked=frozenset())
    options = data.draw(some_options(tool))
    done = _run(tool, scene, options)
    if done is None:
        return
    again = _run(tool, dataclasses.replace(scene, labels=done[1]), options)
    assert again is None or again[0].places.size == 0


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_undoing_the_places_gives_the_labels_before(data: st.DataObject) -> None:
    scene = data.draw(scenes())
    labels, steps = scene.labels.copy(), []
    for tool in data.draw(st.lists(st.sampled_from(TOOLS), min_size=1, max_size=4)):
        done = _run(tool, dataclasses.replace(scene, labels=labels), data.draw(some_options(tool)))
        if done is not None:
            steps.append((done[0].places, labels.reshape(-1)[done[0].places]))
            labels = done[1]
    for places, values in reversed(steps):
        labels.reshape(-1)[places] = values
    np.testing.assert_array_equal(labels, scene.labels)


def test_other_structures_and_the_open_change_only_where_a_tool_says_so() -> None:
    labels = np.array([[0, 1, 2, 3, 255]], np.uint8)
    scene = Scene(labels, (1.0, 1.0), 1, locked=frozenset({3}))
    whole = (slice(0, 1), slice(0, 5))
    all_zero = Wanted(whole, np.zeros_like(labels), "Done")
    assert settle(scene, all_zero).places.tolist() == [1]
    assert settle(scene, dataclasses.replace(all_zero, over_others=True)).places.tolist() == [1, 2]
    assert settle(scene, dataclasses.replace(all_zero, background=True)).places.tolist() == [1, 4]


@EVERY
def test_how_arrays_lie_in_memory_does_not_matter(tool: Tool) -> None:
    labels = blobs((14, 16, 18))
    labels[::5] = 255
    image = np.random.default_rng(0).normal(size=labels.shape) + (labels == 1)
    whole = tuple(slice(0, size) for size in labels.shape)
    scene = Scene(labels, (2.0, 1.0, 1.0), 1, image=image, plane=(1, 8), box=whole)
    turned = dataclasses.replace(scene, labels=np.asfortranarray(labels), image=np.asfortranarray(image))
    one, other = tool.run(scene), tool.run(turned)
    np.testing.assert_array_equal(one.places, other.places)
    np.testing.assert_array_equal(one.values, other.values)


@EVERY
def test_what_is_missing_is_told(tool: Tool) -> None:
    bare = Scene(np.ones((5, 6, 7), np.uint8), (1.0,) * 3, 0)
    assert set(tool.missing(bare)) == set(tool.needs)
    with pytest.raises(ToolError, match="Choose a structure"):
        tool.run(bare)
    for value in (0, 255):
        assert "class" in tool.missing(dataclasses.replace(bare, value=value))


@EVERY
def test_it_can_be_stopped_and_tells_how_far_it_is(tool: Tool) -> None:
    labels = blobs((16, 20, 20), values=(1,))
    labels[2::3] = 255
    labels[4, 2:4, 2:4] = 0
    whole = tuple(slice(0, size) for size in labels.shape)
    image = np.random.default_rng(0).normal(size=labels.shape)
    told: list[float] = []
    scene = Scene(labels, (2.0, 1.0, 1.0), 1, image=image, plane=(0, 4), box=whole, progress=told.append)
    assert tool.run(scene).words
    assert told[0] == 0.0
    assert told[-1] == 1.0
    assert min(told) >= 0.0
    assert max(told) <= 1.0
    stopped = tool.run(dataclasses.replace(scene, stop=lambda: True))
    assert stopped.places.size == 0
    assert stopped.words == "Stopped: nothing was changed."


def test_the_list_is_whole() -> None:
    assert len(BY_NAME) == len(TOOLS)
    assert list(dict.fromkeys(tool.group for tool in TOOLS)) == list(GROUPS)  # groups stand together, in this order
    keys = set(option(0, "", "").metadata)
    for tool in TOOLS:
        assert tool.needs | tool.uses <= set(NEEDS)
        assert tool.help.endswith(".")
        for field in dataclasses.fields(tool.options):
            meta = field.metadata
            assert set(meta) == keys
            assert meta["title"]
            assert meta["help"].endswith(".")
            assert not meta["choices"] or field.default in meta["choices"]
        assert resolve_options(tool.options, {}) == tool.options()
