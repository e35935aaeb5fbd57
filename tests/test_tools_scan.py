"""Smoothing, threshold, seeds and snapping against other algorithms and against shapes that are known."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt
from scipy.signal import fftconvolve
from skimage.segmentation import random_walker
from tools_scenes import GRIDS, blobs, painted

from napari_medssl.tools.catalog import BY_NAME
from napari_medssl.tools.scene import Scene, ToolError
from napari_medssl.tools.seeds import SeedsOptions
from napari_medssl.tools.smooth import SmoothOptions
from napari_medssl.tools.snap import BETA, SnapOptions, spread, walk
from napari_medssl.tools.threshold import ThresholdOptions, otsu

Floats = NDArray[np.float64]


def _dice(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> float:
    return float(2 * (a & b).sum() / (a.sum() + b.sum()))


def _all(shape: tuple[int, ...]) -> tuple[slice, ...]:
    return tuple(slice(0, size) for size in shape)


def _ball(shape: tuple[int, ...], spacing: tuple[float, ...], radius: float) -> NDArray[np.bool_]:
    where = np.indices(shape).reshape(len(shape), -1).T * spacing
    middle = (np.array(shape) - 1) / 2 * spacing
    return (np.linalg.norm(where - middle, axis=1) <= radius).reshape(shape)


# --- smooth


@pytest.mark.parametrize(("shape", "spacing"), GRIDS)
@pytest.mark.parametrize("mm", [0.8, 1.7])
def test_evening_out_is_a_gaussian_at_one_half(shape: tuple[int, ...], spacing: tuple[float, ...], mm: float) -> None:
    labels = blobs(shape, values=(1,))
    after = painted(labels, BY_NAME["smooth"].run(Scene(labels, spacing, 1), SmoothOptions(mm=mm)))
    reach = [int(3 * mm / size + 0.5) for size in spacing]
    axes = np.meshgrid(*(np.arange(-r, r + 1) * size for r, size in zip(reach, spacing, strict=True)), indexing="ij")
    kernel = np.exp(-sum(axis**2 for axis in axes) / (2 * mm**2))
    padded = np.pad((labels == 1).astype(float), [(r, r) for r in reach], mode="edge")
    share = fftconvolve(padded, kernel / kernel.sum(), mode="valid")
    clear = np.abs(share - 0.5) > 1e-4
    np.testing.assert_array_equal((after == 1)[clear], (share > 0.5)[clear])


@pytest.mark.parametrize(("shape", "spacing"), GRIDS)
@pytest.mark.parametrize("how", ["cut thin parts", "close narrow gaps"])
def test_rolling_a_ball(shape: tuple[int, ...], spacing: tuple[float, ...], how: str) -> None:
    labels = blobs(shape, values=(1,))
    labels[np.random.default_rng(0).random(shape) > 0.96] ^= 1
    mask, limit = labels == 1, 2.0 * (1 + 1e-6)

    def near(what: NDArray[np.bool_]) -> NDArray[np.bool_]:
        return np.asarray(distance_transform_edt(~what, sampling=spacing) <= limit) & what.any()

    expected = near(~near(~mask)) if how == "cut thin parts" else ~near(~near(mask))
    options = SmoothOptions(mm=2.0, how=how)
    after = painted(labels, BY_NAME["smooth"].run(Scene(labels, spacing, 1), options))
    assert (expected != mask).any()
    np.testing.assert_array_equal(after == 1, expected)
    assert BY_NAME["smooth"].run(Scene(after, spacing, 1), options).places.size == 0  # rolling once is enough


# --- threshold


def _between_classes(values: Floats, limit: float) -> float:
    low, high = values[values <= limit], values[values > limit]
    return low.size * high.size * float(low.mean() - high.mean()) ** 2 if low.size and high.size else 0.0


@pytest.mark.parametrize(("shape", "spacing"), GRIDS)
def test_otsu_parts_best(shape: tuple[int, ...], spacing: tuple[float, ...]) -> None:
    random = np.random.default_rng(0)
    image = random.normal(-900, 40, shape) + 1000 * _ball(shape, spacing, 6.0)
    best = max(_between_classes(image, limit) for limit in np.linspace(image.min(), image.max(), 400))
    assert _between_classes(image, otsu(image)) > 0.99 * best


@pytest.mark.parametrize("how", ["brighter part", "darker part"])
def test_the_part_of_the_box_is_taken(how: str) -> None:
    image = np.full((10, 12, 14), 20.0)
    image[2:8, 3:9, 3:9] = 100.0
    image[0, 0, 0] = np.nan
    labels = np.zeros(image.shape, np.uint8)
    box = (slice(0, 6), slice(1, 7), slice(0, 14))
    change = BY_NAME["threshold"].run(Scene(labels, (1.0,) * 3, 4, image=image, box=box), ThresholdOptions(how=how))
    inside = np.zeros(image.shape, bool)
    inside[box] = True
    expected = inside & ((image > 50) if how == "brighter part" else (image < 50))
    np.testing.assert_array_equal(painted(labels, change) == 4, expected)


def test_a_range_of_values_and_the_rest_taken_away() -> None:
    image = np.arange(24.0).reshape(4, 6)
    labels = np.ones((4, 6), np.uint8)
    labels[0] = 255
    scene = Scene(labels, (1.0, 1.0), 1, image=image, box=_all(image.shape))
    options = ThresholdOptions(how="from … to", low=4.0, high=9.0, clear=True)
    after = painted(labels, BY_NAME["threshold"].run(scene, options))
    expected = np.where((image >= 4) & (image <= 9), 1, np.where(labels == 255, 255, 0))
    np.testing.assert_array_equal(after, expected)


def test_numbers_that_do_not_count_are_told() -> None:
    labels = np.full((6, 7, 8), 255, np.uint8)
    image = np.random.default_rng(0).normal(size=labels.shape)
    scene = Scene(labels, (1.0, 1.0, 1.0), 1, image=image, box=_all(labels.shape))
    words = BY_NAME["threshold"].run(scene, ThresholdOptions(low=100.0, high=300.0)).words
    assert words.endswith("From and To did not count: choose 'from … to' for them.")
    assert "count" not in BY_NAME["threshold"].run(scene).words


def test_an_empty_range_and_a_level_box_are_told() -> None:
    flat = Scene(np.zeros((5, 5), np.uint8), (1.0, 1.0), 1, image=np.ones((5, 5)), box=_all((5, 5)))
    with pytest.raises(ToolError, match="larger box"):
        BY_NAME["threshold"].run(flat)
    with pytest.raises(ToolError, match="The range is empty"):
        BY_NAME["threshold"].run(flat, ThresholdOptions(how="from … to", low=2.0, high=1.0))


# --- grow from seeds


def _strokes(shape: tuple[int, ...], spacing: tuple[float, ...]) -> tuple[Floats, NDArray[np.uint8], NDArray[np.bool_]]:
    """A noisy ball; a stroke in its middle, background along two borders."""
    ball = _ball(shape, spacing, 0.33 * min(np.multiply(shape, spacing)))
    image = np.random.default_rng(0).normal(0, 0.05, shape) + ball
    labels = np.full(shape, 255, np.uint8)
    middle = tuple(size // 2 for size in shape)
    labels[(*middle[:-1], slice(middle[-1] - 2, middle[-1] + 3))] = 1
    labels[..., 0] = labels[..., -1] = 0
    return image, labels, ball


@pytest.mark.parametrize(("shape", "spacing"), GRIDS)
def test_seeds_grow_to_the_edges(shape: tuple[int, ...], spacing: tuple[float, ...]) -> None:
    image, labels, ball = _strokes(shape, spacing)
    scene = Scene(labels, spacing, 1, image=image, box=_all(shape))
    after = painted(labels, BY_NAME["grow_from_seeds"].run(scene))
    assert _dice(after == 1, ball) > 0.93
    marks = np.select([labels == 1, labels == 0], [1, 2], 0)  # the same by walking instead of flooding
    other = random_walker(image, marks, beta=2000, mode="cg_j", tol=1e-6) == 1
    assert _dice(after == 1, other) > 0.9


def test_coarse_first_finds_what_flooding_at_once_finds() -> None:
    shape, spacing = (60, 110, 100), (2.0, 1.0, 1.0)
    image, labels, ball = _strokes(shape, spacing)
    scene = Scene(labels, spacing, 1, image=image, box=_all(shape))
    after = painted(labels, BY_NAME["grow_from_seeds"].run(scene))
    assert _dice(after == 1, ball) > 0.97


def test_structures_and_background_grow_when_asked() -> None:
    image = np.zeros((12, 40, 40))
    image[:, 5:20, 5:35], image[:, 20:35, 5:35] = 1.0, 2.0
    labels = np.full(image.shape, 255, np.uint8)
    labels[6, 12, 10:30], labels[6, 28, 10:30], labels[6, 1, :] = 1, 2, 0
    labels[6, 38, :] = 0
    scene = Scene(labels, (1.0,) * 3, 1, image=image, box=_all(image.shape))
    tool = BY_NAME["grow_from_seeds"]
    one = painted(labels, tool.run(scene))
    assert set(np.unique(one[labels == 255])) == {1, 255}
    every = painted(labels, tool.run(scene, SeedsOptions(all_classes=True, background=True)))
    assert _dice(every == 1, image == 1) > 0.95
    assert _dice(every == 2, image == 2) > 0.95
    assert _dice(every == 0, image == 0) > 0.9
    locked = Scene(labels, (1.0,) * 3, 1, image=image, box=_all(image.shape), locked=frozenset({2}))
    assert set(np.unique(tool.run(locked, SeedsOptions(all_classes=True)).values)) == {1}


def test_values_unlike_the_strokes_stop_it() -> None:
    image = np.random.default_rng(0).normal(0, 0.1, (20, 30, 30))
    blob = _ball(image.shape, (1.0,) * 3, 7.0)
    image += 3 * blob
    labels = np.full(image.shape, 255, np.uint8)
    labels[10, 15, 12:18] = 1
    scene = Scene(labels, (1.0,) * 3, 1, image=image)
    with pytest.raises(ToolError, match="where to stop"):
        BY_NAME["grow_from_seeds"].run(scene)
    after = painted(labels, BY_NAME["grow_from_seeds"].run(scene, SeedsOptions(spread=8.0, reach=30.0)))
    assert _dice(after == 1, blob) > 0.97
    assert set(np.unique(after)) == {1, 255}


def test_nothing_open_is_told() -> None:
    labels = np.zeros((6, 6), np.uint8)
    labels[2, 2] = 1
    with pytest.raises(ToolError, match="has been looked at"):
        BY_NAME["grow_from_seeds"].run(Scene(labels, (1.0, 1.0), 1, image=np.ones((6, 6))))


# --- snap


@pytest.mark.parametrize(("shape", "spacing"), GRIDS)
def test_the_walker_walks_as_that_of_scikit_image(shape: tuple[int, ...], spacing: tuple[float, ...]) -> None:
    ball = _ball(shape, spacing, 6.0)
    image = np.random.default_rng(0).normal(0, 0.1, shape) + ball
    inside, outside = _ball(shape, spacing, 3.0), ~_ball(shape, spacing, 9.0)
    assert (~(inside | outside)).sum() > 50
    even = (1.0,) * len(shape)  # scikit-image takes the spacing into account in another way
    walked = walk(image, inside, outside, Scene(np.zeros(shape, np.uint8), even, 1))
    marks = np.select([inside, outside], [1, 2], 0)
    beta = BETA * 10 * image.std() / spread(image[inside], image[marks == 0]) ** 2  # in its unit
    theirs = random_walker(image, marks, beta=beta, mode="bf", return_full_prob=True)[0]
    assert (np.abs(walked - theirs) < 0.02).mean() > 0.99
    assert ((walked > 0.5) == (theirs > 0.5)).mean() > 0.999


@pytest.mark.parametrize(("shape", "spacing"), GRIDS)
@pytest.mark.parametrize("drawn", [0.75, 1.3])
def test_a_rough_outline_snaps_to_the_edge(shape: tuple[int, ...], spacing: tuple[float, ...], drawn: float) -> None:
    radius = 0.3 * min(np.multiply(shape, spacing))
    ball, rough = _ball(shape, spacing, radius), _ball(shape, spacing, drawn * radius)
    image = np.random.default_rng(0).normal(0, 0.1, shape) + ball
    labels = np.where(rough, 1, 0).astype(np.uint8)
    scene = Scene(labels, spacing, 1, image=image, box=_all(shape))
    after = painted(labels, BY_NAME["snap"].run(scene, SnapOptions(reach=0.5 * radius)))
    assert _dice(after == 1, ball) > 0.96 > _dice(rough, ball)


def test_the_model_decides_where_the_scan_says_nothing() -> None:
    shape = (24, 24, 24)
    model, rough = _ball(shape, (1.0,) * 3, 8.0), _ball(shape, (1.0,) * 3, 6.0)
    labels = np.where(rough, 1, 255).astype(np.uint8)
    chance = np.where(model, 0.95, 0.05)
    scene = Scene(labels, (1.0,) * 3, 1, image=np.zeros(shape), box=_all(shape), probability=chance)
    after = painted(labels, BY_NAME["snap"].run(scene, SnapOptions(reach=4.0, trust=1.0)))
    assert _dice(after == 1, model) > 0.97
    empty = np.full(shape, 255, np.uint8)
    proposed = BY_NAME["snap"].run(dataclasses.replace(scene, labels=empty), SnapOptions(trust=1.0))
    assert _dice(painted(empty, proposed) == 1, model) > 0.97


def test_thin_pieces_are_not_lost() -> None:
    image = np.random.default_rng(0).normal(0, 0.05, (20, 40, 40))
    image[8:10, 5:35, 18:21] += 1
    labels = np.zeros(image.shape, np.uint8)
    labels[8:10, 8:32, 18] = 1
    scene = Scene(labels, (1.0,) * 3, 1, image=image, box=_all(image.shape))
    after = painted(labels, BY_NAME["snap"].run(scene, SnapOptions(reach=3.0)))
    assert _dice(after == 1, image > 0.5) > 0.9 > 0.5 > _dice(labels == 1, image > 0.5)


def test_nothing_to_snap_and_too_small_a_box_are_told() -> None:
    image = np.zeros((8, 8, 8))
    empty = Scene(np.zeros((8, 8, 8), np.uint8), (1.0,) * 3, 1, image=image, box=_all((8, 8, 8)))
    with pytest.raises(ToolError, match="draw the structure roughly"):
        BY_NAME["snap"].run(empty)
    full = Scene(np.ones((8, 8, 8), np.uint8), (1.0,) * 3, 1, image=image, box=_all((8, 8, 8)))
    with pytest.raises(ToolError, match="draw the box wider"):
        BY_NAME["snap"].run(full)


def test_without_edges_the_drawing_stays_about_as_it_is() -> None:
    labels = np.zeros((24, 48, 48), np.uint8)
    labels[10:13, 8:40, 20:26] = 1
    image = np.random.default_rng(0).normal(size=labels.shape)
    after = painted(labels, BY_NAME["snap"].run(Scene(labels, (1.0,) * 3, 1, image=image, box=_all(image.shape))))
    assert _dice(after == 1, labels == 1) > 0.8


def test_a_longer_step_is_harder() -> None:
    inside, outside = np.zeros((3, 3), bool), np.ones((3, 3), bool)
    inside[1, [0, 2]] = True
    outside[1] = False
    walked = walk(np.zeros((3, 3)), inside, outside, Scene(np.zeros((3, 3), np.uint8), (2.0, 1.0), 1))
    assert walked[1, 1] == pytest.approx(2 / (2 + 2 / 4))
