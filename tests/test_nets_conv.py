"""Convolutions that the processor's own kernels get wrong: short inputs in bfloat16, 1×1 kernels that stride."""

from __future__ import annotations

import subprocess
import sys

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


@pytest.mark.parametrize("ndim", [2, 3])
def test_a_kernel_of_one_that_strides_gives_what_striding_gives(ndim: int) -> None:
    torch.manual_seed(0)
    conv = CONV[ndim](4, 8, 1, 2)
    x = torch.randn(2, 4, *(9, 8, 5)[:ndim], requires_grad=True)
    plain = getattr(torch.nn.functional, f"conv{ndim}d")
    wanted = plain(x.double(), conv.weight.double(), conv.bias.double(), stride=2)
    torch.testing.assert_close(conv(x), wanted.float())
    (gradient,) = torch.autograd.grad(wanted.square().sum(), x)
    torch.testing.assert_close(torch.autograd.grad(conv(x).square().sum(), x)[0], gradient)


STRIDING = """
import torch
from napari_medssl.nets.blocks import CONV
for channels in (2, 3, 4):
    conv = CONV[2](channels, 2 * channels, 1, 2, bias=False).to(memory_format=torch.channels_last)
    for _ in range(15):
        x = torch.randn(8, channels, 16, 8, requires_grad=True).contiguous(memory_format=torch.channels_last)
        conv(x).square().sum().backward()
"""


def test_a_kernel_of_one_that_strides_leaves_memory_whole() -> None:
    """The kernels of oneDNN for AVX2 write beyond their buffers there; glibc notices when something is freed."""
    done = subprocess.run([sys.executable, "-c", STRIDING], capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
