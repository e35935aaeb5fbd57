"""Convolutions of inputs shorter than their kernel, under bfloat16 autocast."""

from __future__ import annotations

import pytest
import torch

from napari_medssl.nets.blocks import CONV


@pytest.mark.parametrize(
    ("space", "kernel", "stride"),
    [
        ((2, 8, 8), 3, 1),
        ((2, 2, 2), 3, 1),
        ((1, 4, 4), 3, 1),
        ((4, 1, 2), 3, 2),
        ((2, 8, 8), (3, 1, 1), 1),
        ((3, 8, 8), 7, 1),
        ((1, 1), 3, 2),
        ((2, 1), 7, 2),
    ],
)
def test_gradients_of_small_inputs_are_those_of_float32(
    space: tuple[int, ...], kernel: int | tuple[int, ...], stride: int
) -> None:
    """The processor's own bfloat16 kernels leave memory there as they found it."""
    torch.manual_seed(0)
    padding = tuple(k // 2 for k in (kernel if isinstance(kernel, tuple) else (kernel,) * len(space)))
    conv = CONV[len(space)](16, 16, kernel, stride, padding)
    x = torch.randn(4, 16, *space)
    conv(x).square().sum().backward()
    wanted = conv.weight.grad.clone()
    for size in (1_000, 30_000, 200_000):
        dirt = [torch.full((size,), 1e30) for _ in range(5)]  # what a kernel finds in memory it does not fill
        del dirt
        conv.zero_grad()
        with torch.autocast("cpu", torch.bfloat16):
            out = conv(x)
        assert out.dtype == torch.float32
        out.square().sum().backward()
        torch.testing.assert_close(conv.weight.grad, wanted)


def test_large_inputs_stay_in_bfloat16() -> None:
    with torch.autocast("cpu", torch.bfloat16):
        assert CONV[3](2, 2, 3, padding=1)(torch.randn(1, 2, 3, 8, 8)).dtype == torch.bfloat16
        assert CONV[2](2, 2, 7, padding=3)(torch.randn(1, 2, 8, 8)).dtype == torch.bfloat16
