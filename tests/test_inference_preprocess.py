"""There and back between a case's file and network space, for every way a scanner may lay out its axes."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_medssl.errors import SpecError
from napari_medssl.imaging import Grid, Volume
from napari_medssl.inference import case_space
from napari_medssl.inference.case_space import slabs, to_case_space
from napari_medssl.inference.preprocess import labels_to_network_space, network_shape, to_network_space
from napari_medssl.nets.spec import NetSpec
from napari_medssl.runs.spec import Plan

SHAPE, SPACING = (5, 6, 7), (0.7, 1.1, 3.0)
#: The 24 rotations of a cube, and the 24 mirrored ones: any order and direction of axes.
LAYOUTS = list(itertools.product(itertools.permutations(range(3)), itertools.product((1, -1), repeat=3)))
VALUES = (0, 1, 2, 5)


def make_plan(spacing: tuple[float, ...], slice_axis: int | None = None, ndim: int = 3, **more: object) -> Plan:
    net = NetSpec("unet", ndim, 1, len(VALUES), (4, 8), ((1,) * ndim, (2,) * ndim))
    return Plan(net=net, spacing=spacing, patch=(8,) * ndim, batch=1, slice_axis=slice_axis, **more)  # type: ignore[arg-type]


def make_grid(order: tuple[int, ...], signs: tuple[int, ...]) -> Grid:
    """A grid whose voxel axis i runs along world axis order[i], forwards or backwards."""
    affine = np.eye(4)
    affine[:3, :3] = 0
    for axis, (world, sign) in enumerate(zip(order, signs, strict=True)):
        affine[world, axis] = sign * SPACING[axis]
    affine[:3, 3] = (10, -20, 30)
    return Grid(SHAPE, affine)


def own_plan(grid: Grid, slice_axis: int | None = None, **more: object) -> Plan:
    """A plan at the grid's own spacing."""
    return make_plan(grid.canonical().grid.spacing, slice_axis, 3 if slice_axis is None else 2, **more)


def one_hot(indices: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.stack([indices == k for k in range(len(VALUES))]).astype(np.float32))


def back_home(maps: torch.Tensor, grid: Grid, plan: Plan) -> np.ndarray:
    """Maps (K, D, H, W) of network space on the axes of the case's file, (K, *shape)."""
    out = np.full((len(maps), *grid.shape), np.nan, np.float32)
    for window, found in to_case_space(slabs([whole(maps)], network_shape(grid, plan)), grid, plan):
        grid.canonical().apply(out)[(slice(None), *window)] = found
    return out


def whole(maps: torch.Tensor) -> tuple[tuple[slice, ...], torch.Tensor]:
    """A part that is all there is."""
    return tuple(slice(0, n) for n in maps.shape[1:]), maps


@pytest.mark.parametrize("slice_axis", [None, 0, 1, 2])
@pytest.mark.parametrize(("order", "signs"), LAYOUTS)
def test_labels_come_back_bit_for_bit(order: tuple[int, ...], signs: tuple[int, ...], slice_axis: int | None) -> None:
    grid = make_grid(order, signs)
    plan = own_plan(grid, slice_axis)
    labels = np.random.default_rng(0).choice(np.array(VALUES, np.uint8), SHAPE)
    there = labels_to_network_space(labels, grid, VALUES, plan)
    assert there.shape == network_shape(grid, plan)
    assert set(np.unique(there)) <= set(range(len(VALUES)))
    back = np.array(VALUES, np.uint8)[back_home(one_hot(there), grid, plan).argmax(axis=0)]
    np.testing.assert_array_equal(back, labels)


@pytest.mark.parametrize("slice_axis", [None, 0, 1, 2])
@pytest.mark.parametrize(("order", "signs"), LAYOUTS[::5])
def test_image_and_labels_stay_on_top_of_each_other(
    order: tuple[int, ...], signs: tuple[int, ...], slice_axis: int | None
) -> None:
    grid = make_grid(order, signs)
    plan = own_plan(grid, slice_axis)
    labels = (np.random.default_rng(1).random(SHAPE) < 0.3).astype(np.uint8)
    image = to_network_space(Volume(labels[None].astype(np.float32) * 7 + 3, grid), plan)
    assert image.dtype == np.float16
    assert image.shape == (1, *network_shape(grid, plan))
    there = labels_to_network_space(labels, grid, VALUES, plan)
    np.testing.assert_array_equal(image[0] > 0, there == 1)


