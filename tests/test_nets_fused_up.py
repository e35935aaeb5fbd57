"""Up-sampling and convolution in one: the same numbers and gradients as one after the other."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from napari_medssl.nets import fused_up
from napari_medssl.nets.fused_up import up_and_convolve

PAIRS = {
    "volume": (nn.ConvTranspose3d(4, 5, 2, 2), nn.Conv3d(5, 3, 3, padding=1), (3, 1, 2)),
    "thick": (nn.ConvTranspose3d(4, 5, (1, 2, 2), (1, 2, 2)), nn.Conv3d(5, 3, (1, 3, 3), padding=(0, 1, 1)), (3, 1, 4)),
    "same size": (nn.ConvTranspose3d(4, 5, 1, 1), nn.Conv3d(5, 3, 3, padding=1), (1, 2, 3)),
    "no bias": (nn.ConvTranspose2d(4, 5, 2, 2, bias=False), nn.Conv2d(5, 3, 3, padding=1, bias=False), (3, 1)),
    "one bias": (nn.ConvTranspose2d(4, 5, 2, 2), nn.Conv2d(5, 3, 3, padding=1, bias=False), (2, 3)),
    "nearest": (nn.Upsample(scale_factor=(2.0, 2.0)), nn.Conv2d(4, 3, 3, padding=1), (3, 1)),
    "wide": (nn.ConvTranspose2d(4, 5, 3, 3), nn.Conv2d(5, 3, 5, padding=2), (2, 3)),
}


@pytest.mark.parametrize("name", PAIRS)
def test_the_same_numbers_and_gradients(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    up, conv, size = PAIRS[name]
    torch.manual_seed(0)
    x = torch.randn(2, 4, *size, requires_grad=True)
    wanted = conv(up(x))
    weigh = torch.randn_like(wanted)
    leaves = [x, *up.parameters(), *conv.parameters()]
    gradients = torch.autograd.grad((wanted * weigh).sum(), leaves)
    monkeypatch.setattr(fused_up, "WORTH", -1e12)  # always
    calls: list[Any] = []
    up.register_forward_hook(lambda *_: calls.append(up))
    found = up_and_convolve(x, up, conv)
    assert not calls
    torch.testing.assert_close(found, wanted, atol=1e-5, rtol=1e-4)  # sums in another order
    for got, expected in zip(torch.autograd.grad((found * weigh).sum(), leaves), gradients, strict=True):
        torch.testing.assert_close(got, expected, atol=1e-4, rtol=1e-4)


def test_only_where_it_pays() -> None:
    """Deep in a network there are many channels and few voxels: the joint kernel would cost more than it saves."""
    calls: list[Any] = []
    up, conv = nn.ConvTranspose3d(32, 32, 2, 2), nn.Conv3d(32, 32, 3, padding=1)
    up.register_forward_hook(lambda *_: calls.append(up))
    with torch.no_grad():
        up_and_convolve(torch.zeros(1, 32, 2, 2, 2), up, conv)
        assert len(calls) == 1
        up_and_convolve(torch.zeros(1, 32, 24, 24, 24), up, conv)
    assert len(calls) == 1
