"""Folding blocks of voxels into channels and back, against loops."""

from __future__ import annotations

import itertools

import pytest
import torch

from napari_medssl.nets.build import build_net
from napari_medssl.nets.spec import NetSpec
from napari_medssl.nets.unet import fold, unfold

BLOCKS = [(2, 2, 2), (1, 2, 2), (2, 1, 3), (2, 2), (1, 2)]


@pytest.mark.parametrize("block", BLOCKS)
def test_channels_are_the_voxels_of_a_block(block: tuple[int, ...]) -> None:
    places = (3, 2, 4)[: len(block)]
    x = torch.randn(2, 2, *(n * b for n, b in zip(places, block, strict=True)))
    folded = fold(x, block)
    offsets = list(itertools.product(*map(range, block)))
    assert folded.shape == (2, 2 * len(offsets), *places)
    for channel in range(2):
        for number, offset in enumerate(offsets):
            voxels = tuple(slice(o, None, b) for o, b in zip(offset, block, strict=True))
            assert torch.equal(folded[:, channel * len(offsets) + number], x[(slice(None), channel, *voxels)])


@pytest.mark.parametrize("block", BLOCKS)
def test_unfolding_is_the_way_back(block: tuple[int, ...]) -> None:
    x = torch.randn(2, 3, *(2 * b for b in block))
    assert torch.equal(unfold(fold(x, block), block), x)


def test_a_network_that_folds_can_tell_the_voxels_of_a_block_apart() -> None:
    """It learns a pattern finer than its blocks."""
    torch.manual_seed(0)
    net = build_net(NetSpec("unet", 2, 1, 2, (16, 16), ((2, 2), (2, 2))))
    optimiser = torch.optim.Adam(net.parameters(), 0.02)
    for _ in range(120):
        x = torch.randn(4, 1, 16, 16)
        loss = torch.nn.functional.cross_entropy(net(x), (x[:, 0] > 0).long())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    x = torch.randn(4, 1, 16, 16)
    assert (net(x).argmax(1) == (x[:, 0] > 0)).float().mean() > 0.9