@pytest.mark.parametrize("factor", [0.5, 0.8, 1.3, 2.0, 3.0])
def test_a_voxel_comes_back_where_it_was(factor: float) -> None:
    """At another spacing a small cube keeps its place on the file's own axes, to within half a coarse voxel."""
    shape = (24, 30, 20)
    affine = np.diag([-1.0, 1.0, 2.0, 1.0])[:, [1, 0, 2, 3]]
    grid = Grid(shape, affine)
    plan = make_plan(tuple(s * factor for s in grid.canonical().grid.spacing))
    labels = np.zeros(shape, np.uint8)
    labels[4:12, 18:27, 3:9] = 1
    there = labels_to_network_space(labels, grid, VALUES, plan)
    back = back_home(one_hot(there), grid, plan).argmax(axis=0)
    for mask in (labels, back):
        assert mask.any()
    centre, returned = (np.argwhere(mask).mean(axis=0) for mask in (labels, back))
    assert np.abs(centre - returned).max() <= max(0.5, factor / 2)
    image = to_network_space(Volume(labels[None].astype(np.float32), grid), plan)[0].astype(np.float32)
    weight = image - image.min()
    in_image = np.stack([(np.indices(image.shape)[a] * weight).sum() / weight.sum() for a in range(3)])
    np.testing.assert_allclose(in_image, np.argwhere(there).mean(axis=0), atol=0.5)


@given(st.integers(8, 70), st.integers(2, 35), st.integers(0, 2))
@settings(max_examples=60, deadline=None)
def test_shrinking_moves_nothing(long: int, short: int, axis: int) -> None:
    """A ramp stays a ramp over the same stretch of the body: voxel extents are aligned, not centres."""
    short = min(short, long)
    shape = [4, 4, 4]
    shape[axis] = long
    spacing = [1.0, 1.0, 1.0]
    spacing[axis] = long / short
    grid = Grid(tuple(shape), np.eye(4))
    position = np.indices(shape)[axis].astype(np.float32) + 0.5
    plan = make_plan(tuple(spacing), normalisation="ct", clip=(-1e6, 1e6), mean=0.0, sd=1.0)
    image = to_network_space(Volume(position[None], grid), plan)[0].astype(np.float64)
    assert image.shape[axis] == short
    expected = (np.arange(short) + 0.5) * long / short
    found = np.moveaxis(image, axis, 0).reshape(short, -1).mean(axis=1)
    # a bin may begin half a voxel early; the border repeats the edge
    np.testing.assert_allclose(found[1:-1], expected[1:-1], atol=0.51 if long >= 2 * short else 0.02, rtol=1e-3)


def test_nothing_between_the_new_voxels_is_overlooked() -> None:
    """One bright voxel in eight still shows when scans are made eight times coarser."""
    grid = Grid((32, 8, 8), np.eye(4))
    array = np.zeros((1, 32, 8, 8), np.float32)
    array[0, 3::8] = 80.0
    plan = make_plan((8.0, 1.0, 1.0), normalisation="ct", clip=(0, 100), mean=0.0, sd=1.0)
    np.testing.assert_allclose(to_network_space(Volume(array, grid), plan), 10.0, rtol=1e-3)


def test_raster_images_have_one_plane() -> None:
    grid = Grid.raster((9, 12))
    plan = make_plan((1.0, 1.0), ndim=2)
    labels = np.random.default_rng(2).choice(np.array(VALUES, np.uint8), (9, 12))
    there = labels_to_network_space(labels, grid, VALUES, plan)
    assert there.shape == (1, 9, 12)
    back = np.array(VALUES, np.uint8)[back_home(one_hot(there), grid, plan).argmax(axis=0)]
    np.testing.assert_array_equal(back, labels)
    colours = Volume(np.random.default_rng(3).random((3, 9, 12)), grid, ("red", "green", "blue"))
    assert to_network_space(colours, plan).shape == (3, 1, 9, 12)
    assert to_network_space(colours, make_plan((2.0, 1.5), ndim=2)).shape == (3, 1, 4, 8)


@pytest.mark.parametrize(("shape", "spacing"), [((4, 5), (1.0, 1.0, 1.0)), ((4, 5, 6), (1.0, 1.0))])
def test_a_plan_for_scans_of_another_dimension_is_refused(shape: tuple[int, ...], spacing: tuple[float, ...]) -> None:
    grid = Grid(shape, np.eye(len(shape) + 1), "pixel" if len(shape) == 2 else "mm")
    net = NetSpec("unet", 2, 1, 2, (4,), ((1, 1),))
    with pytest.raises(SpecError, match=r"looks at (images, .* a volume|volumes, .* an image)\."):
        to_network_space(Volume(np.zeros((1, *shape), np.float32), grid), Plan(net, spacing, (16, 16), 1))


def test_unlooked_voxels_and_foreign_values_stay_unlooked() -> None:
    labels = np.array([[[0, 1, 255], [5, 2, 99]]], np.uint8)
    grid = Grid(labels.shape, np.eye(4))
    there = labels_to_network_space(labels, grid, VALUES, own_plan(grid))
    np.testing.assert_array_equal(there, [[[0, 1, 255], [3, 2, 255]]])


