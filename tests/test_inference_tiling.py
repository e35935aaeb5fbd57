"""Whatever the network, a tile stays within the memory that is free, and gives what the whole scan would."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from napari_medssl.inference import memory, tiling
from napari_medssl.inference.predictor import Predictor
from napari_medssl.inference.tiling import Budget, bytes_per_voxel, choose_cut, halo, tile_budget, tile_size, windows
from napari_medssl.nets.build import build_net
from napari_medssl.nets.spec import NetSpec
from napari_medssl.runs.spec import Plan

TWO, ONE = (2, 2, 2), (1, 1, 1)


def unet(stages: int, width: int = 16, ndim: int = 3, classes: int = 3) -> NetSpec:
    widths = tuple(min(width * 2**k, 320) for k in range(stages))
    return NetSpec("unet", ndim, 1, classes, widths, ((1,) * ndim, *((2,) * ndim,) * (stages - 1)))


NETS = {
    "2 stages": unet(2),
    "4 stages": unet(4),
    "5 stages": unet(5),
    "6 stages": unet(6, 32),
    "folded": NetSpec("unet", 3, 1, 3, (32, 64, 128), (TWO,) * 3),
    "thick": NetSpec("unet", 3, 2, 9, (32, 64, 128, 256, 320), (ONE, (1, 2, 2), (1, 2, 2), TWO, TWO)),
    "branches": NetSpec("unet", 3, 1, 3, (16, 32, 64, 128, 256), (ONE, *(TWO,) * 4), branches=("csa", "sa", "ca")),
    "vnet": NetSpec("vnet", 3, 1, 2, (16, 32, 64, 128, 256), (ONE, *(TWO,) * 4)),
    "desd": NetSpec("desd-resnet", 3, 1, 3, (64, 256, 512, 1024, 2048), ((2, 2, 1), *(TWO,) * 4)),
    "pcrl": NetSpec("pcrl-unet3d", 3, 1, 3, (64, 128, 256, 512), (ONE, *(TWO,) * 3)),
    "7 stages, slices": unet(7, 32, 2),
    "bcp-unet2d": NetSpec("bcp-unet2d", 2, 1, 4, (16, 32, 64, 128, 256), ((1, 1), *((2, 2),) * 4)),
    "resnet, slices": NetSpec("pcrl-resnet18", 2, 1, 3, (64, 64, 128, 256, 512), ((2, 2),) * 5),
}
SPACES = [(300, 512, 512), (162, 277, 277), (1, 20_000, 15_000), (40, 2000, 2000), (64, 64, 900)]


def usual(most: float = 1.5e9) -> Budget:
    return Budget(min(most, 1.5e9), most)


@pytest.mark.parametrize("name", NETS)
@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize("opinions", [1, 9])
def test_tiles_of_every_network_fit(name: str, space: tuple[int, ...], opinions: int) -> None:
    """Of those that look far and are wide, one tile that fills anything may take more than the least memory."""
    net = NETS[name]
    for most in (1.5e9, 3e9, 24e9):
        found = list(windows(space, net, usual(most), opinions))
        largest = max(np.prod([w.stop - w.start for w in outer], dtype=float) for outer, _, _ in found)
        least = np.prod([2 * m + f for m, f in zip(halo(net, tiling.PARTS[-1]), net.factor, strict=True)], dtype=float)
        assert largest * bytes_per_voxel(net, opinions) <= max(most, least * bytes_per_voxel(net, opinions))
        assert least * bytes_per_voxel(net, 1) < 1.6e9
        filled = sum(np.prod([w.stop - w.start for w in inner], dtype=float) for _, inner, _ in found)
        assert filled == np.prod(space, dtype=float)
        for outer, _, _ in found:
            starts = [w.start for w in outer][-net.ndim :]
            assert all(start % f == 0 for start, f in zip(starts, net.factor, strict=True))


@given(st.sampled_from(list(NETS)), st.tuples(*[st.integers(1, 700)] * 3), st.floats(1e7, 1e11), st.integers(1, 12))
@settings(max_examples=100, deadline=None)
def test_a_tile_is_within_its_budget_and_wider_than_its_margins(
    name: str, space: tuple[int, ...], most: float, opinions: int
) -> None:
    net = NETS[name]
    cut = choose_cut(space, net, usual(most), opinions)
    looked_at = space[-net.ndim :]
    least = [min(n, 2 * m + f) for n, m, f in zip(looked_at, halo(net, tiling.PARTS[-1]), net.factor, strict=True)]
    small = bytes_per_voxel(net, opinions) * np.prod(least, dtype=float)
    assert bytes_per_voxel(net, opinions) * np.prod(cut.size, dtype=float) <= max(most, small)
    for s, n, m, f in zip(cut.size, looked_at, cut.margin, net.factor, strict=True):
        assert s == n or (s > 2 * m and s % f == 0 and m >= f)


@given(st.sampled_from(["2 stages", "4 stages", "folded"]), st.tuples(*[st.integers(1, 600)] * 3))
def test_networks_that_see_a_little_are_cut_as_they_always_were(name: str, space: tuple[int, ...]) -> None:
    """With all of the halo, within 1.5 GB; by halving, where that comes down to it."""
    net = NETS[name]
    cut = choose_cut(space, net, usual(1.5e9))
    assert cut.exact
    assert cut.margin == halo(net)
    rows = max(1, tiling.VOXELS_PER_SLAB // (space[1] * space[2]))
    slab = -(-rows // net.factor[0]) * net.factor[0] + 2 * halo(net)[0]
    size = tile_size(space, net, 1.5e9)
    if np.prod(size, dtype=float) * bytes_per_voxel(net) <= 1.5e9:
        assert cut.size == (min(size[0], slab), *size[1:])


def test_there_is_no_more_than_a_share_of_what_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    for free, least, most in ((64e9, 1.5e9, 6e9), (12e9, 1.5e9, 3e9), (4e9, 0.75e9, 0.75e9), (1e9, 187.5e6, 187.5e6)):
        monkeypatch.setattr(tiling, "free_memory", lambda device, free=free: int(free))
        assert tile_budget("cpu") == Budget(least, most)
    monkeypatch.setattr(tiling, "free_memory", lambda device: int(8e9 if device == "cuda" else 64e9))
    assert tile_budget("cuda") == Budget(1.5e9, 3e9)
    assert tile_budget("cuda", halvings=2) == Budget(0.375e9, 0.75e9)


def test_free_memory_is_that_of_the_machine_and_of_its_limits(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    there = memory.psutil.virtual_memory().available
    assert 0.5 * there <= memory.free_memory("cpu") <= 2 * there
    monkeypatch.setattr(memory, "_GROUP", tmp_path)
    (tmp_path / "memory.max").write_text("3000000\n")
    (tmp_path / "memory.current").write_text("1000000\n")
    assert memory.free_memory("cpu") == 2_000_000
    (tmp_path / "memory.max").write_text("max\n")
    assert memory.free_memory("cpu") > 2_000_000


def scene(shape: tuple[int, ...], seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Blobs in noise, and their classes."""
    made = torch.Generator().manual_seed(seed)
    smooth = F.interpolate(torch.randn(1, 1, *(n // 8 + 1 for n in shape), generator=made), shape, mode="bilinear")[
        0, 0
    ]
    labels = (smooth > 0.6).long() + 2 * (smooth < -0.6).long()
    image = (labels == 1).float() - (labels == 2).float() + 0.6 * torch.randn(shape, generator=made)
    return image, labels


def trained(net: NetSpec, steps: int = 40) -> torch.nn.Module:
    """A network that has learnt to find blobs."""
    torch.manual_seed(0)
    made = build_net(net).train()
    optimiser = torch.optim.AdamW(made.parameters(), 1e-2)
    for step in range(steps):
        image, labels = scene((64, 64), step)
        loss = F.cross_entropy(made(image[None, None]), labels[None])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return made


@pytest.mark.parametrize("stages", [5, 6])
def test_a_part_of_the_halo_changes_next_to_nothing(stages: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A half or a third of it: the class of less than one voxel in a thousand, of a network that has learnt briefly."""
    net = NetSpec("unet", 2, 1, 3, (4, 8, 16, 16, 16, 16)[:stages], ((1, 1), *((2, 2),) * (stages - 1)))
    plan = Plan(net, (1.0,) * 3, (64, 64), 1, slice_axis=0)
    image = scene((256, 512), 99)[0].numpy().astype(np.float16)[None, None]
    predictor = Predictor([trained(net)], plan)
    whole = predictor.probabilities(image)
    monkeypatch.setattr(tiling, "LARGER", {"cpu": 1, "gpu": 1})
    monkeypatch.setattr(tiling, "BYTES_PER_TILE", (2.2 * halo(net)[0]) ** 2 * 0.5 * bytes_per_voxel(net))
    cut = choose_cut(image.shape[1:], net, tile_budget())
    assert not cut.exact
    assert cut.margin in (halo(net, 3), halo(net, 2))
    tiled = predictor.probabilities(image)
    assert not torch.equal(tiled, whole)
    assert float((tiled - whole).abs().max()) < 0.15
    assert float((tiled - whole).abs().mean()) < 1e-3
    assert float((tiled.argmax(0) != whole.argmax(0)).float().mean()) < 1e-3
