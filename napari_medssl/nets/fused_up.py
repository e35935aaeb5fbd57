"""Up-sampling and the convolution after it as one transposed convolution: the same numbers for a third of the time.

Nothing comes between the two, so together they are linear: each voxel of the finer scale sees few voxels of the coarser
one, and what lies between need not be made.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

Up = nn.ConvTranspose2d | nn.ConvTranspose3d | nn.Upsample
Conv = nn.Conv2d | nn.Conv3d

TRANSPOSED = {2: F.conv_transpose2d, 3: F.conv_transpose3d}

WHOLE = 8  # channels come in multiples of so many, as GPUs want them
WORTH = 3  # multiply-adds saved for each one spent on the joint kernel


def up_and_convolve(x: Tensor, up: Up, conv: Conv) -> Tensor:
    """What `conv(up(x))` gives, up to rounding.

    Parameters
    ----------
    x : Tensor, (B, C, *space)
    up : nn.Module
        A transposed convolution whose kernel is as wide as its stride, or nearest-neighbour up-sampling.
    conv : nn.Module
        Odd kernel, stride 1, padding that keeps the size.
    """
    ndim = x.ndim - 2
    stride = [int(s) for s in (up.scale_factor if isinstance(up, nn.Upsample) else up.stride)]  # type: ignore[union-attr]
    voxels = len(x) * math.prod(n * s for n, s in zip(x.shape[2:], stride, strict=True))
    if not _pays(conv, up, voxels, stride):
        out: Tensor = conv(up(x))
        return out
    early, between = (None, None) if isinstance(up, nn.Upsample) else (up.weight, up.bias)
    if early is not None and between is not None:
        # the bias between the two is the weight of a channel that is 1 everywhere: edges need no care of their own
        constant = between.reshape(1, -1, *(1,) * ndim).expand(1, -1, *early.shape[2:])
        more = WHOLE - len(early) % WHOLE
        early = F.pad(torch.cat([early, constant]), [0, 0] * (ndim + 1) + [0, more - 1])
        x = F.pad(x, [0, 0] * ndim + [0, more], value=1.0)
    with torch.autocast(x.device.type, enabled=False):
        kernel = _joint_kernel(early, conv, stride)
    return TRANSPOSED[ndim](x, kernel, conv.bias, stride, [k // 2 for k in conv.kernel_size])


def _pays(conv: Conv, up: Up, voxels: int, stride: list[int]) -> bool:
    """Whether what is saved on so many fine voxels is worth more than making the joint kernel."""
    outputs, middle = conv.weight.shape[:2]
    inputs = middle if isinstance(up, nn.Upsample) else up.weight.shape[0]
    wide, parts = math.prod(conv.kernel_size), math.prod(stride)
    joint = math.prod(s + k - 1 for s, k in zip(stride, conv.kernel_size, strict=True)) / parts
    before = (0 if isinstance(up, nn.Upsample) else inputs * middle) + wide * middle * outputs
    making = parts * wide * outputs * middle * (1 if isinstance(up, nn.Upsample) else inputs)
    return (before - joint * inputs * outputs) * voxels > WORTH * making


def _joint_kernel(early: Tensor | None, conv: Conv, stride: list[int]) -> Tensor:
    """(C, outputs, *(stride + kernel - 1)): every product of a weight of either, summed by place.

    `early` (C, middle, *stride) are the weights that up-sample, None for nearest neighbours.
    """
    outputs = len(conv.weight)
    late = conv.weight.flatten(2)  # (outputs, middle, K)
    if early is None:
        products = late.permute(2, 1, 0).expand(math.prod(stride), -1, -1, -1)  # (S, K, C, outputs)
    else:
        parts = early.flatten(2).permute(2, 0, 1)  # (S, C, middle)
        product = parts.flatten(0, 1) @ late.transpose(0, 1).flatten(1)  # (S C, outputs K)
        products = product.reshape(len(parts), -1, outputs, late.shape[2]).permute(0, 3, 1, 2)
    inputs = products.shape[2]
    extent = [s + k - 1 for s, k in zip(stride, conv.kernel_size, strict=True)]
    place = _places(stride, conv.kernel_size, extent).to(products.device)
    joint = products.new_zeros(math.prod(extent), inputs, outputs)
    joint = joint.index_add(0, place, products.reshape(-1, inputs, outputs))
    return joint.permute(1, 2, 0).reshape(inputs, outputs, *extent)


def _places(stride: list[int], kernel: Sequence[int], extent: list[int]) -> Tensor:
    """Where in the joint kernel the product of each pair of weights belongs: a - k + (kernel - 1), per axis."""
    ndim = len(stride)
    place = torch.zeros((1,) * (2 * ndim), dtype=torch.long)
    for axis, (s, k, n) in enumerate(zip(stride, kernel, extent, strict=True)):
        a = torch.arange(s).reshape([-1 if d == axis else 1 for d in range(2 * ndim)])
        b = torch.arange(k).reshape([-1 if d == ndim + axis else 1 for d in range(2 * ndim)])
        place = place * n + (a - b + k - 1)
    return place.flatten()
