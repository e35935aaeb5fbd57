"""Tiles give what one pass over the whole scan gives, and every voxel is filled once."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from napari_medssl.inference import tiling as module
from napari_medssl.inference.predictor import Predictor, View
from napari_medssl.inference.tiling import bytes_per_voxel, halo, tile_size, tiles
from napari_medssl.nets.build import build_net
from napari_medssl.nets.spec import NetSpec
from napari_medssl.runs.spec import Plan

NET_3D = NetSpec("unet", 3, 1, 3, (4, 6), ((1, 1, 1), (2, 2, 2)))
NET_FLAT = NetSpec("unet", 3, 2, 3, (4, 6, 8), ((1, 1, 1), (1, 2, 2), (2, 2, 2)))
NET_2D = NetSpec("unet", 2, 1, 3, (4, 6), ((1, 1), (2, 2)))


def make_plan(net: NetSpec) -> Plan:
    spacing = (1.0,) * 3
    return Plan(net=net, spacing=spacing, patch=(16,) * net.ndim, batch=1, slice_axis=0 if net.ndim == 2 else None)


def trained(net: NetSpec) -> nn.Module:
    """A network with batch statistics of its own, as after training."""
    torch.manual_seed(0)
    made = build_net(net).train()
    with torch.no_grad():
        for _ in range(3):
            made(torch.randn(2, net.in_channels, *(16,) * net.ndim) * 2 + 1)
    return made


def noise(net: NetSpec, *space: int) -> np.ndarray:
    return np.random.default_rng(0).normal(0, 1, (net.in_channels, *space)).astype(np.float16)


def plain(net: nn.Module, image: np.ndarray) -> torch.Tensor:
    with torch.no_grad():
        return net.eval()(torch.from_numpy(image.astype(np.float32))[None]).softmax(dim=1)[0]


@st.composite
def cuts(draw: st.DrawFn) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    axes = draw(st.integers(1, 3))
    space = tuple(draw(st.integers(1, 40)) for _ in range(axes))
    margin = tuple(draw(st.integers(0, 5)) for _ in range(axes))
    size = tuple(draw(st.integers(2 * m + 1, 2 * m + 20)) for m in margin)
    return space, size, margin


@given(cuts())
def test_tiles_fill_every_voxel_once(
    cut: tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]],
) -> None:
    space, size, margin = cut
    filled = np.zeros(space, int)
    source = np.arange(filled.size).reshape(space)
    for outer, inner, keep in tiles(space, size, margin):
        filled[inner] += 1
        tile = source[outer]
        assert all(n <= s for n, s in zip(tile.shape, size, strict=True))
        np.testing.assert_array_equal(tile[keep], source[inner])
        for o, i, n, m in zip(outer, inner, space, margin, strict=True):
            # the context is as wide as the margin, except where the scan ends
            assert i.start - o.start >= m or o.start == 0
            assert o.stop - i.stop >= m or o.stop == n
    assert (filled == 1).all()


@given(st.tuples(*[st.integers(1, 400)] * 3), st.sampled_from([NET_3D, NET_FLAT]), st.floats(1e5, 1e9))
def test_the_tile_fits_or_cannot_be_smaller(space: tuple[int, ...], net: NetSpec, memory: float) -> None:
    size, margin = tile_size(space, net, memory), halo(net)
    for s, n, m, f in zip(size, space, margin, net.factor, strict=True):
        assert s <= n
        assert s == n or (s > 2 * m and s % f == 0)
    if np.prod(space, dtype=float) * bytes_per_voxel(net) <= memory:
        assert size == space


@pytest.mark.parametrize("net", [NET_3D, NET_FLAT], ids=["even", "anisotropic"])
def test_tiles_give_what_one_pass_gives(net: NetSpec, monkeypatch: pytest.MonkeyPatch) -> None:
    """The halo is at least the receptive field, so only rounding differs: sums run in another order."""
    image = noise(net, 60, 44, 46)
    whole = Predictor([trained(net)], make_plan(net)).probabilities(image)
    memory = 40 * 40 * 40 * bytes_per_voxel(net)
    monkeypatch.setattr(module, "BYTES_PER_TILE", memory)
    assert tile_size((60, 44, 46), net, memory) != (60, 44, 46)
    tiled = Predictor([trained(net)], make_plan(net)).probabilities(image)
    np.testing.assert_allclose(tiled, whole, atol=2e-5)


@pytest.mark.parametrize("net", [NET_3D, NET_FLAT], ids=["even", "anisotropic"])
def test_one_pass_is_the_network(net: NetSpec) -> None:
    image, made = noise(net, 8, 16, 12), trained(net)
    found = Predictor([made], make_plan(net)).probabilities(image)
    np.testing.assert_allclose(found, plain(made, image), atol=1e-5)
    np.testing.assert_allclose(found.sum(dim=0), 1.0, atol=1e-5)


@pytest.mark.parametrize("space", [(7, 9, 11), (1, 1, 1), (3, 16, 5)])
def test_odd_sizes_are_padded_and_cut(space: tuple[int, int, int]) -> None:
    found = Predictor([trained(NET_3D)], make_plan(NET_3D)).probabilities(noise(NET_3D, *space))
    assert found.shape == (3, *space)
    assert torch.isfinite(found).all()


def test_padding_repeats_the_edge_at_the_far_end() -> None:
    image = noise(NET_3D, 7, 8, 8)
    longer = np.concatenate([image, image[:, -1:]], axis=1)
    predictor = Predictor([trained(NET_3D)], make_plan(NET_3D))
    np.testing.assert_allclose(predictor.probabilities(image), predictor.probabilities(longer)[:, :7], atol=1e-6)


def test_slices_are_looked_at_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    image, made = noise(NET_2D, 5, 13, 10), trained(NET_2D)
    predictor = Predictor([made], make_plan(NET_2D))
    found = predictor.probabilities(image)
    assert found.shape == (3, 5, 13, 10)
    for index in range(5):
        alone = predictor.probabilities(image[:, index : index + 1])
        np.testing.assert_allclose(found[:, index], alone[:, 0], atol=1e-6)
    monkeypatch.setattr(module, "BYTES_PER_TILE", 13 * 10 * bytes_per_voxel(NET_2D) * 1.5)  # one at a time
    looked_at = []
    run = predictor._run
    monkeypatch.setattr(predictor, "_run", lambda batch, view: looked_at.append(len(batch)) or run(batch, view))
    np.testing.assert_allclose(predictor.probabilities(image), found, atol=1e-6)
    assert looked_at == [1] * 5


def test_tiles_side_by_side_are_few_rows_of_a_large_scan(monkeypatch: pytest.MonkeyPatch) -> None:
    """However much memory a tile may take, what is made of all of its neighbours is held with it."""
    image = noise(NET_3D, 64, 24, 20)
    predictor = Predictor([trained(NET_3D)], make_plan(NET_3D))
    whole = predictor.probabilities(image)
    monkeypatch.setattr(module, "VOXELS_PER_SLAB", 10 * 24 * 20)
    rows = [where[0] for where, _ in predictor.parts(image, [View()])]
    assert len(rows) > 3
    assert [part.stop - part.start for part in rows[1:-1]] == [10] * (len(rows) - 2)
    np.testing.assert_allclose(predictor.probabilities(image), whole, atol=2e-5)


def test_large_slices_are_cut_into_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    image, made = noise(NET_2D, 3, 70, 50), trained(NET_2D)
    predictor = Predictor([made], make_plan(NET_2D))
    whole = predictor.probabilities(image)
    memory = 40 * 40 * bytes_per_voxel(NET_2D)
    monkeypatch.setattr(module, "BYTES_PER_TILE", memory)
    assert tile_size((70, 50), NET_2D, memory) != (70, 50)
    np.testing.assert_allclose(predictor.probabilities(image), whole, atol=2e-5)


@pytest.mark.parametrize("net", [NET_3D, NET_2D], ids=["volumes", "slices"])
def test_parts_fill_the_scan_once_with_every_view(net: NetSpec, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the order of D, H, W: slabs across D can be put together as they come."""
    monkeypatch.setattr(module, "BYTES_PER_TILE", 40**net.ndim * bytes_per_voxel(net))
    image = noise(net, 50, 60, 44)
    predictor = Predictor([trained(net), build_net(net)], make_plan(net))
    views = [View(), View(member=1), View(flip=1)]
    wholes = [predictor.probabilities(image, view.member, view.flip) for view in views]
    filled, corners = np.zeros(image.shape[1:], int), []
    for where, found in predictor.parts(image, views):
        filled[where] += 1
        corners.append(tuple(part.start for part in where))
        for whole, part in zip(wholes, found, strict=True):
            torch.testing.assert_close(part, whole[(slice(None), *where)])
    assert len(corners) > 1
    assert corners == sorted(corners)
    assert (filled == 1).all()


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_mirrored_view_is_mirrored_back(axis: int) -> None:
    image = noise(NET_3D, 8, 12, 16)
    predictor = Predictor([trained(NET_3D)], make_plan(NET_3D))
    expected = predictor.probabilities(np.flip(image, axis + 1).copy()).flip(axis + 1)
    np.testing.assert_allclose(predictor.probabilities(image, flip=axis), expected, atol=1e-6)


