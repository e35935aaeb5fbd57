"""PCRLv2's views: where windows lie, what is done to them, and that only what is needed is read."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
import torch
from fixtures import plan_for
from hypothesis import given
from hypothesis import strategies as st

from napari_medssl.methods.options import resolve_options
from napari_medssl.methods.pcrlv2 import make_views
from napari_medssl.methods.pcrlv2_boxes import (
    SLACK,
    Box,
    WindowRule,
    common_box,
    draw_crop,
    draw_local,
    draw_pair,
    draw_window,
    intersection_over_union,
)
from napari_medssl.methods.pcrlv2_distort import (
    Photo,
    Space,
    Volume,
    cut_out,
    distort_photo,
    distort_volume,
    move,
    swap_blocks,
)
from napari_medssl.methods.pcrlv2_options import PCRLv2Options
from napari_medssl.methods.pcrlv2_views import IMAGENET_MEAN, IMAGENET_SD, PairViews, read_window
from napari_medssl.methods.resampling import blur, resize

SHAPES = st.lists(st.integers(1, 60), min_size=2, max_size=3).map(tuple)
SEEDS = st.integers(0, 2**32 - 1)


def rule_for(shape: tuple[int, ...], seed: int, **more: Any) -> WindowRule:
    rng = np.random.default_rng(seed)
    sizes = tuple(tuple(int(n) for n in rng.integers(1, 50, len(shape))) for _ in range(3))
    local_sizes = tuple(tuple(int(n) for n in rng.integers(1, 20, len(shape))) for _ in range(3))
    return WindowRule(sizes, local_sizes, tuple(int(n) for n in rng.integers(0, 10, len(shape))), **more)


def in_it(inner: Box, outer: Box) -> bool:
    return all(a >= c for a, c in zip(inner.low, outer.low, strict=True)) and all(
        b <= d for b, d in zip(inner.high, outer.high, strict=True)
    )


def whole(shape: tuple[int, ...]) -> Box:
    return Box((0,) * len(shape), shape)


# --- boxes


@given(SHAPES, SEEDS)
def test_windows_lie_in_the_scan_and_keep_off_its_ends(shape: tuple[int, ...], seed: int) -> None:
    rule = rule_for(shape, seed)
    box = draw_window(shape, rule, np.random.default_rng(seed))
    assert in_it(box, whole(shape))
    assert box.size in [tuple(min(n, m) for n, m in zip(size, shape, strict=True)) for size in rule.sizes]
    for low, high, margin, extent in zip(box.low, box.high, rule.margins, shape, strict=True):
        if extent - (high - low) >= 2 * margin:
            assert margin <= low
            assert high <= extent - margin


@given(SHAPES, SEEDS, st.floats(0, 0.9))
def test_global_windows_overlap(shape: tuple[int, ...], seed: int, least: float) -> None:
    """Equal windows can always be drawn, so a pair that overlaps enough is found unless luck fails 500 times."""
    rule = dataclasses.replace(rule_for(shape, seed, overlap=least), sizes=((8,) * len(shape),))
    a, b = draw_pair(shape, rule, np.random.default_rng(seed))
    if np.prod([max(1, n - 8) for n in shape]) < 30:  # few places: some of 500 pairs are the same one twice
        assert intersection_over_union(a, b) > least
    assert intersection_over_union(a, b) > 0


def test_a_pair_that_cannot_overlap_enough_is_the_best_there_is() -> None:
    rule = WindowRule(((40, 40, 40), (4, 4, 4)), ((2, 2, 2),), (0, 0, 0), overlap=0.999)
    a, b = draw_pair((70, 70, 70), rule, np.random.default_rng(0))
    assert 0.1 < intersection_over_union(a, b) < 0.999


@given(SHAPES, SEEDS)
def test_local_windows_lie_in_the_box_around_both(shape: tuple[int, ...], seed: int) -> None:
    rng, rule = np.random.default_rng(seed), rule_for(shape, seed)
    around = common_box(*draw_pair(shape, rule, rng))
    for _ in range(5):
        box = draw_local(around, shape, rule, rng)
        assert in_it(box, around)
        assert min(box.size) >= 1


@given(SHAPES, SEEDS)
def test_only_the_corner_lies_there_if_asked_for(shape: tuple[int, ...], seed: int) -> None:
    rng, rule = np.random.default_rng(seed), rule_for(shape, seed, containment="corner")
    around = common_box(*draw_pair(shape, rule, rng))
    for _ in range(5):
        box = draw_local(around, shape, rule, rng)
        assert in_it(box, whole(shape))
        assert min(box.size) >= 1
        for low, first, last in zip(box.low, around.low, around.high, strict=True):
            assert first - SLACK <= low < last + SLACK


def test_corners_leave_the_box_as_often_as_in_the_code() -> None:
    """46 % of the official local windows lie wholly in the box (24,000 draws): so do ours."""
    shape, rng = (340, 340, 320), np.random.default_rng(0)
    sizes = ((96, 96, 64), (96, 96, 96), (112, 112, 64), (64, 64, 32))
    local_sizes = ((32, 32, 16), (16, 16, 16), (32, 32, 32), (8, 8, 8))
    rule = WindowRule(sizes, local_sizes, (70, 70, 15), containment="corner")
    inside = []
    for _ in range(100):
        around = common_box(*draw_pair(shape, rule, rng))
        inside += [in_it(draw_local(around, shape, rule, rng), around) for _ in range(12)]
    assert np.mean(inside) == pytest.approx(0.46, abs=0.05)


@given(SHAPES, SEEDS)
def test_overlap_is_that_of_voxels(shape: tuple[int, ...], seed: int) -> None:
    rng, rule = np.random.default_rng(seed), rule_for(shape, seed)
    boxes = [draw_window(shape, rule, rng) for _ in range(2)]
    masks = [np.zeros(shape, bool) for _ in boxes]
    for mask, box in zip(masks, boxes, strict=True):
        mask[box.slices] = True
    assert intersection_over_union(*boxes) == pytest.approx((masks[0] & masks[1]).sum() / (masks[0] | masks[1]).sum())


@given(SHAPES, SEEDS)
def test_crops_have_the_share_that_was_asked_for(shape: tuple[int, ...], seed: int) -> None:
    box = draw_crop(shape, (0.3, 1.0), np.random.default_rng(seed))
    assert in_it(box, whole(shape))
    if min(shape) > 12:
        assert np.prod(box.size) / np.prod(shape) > 0.2
    small = draw_crop((400, 400), (0.05, 0.3), np.random.default_rng(seed))
    assert 0.04 < np.prod(small.size) / 160_000 < 0.31
    assert 0.7 < small.size[0] / small.size[1] < 1.4


# --- resampling


@given(SHAPES, SEEDS)
def test_resizing_keeps_what_is_constant_and_stays_in_range(shape: tuple[int, ...], seed: int) -> None:
    rng = np.random.default_rng(seed)
    size = tuple(int(n) for n in rng.integers(1, 40, len(shape)))
    assert resize(np.full((2, *shape), 3.5, np.float32), size) == pytest.approx(3.5, abs=1e-5)
    image = rng.normal(size=(1, *shape)).astype(np.float32)
    out = resize(image, size)
    assert out.shape == (1, *size)
    assert image.min() - 1e-5 <= out.min()
    assert out.max() <= image.max() + 1e-5
    assert resize(image, shape) is image


@given(SHAPES, SEEDS)
def test_resizing_is_scikit_images(shape: tuple[int, ...], seed: int) -> None:
    from skimage.transform import resize as reference

    rng = np.random.default_rng(seed)
    size = tuple(int(n) for n in rng.integers(2, 40, len(shape)))
    image = rng.normal(size=shape).astype(np.float32)
    wanted = reference(image, size, order=1, mode="reflect", anti_aliasing=True, preserve_range=True)
    np.testing.assert_allclose(resize(image[None], size)[0], wanted, atol=1e-4)  # float32 sums


def test_blurring_is_scipys() -> None:
    from scipy.ndimage import gaussian_filter

    image = np.random.default_rng(0).normal(size=(9, 1, 30)).astype(np.float32)
    wanted = gaussian_filter(image, (1.3, 0.4, 1.9))
    np.testing.assert_allclose(blur(image[None], (1.3, 0.4, 1.9))[0], wanted, atol=1e-5)
    np.testing.assert_array_equal(blur(image[None], (0, 0, 0))[0], image)


# --- distortions


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(7).normal(size=shape).astype(np.float32)


def test_a_quarter_turn_is_a_quarter_turn() -> None:
    image = noise(1, 6, 6)
    turned = move_by(image, np.pi / 2)
    assert np.allclose(turned, np.rot90(image, axes=(1, 2)), atol=1e-5) or np.allclose(
        turned, np.rot90(image, -1, axes=(1, 2)), atol=1e-5
    )


def move_by(image: np.ndarray, angle: float, voxel: tuple[float, ...] = (1.0, 1.0)) -> np.ndarray:
    class Fixed:
        """Always the upper end."""

        def uniform(self, low: float, high: float, size: int | None = None) -> Any:
            return high if size is None else np.full(size, high)

        def random(self) -> float:
            return 1.0

    how = Space((), float(np.rad2deg(angle)), 0.0)
    return move(image, how, voxel, Fixed())  # type: ignore[arg-type]


def test_rotation_is_in_millimetres() -> None:
    """A disc of the body stays a disc on voxels twice as long as wide."""
    row, column = np.meshgrid(np.arange(20) - 9.5, np.arange(40) - 19.5, indexing="ij")
    disc = np.clip(10 - np.hypot(2 * row, column), 0, 1)[None].astype(np.float32)
    np.testing.assert_allclose(move_by(disc, 0.5, (2.0, 1.0)), disc, atol=0.5)
    changed = move_by(disc, 0.5, (1.0, 1.0))
    assert np.abs(changed - disc).mean() > 3 * np.abs(move_by(disc, 0.5, (2.0, 1.0)) - disc).mean()


def test_flips_are_along_the_named_axes() -> None:
    image = noise(1, 4, 5, 6)
    still = Space((2,), 0.0, 0.0)
    seen = [move(image, still, (1, 1, 1), np.random.default_rng(k)) for k in range(20)]
    same = [np.array_equal(s, image) for s in seen]
    flipped = [np.array_equal(s, image[..., ::-1]) for s in seen]
    assert all(a != b for a, b in zip(same, flipped, strict=True))
    assert any(same)
    assert any(flipped)


def test_what_comes_from_outside_is_the_minimum() -> None:
    image = noise(1, 12, 12, 12) + 10
    moved = move(image, Space((), 10.0, 0.1), (1, 1, 1), np.random.default_rng(3))
    assert moved.min() >= image.min() - 1e-4
    assert moved.max() <= image.max() + 1e-4


def test_swapping_moves_voxels_and_changes_none() -> None:
    image = noise(2, 16, 16, 8)
    out = swap_blocks(image, 50, (4, 2, 2), np.random.default_rng(0))
    assert not np.array_equal(out, image)
    for channel in range(2):
        np.testing.assert_array_equal(np.sort(out[channel], axis=None), np.sort(image[channel], axis=None))
    order = np.argsort(image[0], axis=None)  # channels move together
    np.testing.assert_array_equal(image[1].ravel()[order], out[1].ravel()[np.argsort(out[0], axis=None)])


@pytest.mark.parametrize("shape", [(1, 4, 4), (1, 5, 3, 7), (1, 8, 4, 4), (1, 9, 4, 4), (1, 15, 4, 4)])
def test_swapping_ends_however_small_the_view(shape: tuple[int, ...]) -> None:
    block = (8, 4, 4)[: len(shape) - 1]
    out = swap_blocks(noise(*shape), 20, block, np.random.default_rng(0))
    np.testing.assert_array_equal(np.sort(out, axis=None), np.sort(noise(*shape), axis=None))


def test_only_global_views_are_shuffled() -> None:
    image, how = noise(1, 16, 16, 8), Volume(blur=0.0, noise=0.0, gamma=0.0, swaps=20, block=(4, 2, 2))
    np.testing.assert_allclose(distort_volume(image, how, np.random.default_rng(0), swap=False), image, atol=1e-6)
    assert not np.allclose(distort_volume(image, how, np.random.default_rng(0), swap=True), image)


def test_contrast_keeps_the_sign() -> None:
    image = noise(1, 16, 16, 8)
    out = distort_volume(image, Volume(blur=0.0, noise=0.0, gamma=0.3), np.random.default_rng(0), swap=False)
    assert not np.allclose(out, image)
    np.testing.assert_array_equal(np.sign(out), np.sign(image))


@given(SEEDS, st.integers(1, 4))
def test_colours_stay_in_range(seed: int, channels: int) -> None:
    image = np.random.default_rng(seed).random((channels, 12, 10), dtype=np.float32)
    out = distort_photo(image, Photo(), np.random.default_rng(seed))
    assert out.shape == image.shape
    assert out.min() >= 0
    assert out.max() <= 1
    assert not np.array_equal(out, image)


def test_a_turn_of_the_colour_wheel() -> None:
    """A third of a turn makes red green; grey stays grey."""
    from napari_medssl.methods import pcrlv2_distort

    class Third:
        def uniform(self, low: float, high: float) -> float:
            return 1 / 3

    image = np.zeros((3, 1, 2), np.float32)
    image[0, 0, 0] = 0.8
    image[:, 0, 1] = 0.3
    out = pcrlv2_distort._hue(image, Third())  # type: ignore[arg-type]
    np.testing.assert_allclose(out[:, 0, 0], (0, 0.8, 0), atol=1e-6)
    np.testing.assert_allclose(out[:, 0, 1], 0.3, atol=1e-6)


def test_squares_are_cut_out() -> None:
    out = cut_out(np.ones((3, 40, 40), np.float32), Photo(cutouts=3, side=8), np.random.default_rng(0))
    assert 0 < (out == 0).sum() <= 3 * 3 * 64
    assert set(np.unique(out)) == {0.0, 1.0}


# --- the maker


def maker_for(patch: tuple[int, ...], augmentation: str = "strong", **settings: Any) -> PairViews:
    options = resolve_options(PCRLv2Options, settings)
    assert isinstance(options, PCRLv2Options)
    plan = dataclasses.replace(plan_for(2, patch), augmentation=augmentation, normalisation="range")  # type: ignore[arg-type]
    return make_views(options, plan)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("windows", ["boxes", "crops"])
@pytest.mark.parametrize("distortion", ["volume", "photo"])
@pytest.mark.parametrize("ndim", [2, 3])
def test_views_have_their_sizes(ndim: int, distortion: str, windows: str, channels: int) -> None:
    maker = maker_for((20, 24, 16)[:ndim], windows=windows, distortion=distortion, local_views=3, view_share=0.5)
    depth = 1 if ndim == 2 else 13
    scan = np.random.default_rng(0).random((channels, depth, 30, 17)).astype(np.float16)
    views = maker(scan, (1.0, 1.0, 1.0), np.random.default_rng(1))
    size, local_size = (10, 12, 8)[:ndim], (6, 6, 4)[:ndim]
    assert {name: tuple(v.shape) for name, v in views.items()} == {
        "globals": (2, channels, *size),
        "targets": (2, channels, *size),
        "locals": (3, channels, *local_size),
    }
    assert all(v.dtype == torch.float32 and torch.isfinite(v).all() for v in views.values())


def test_no_local_views_and_one_restored() -> None:
    views = maker_for((16, 16, 16), local_views=0, restored="one")(
        np.ones((1, 16, 16, 16), np.float16), (1.0, 1.0, 1.0), np.random.default_rng(1)
    )
    assert set(views) == {"globals", "targets"}
    assert len(views["targets"]) == 1


@pytest.mark.parametrize("standardise", ["none", "view", "imagenet"])
def test_constant_scans_do_no_harm(standardise: str) -> None:
    maker = maker_for((16, 16, 16), standardise=standardise)
    views = maker(np.full((1, 9, 9, 9), 0.5, np.float16), (1.0, 1.0, 1.0), np.random.default_rng(1))
    assert all(torch.isfinite(v).all() for v in views.values())


def test_equal_seeds_give_equal_views() -> None:
    maker = maker_for((16, 16, 16))
    scan = np.random.default_rng(0).random((1, 20, 20, 20)).astype(np.float16)
    first, again, other = (maker(scan, (1.0, 1.0, 1.0), np.random.default_rng(k)) for k in (1, 1, 2))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not any(torch.equal(first[name], other[name]) for name in first)


def test_a_target_is_the_view_before_its_pixels_change() -> None:
    still = {"blur": 0.0, "noise": 0.0, "gamma": 0.0, "swaps": 0}
    scan = np.random.default_rng(0).random((1, 20, 20, 20)).astype(np.float16)
    same = maker_for((16, 16, 16), **still)(scan, (1.0, 1.0, 1.0), np.random.default_rng(1))
    torch.testing.assert_close(same["globals"], same["targets"])
    changed = maker_for((16, 16, 16))(scan, (1.0, 1.0, 1.0), np.random.default_rng(1))
    assert not torch.allclose(changed["globals"], changed["targets"], atol=0.01)


def test_local_views_and_targets_keep_their_blocks_in_place() -> None:
    """A ramp stays one, but where blocks changed places."""
    maker = maker_for((16, 16, 16), augmentation="none", blur=0.0, noise=0.0, gamma=0.0, swaps=50)
    ramp = np.broadcast_to(np.arange(20, dtype=np.float16), (1, 20, 20, 20))
    views = maker(ramp, (1.0, 1.0, 1.0), np.random.default_rng(0))
    rises = {name: bool((v.diff(dim=-1) > -1e-4).all()) for name, v in views.items()}
    assert rises == {"globals": False, "targets": True, "locals": True}


def test_standardised_by_view_or_by_photographs() -> None:
    scan = np.random.default_rng(0).random((3, 1, 40, 40)).astype(np.float16)
    rng = np.random.default_rng(1)
    views = maker_for((32, 32), standardise="view")(scan, (1.0, 1.0, 1.0), rng)
    torch.testing.assert_close(views["globals"].mean((2, 3)), torch.zeros(2, 3), atol=1e-4, rtol=0)
    torch.testing.assert_close(views["globals"].std((2, 3), unbiased=False), torch.ones(2, 3), atol=1e-3, rtol=0)
    assert views["targets"].min() >= 0  # as they were
    views = maker_for((32, 32), standardise="imagenet")(scan, (1.0, 1.0, 1.0), rng)
    mean, sd = (torch.tensor(v).reshape(1, 3, 1, 1) for v in (IMAGENET_MEAN, IMAGENET_SD))
    back = views["targets"] * sd + mean
    assert -0.01 < back.min() < back.max() < 1.01
    assert views["targets"].min() < -1 < 1 < views["targets"].max()


def test_hounsfield_units_become_0_to_1_for_bounded_networks() -> None:
    plan = dataclasses.replace(
        plan_for(2, (16, 16, 16)), normalisation="ct", clip=(-1000.0, 1000.0), mean=-200.0, sd=400.0
    )
    options = resolve_options(PCRLv2Options, {"distortion": "photo"})
    assert isinstance(options, PCRLv2Options)
    maker = make_views(options, plan)
    assert maker.unit == pytest.approx((-2.0, 3.0))
    scan = np.linspace(-2, 3, 20**3).reshape(1, 20, 20, 20).astype(np.float16)
    targets = maker(scan, (1.0, 1.0, 1.0), np.random.default_rng(0))["targets"]
    assert targets.min() >= 0
    assert targets.max() <= 1


def test_no_augmentation_leaves_space_alone() -> None:
    maker = maker_for((16, 16, 16), augmentation="none")
    assert maker.space == Space((), 0.0, 0.0)
    assert maker_for((16, 16, 16), augmentation="paper", flips="first").space.flips == (0,)


@pytest.mark.parametrize(("ndim", "axes", "wanted"), [(3, (0, 2), (0, 2)), (2, (1, 2), (0, 1)), (2, (0, 2), (1,))])
def test_only_harmless_axes_are_mirrored(ndim: int, axes: tuple[int, ...], wanted: tuple[int, ...]) -> None:
    plan = dataclasses.replace(plan_for(2, (16,) * ndim), mirror_axes=axes)
    options = resolve_options(PCRLv2Options, {})
    assert isinstance(options, PCRLv2Options)
    assert make_views(options, plan).space.flips == wanted


class Watched(np.ndarray):
    """Remembers how much was read at once."""

    read = 0

    def __getitem__(self, key: Any) -> Any:
        part = np.asarray(self).__getitem__(key)
        Watched.read = max(Watched.read, np.size(part))
        return part


def test_only_the_windows_are_read() -> None:
    scan = np.zeros((1, 60, 60, 60), np.float16).view(Watched)
    Watched.read = 0
    box = Box((3, 4, 5), (13, 14, 15))
    assert read_window(scan, box, (8, 8, 8)).shape == (1, 8, 8, 8)
    assert Watched.read == 1000
    Watched.read = 0
    read_window(scan, box, (8, 8, 8), extra=3)
    assert Watched.read == 1300
    Watched.read = 0
    maker_for((16, 16, 16), view_share=0.5)(scan, (1.0, 1.0, 1.0), np.random.default_rng(0))
    assert 0 < Watched.read <= 14 * 14 * 24