@pytest.mark.parametrize("normalisation", ["z-score", "range", "ct"])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_voxels_that_are_no_number_become_the_mean(normalisation: str, bad: float) -> None:
    grid = Grid((6, 6, 6), np.eye(4))
    array = np.random.default_rng(4).normal(50, 10, (1, 6, 6, 6)).astype(np.float32)
    array[0, 0, 0, 0] = bad
    plan = own_plan(grid, normalisation=normalisation, clip=(0.0, 100.0), mean=50.0, sd=10.0)
    image = to_network_space(Volume(array, grid), plan)
    assert np.isfinite(image).all()
    assert image[0, 0, 0, 0] == 0


@pytest.mark.parametrize("normalisation", ["z-score", "range", "ct"])
@pytest.mark.parametrize("value", [0.0, 1000.0, np.nan])
def test_constant_images_become_zero_or_stay_finite(normalisation: str, value: float) -> None:
    grid = Grid((4, 4, 4), np.eye(4))
    volume = Volume(np.full((1, 4, 4, 4), value, np.float32), grid)
    image = to_network_space(volume, own_plan(grid, normalisation=normalisation))
    assert np.isfinite(image).all()
    if normalisation != "ct":
        assert not image.any()


def test_z_scores_are_per_channel_and_shrug_at_outliers() -> None:
    grid = Grid((16, 16, 16), np.eye(4))
    rng = np.random.default_rng(5)
    array = np.stack([rng.normal(0, 1, grid.shape), rng.normal(1000, 200, grid.shape)]).astype(np.float32)
    array[0, 3, 3, 3] = 1e6
    image = to_network_space(Volume(array, grid, ("a", "b")), own_plan(grid)).astype(np.float64)
    np.testing.assert_allclose(image.mean(axis=(1, 2, 3)), 0, atol=0.01)
    np.testing.assert_allclose(image.std(axis=(1, 2, 3)), 1, atol=0.01)


def test_huge_values_fit_into_half_precision() -> None:
    grid = Grid((4, 4, 4), np.eye(4))
    array = np.zeros((1, 4, 4, 4), np.float32)
    array[0, 0, 0, 0] = 3e38
    plan = own_plan(grid, normalisation="ct", clip=(-3e38, 3e38))
    assert np.isfinite(to_network_space(Volume(array, grid), plan)).all()


@st.composite
def cut_spaces(draw: st.DrawFn) -> tuple[Grid, Plan, list[int]]:
    """A case, a plan of another spacing, and rows at which network space is cut into slabs."""
    raster = draw(st.booleans())
    shape = tuple(draw(st.integers(1, 12)) for _ in range(2 if raster else 3))
    spacing = tuple(draw(st.sampled_from([0.4, 0.9, 1.0, 1.7, 3.0])) for _ in shape)
    grid = Grid.raster(shape) if raster else Grid(shape, np.eye(4))
    plan = make_plan(spacing, None if raster else draw(st.sampled_from([None, 0, 1, 2])), ndim=2 if raster else 3)
    return grid, plan, sorted(draw(st.sets(st.integers(1, 30), max_size=4)))


@given(cut_spaces(), st.sampled_from([1, 500, 10**9]))
@settings(max_examples=80, deadline=None)
def test_slabs_give_what_one_interpolation_gives(cut: tuple[Grid, Plan, list[int]], memory: int) -> None:
    grid, plan, cuts = cut
    space = network_shape(grid, plan)
    maps = torch.from_numpy(np.random.default_rng(7).random((2, *space)).astype(np.float32))
    axis = 1 if space[0] == 1 else 0
    edges = [0, *(c for c in cuts if c < space[axis]), space[axis]]
    parts = []
    for start, stop in itertools.pairwise(edges):
        window = [slice(0, n) for n in space]
        window[axis] = slice(start, stop)
        parts.append((tuple(window), maps[(slice(None), *window)]))
    out = np.full((2, *grid.shape), np.nan, np.float32)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(case_space, "BYTES_PER_SLAB", memory)
        for where, found in to_case_space(slabs(parts, space), grid, plan):
            assert np.isnan(out[(slice(None), *where)]).all()  # nothing twice
            out[(slice(None), *where)] = found
    unsliced = maps.movedim(1, plan.slice_axis + 1) if plan.slice_axis else maps
    shape = (1, *grid.shape) if grid.ndim == 2 else grid.shape
    plain = torch.nn.functional.interpolate(unsliced[None], shape, mode="trilinear", align_corners=False)[0]
    np.testing.assert_allclose(out, plain.numpy().reshape(out.shape), atol=1e-5)
