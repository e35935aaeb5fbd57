"""Pieces of networks that are faster than PyTorch's and shall do the same."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from napari_medssl.nets.blocks import Dropout, make_norm
from napari_medssl.nets.mtnet import ReachingConv2d


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("p", [0.05, 0.1, 0.5, 0.9])
def test_dropout_keeps_its_share_and_the_mean(p: float, layout: torch.memory_format) -> None:
    torch.manual_seed(0)
    x = torch.ones(3, 7, 61, 67).to(memory_format=layout).requires_grad_()
    y = Dropout(p)(x)
    y.sum().backward()
    assert torch.equal(x.grad, y.detach())  # what is dropped learns nothing
    assert y.detach().unique().tolist() == pytest.approx([0.0, 1 / (1 - p)])
    share = (y == 0).float()
    sigma = (p * (1 - p) / x.numel()) ** 0.5
    assert float(share.mean()) == pytest.approx(p, abs=5 * sigma + 2**-16)
    # neighbours of a word of random bits have nothing to do with each other, nor have images
    for shifted in (share.roll(1, 3), share.roll(1, 1), share.roll(1, 0)):
        both = float((share * shifted).mean())
        assert both == pytest.approx(p * p, abs=0.01)


def test_dropout_is_off_when_predicting_and_repeatable_when_not() -> None:
    x = torch.randn(2, 3, 8, 8)
    layer = Dropout(0.5)
    found = []
    for _ in range(2):
        torch.manual_seed(4)
        found.append(layer(x))
    assert torch.equal(found[0], found[1])
    assert torch.equal(layer.eval()(x), x)
    assert torch.equal(Dropout(0.0)(x), x)
    assert layer.train()(x.to(torch.bfloat16)).dtype == torch.bfloat16
    assert layer(x[:, :, ::2]).shape == (2, 3, 4, 8)  # not dense: PyTorch's own


@pytest.mark.parametrize("size", [(1, 1), (4, 6), (5, 20), (7, 7), (19, 6), (20, 20)])
@pytest.mark.parametrize("dilation", [6, 18])
def test_taps_beyond_the_border_are_zeros_times_weights(size: tuple[int, int], dilation: int) -> None:
    torch.manual_seed(0)
    ours = ReachingConv2d(3, 4, 3, padding=dilation, dilation=dilation, bias=False)
    theirs = nn.Conv2d(3, 4, 3, padding=dilation, dilation=dilation, bias=False)
    theirs.load_state_dict(ours.state_dict())
    x = torch.randn(2, 3, *size)
    one, other = ours(x), theirs(x)
    torch.testing.assert_close(one, other)
    one.square().sum().backward()
    other.square().sum().backward()
    torch.testing.assert_close(ours.weight.grad, theirs.weight.grad)


@pytest.mark.parametrize("images", [1, 3])
@pytest.mark.parametrize("space", [(6, 5), (4, 3, 2)])
def test_instance_norm_keeps_channels_last(space: tuple[int, ...], images: int) -> None:
    torch.manual_seed(0)
    layout = torch.channels_last if len(space) == 2 else torch.channels_last_3d
    layer = make_norm("instance", 4, len(space))
    nn.init.normal_(layer.weight)
    nn.init.normal_(layer.bias)
    x = (3 + torch.randn(images, 4, *space)).requires_grad_()
    weigh = torch.randn_like(x)
    last, first = layer(x.to(memory_format=layout)), layer(x)
    assert last.is_contiguous(memory_format=layout)
    torch.testing.assert_close(last, first)
    learnt = [x, *layer.parameters()]
    ours, theirs = (torch.autograd.grad((out * weigh).sum(), learnt) for out in (last, first))
    for got, expected in zip(ours, theirs, strict=True):
        torch.testing.assert_close(got, expected, atol=1e-5, rtol=1e-4)  # sums in another order