def test_tiles_of_air_are_background_and_not_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    net = NET_3D
    image = np.zeros((1, 120, 24, 24), np.float16)
    image[:, :30] = noise(net, 30, 24, 24)
    memory = 32 * 24 * 24 * bytes_per_voxel(net)
    monkeypatch.setattr(module, "BYTES_PER_TILE", memory)
    predictor = Predictor([trained(net)], make_plan(net))
    looked_at = []
    run = predictor._run
    monkeypatch.setattr(predictor, "_run", lambda batch, member: looked_at.append(batch.shape) or run(batch, member))
    found = predictor.probabilities(image)
    count = len(list(tiles((120, 24, 24), tile_size((120, 24, 24), net, memory), halo(net))))
    assert 0 < len(looked_at) < count
    assert (found[:, 100:].argmax(dim=0) == 0).all()
    assert (found[0, 100:] > 0.99).all()


def test_every_member_predicts_for_itself() -> None:
    torch.manual_seed(1)
    one, other = trained(NET_3D), build_net(NET_3D).eval()
    image = noise(NET_3D, 8, 8, 8)
    predictor = Predictor([one, other], make_plan(NET_3D))
    assert predictor.count == 2
    np.testing.assert_allclose(predictor.probabilities(image, 1), plain(other, image), atol=1e-5)
    np.testing.assert_allclose(predictor.probabilities(image), plain(one, image), atol=1e-5)


@given(st.integers(1, 4), st.integers(0, 2))
@settings(max_examples=12, deadline=None)
def test_the_halo_covers_the_receptive_field(stages: int, flat: int) -> None:
    """What lies beyond the halo of a voxel has no influence on it."""
    later = [tuple(1 if axis == 0 and stage <= flat else 2 for axis in range(3)) for stage in range(1, stages)]
    strides = ((1, 1, 1), *later)
    net = NetSpec("unet", 3, 1, 2, (2,) * stages, strides)
    assert all(h % f == 0 and h >= 2 for h, f in zip(halo(net), net.factor, strict=True))
    if max(halo(net)) > 24:
        return
    space = tuple(2 * h + 2 * f for h, f in zip(halo(net), net.factor, strict=True))
    image = torch.zeros(1, 1, *space)
    image.requires_grad_()
    made = build_net(net).eval()
    centre = tuple(h + f for h, f in zip(halo(net), net.factor, strict=True))
    made(image)[(0, 0, *centre)].backward()
    reached = torch.nonzero(image.grad[0, 0])
    for axis in range(3):
        assert centre[axis] - int(reached[:, axis].min()) <= halo(net)[axis]
        assert int(reached[:, axis].max()) - centre[axis] <= halo(net)[axis]
