"""Small pieces that every network is made of, in 2-D and 3-D.

Convolution and norm are neighbours in a `Sequential`, so that `fuse_batchnorm` finds them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .conv import Conv2d, Conv3d
from .spec import Norm

CONV = {2: Conv2d, 3: Conv3d}
UP = {2: nn.ConvTranspose2d, 3: nn.ConvTranspose3d}
BATCH_NORM = {2: nn.BatchNorm2d, 3: nn.BatchNorm3d}
MAX_POOL = {2: nn.MaxPool2d, 3: nn.MaxPool3d}
CHANNEL_DROPOUT = {2: nn.Dropout2d, 3: nn.Dropout3d}

SLOPE = 0.01  # of LeakyReLU
GROUPS = 4  # of group norm, where the channels can be divided so


class FrozenBatchNorm2d(nn.BatchNorm2d):
    """Batch norm that keeps and uses the statistics it was loaded with, in training too; its weights learn."""

    def train(self, mode: bool = True) -> Self:
        """Nothing changes."""
        return super().train(False)


class FrozenBatchNorm3d(nn.BatchNorm3d):
    """The same in 3-D."""

    def train(self, mode: bool = True) -> Self:
        """Nothing changes."""
        return super().train(False)


FROZEN_NORM = {2: FrozenBatchNorm2d, 3: FrozenBatchNorm3d}


class InstanceNorm2d(nn.InstanceNorm2d):
    """Instance norm that leaves the layout of its input as it is.

    On a processor PyTorch's own copies an input with its channels last to channels first and hands it on so: the norm
    takes several times as long, and the layers after it are slower, pooling more than ten times. Batch norm of one
    image is the same thing, and keeps the layout.
    """

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, *space)."""
        return super().forward(x) if x.device.type != "cpu" or x.is_contiguous() else _norm_each(self, x)


class InstanceNorm3d(nn.InstanceNorm3d):
    """The same in 3-D."""

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, *space)."""
        return super().forward(x) if x.device.type != "cpu" or x.is_contiguous() else _norm_each(self, x)


def _norm_each(norm: nn.InstanceNorm2d | nn.InstanceNorm3d, x: Tensor) -> Tensor:
    weight, bias, eps = norm.weight, norm.bias, norm.eps
    return torch.cat([F.batch_norm(image, None, None, weight, bias, training=True, eps=eps) for image in x.split(1)])


INSTANCE_NORM = {2: InstanceNorm2d, 3: InstanceNorm3d}


def make_norm(kind: Norm, channels: int, ndim: int) -> nn.Module:
    """Batch, instance or group norm with weights; "frozen" is batch norm with the statistics it was loaded with."""
    if kind == "instance":
        return INSTANCE_NORM[ndim](channels, affine=True)
    if kind == "group":
        return nn.GroupNorm(math.gcd(GROUPS, channels), channels)
    if kind == "frozen":
        return FROZEN_NORM[ndim](channels).eval()
    return BATCH_NORM[ndim](channels)


def conv_unit(inputs: int, outputs: int, kernel: Sequence[int], stride: Sequence[int], norm: Norm) -> nn.Sequential:
    """Convolution without bias, norm, LeakyReLU; the size is kept but for the stride.

    Parameters
    ----------
    inputs, outputs : int
        Channels.
    kernel, stride : sequence of int
        Per axis; kernels are odd.
    """
    ndim = len(kernel)
    padding = tuple(k // 2 for k in kernel)
    return nn.Sequential(
        CONV[ndim](inputs, outputs, tuple(kernel), tuple(stride), padding, bias=False),  # type: ignore[arg-type]
        make_norm(norm, outputs, ndim),
        nn.LeakyReLU(SLOPE, inplace=True),
    )


class Dropout(nn.Dropout):
    """Dropout of single elements; on a processor, four draws come from one random number of 64 bits.

    PyTorch's draws take longer there than many a convolution. The probability is rounded to 1 / 65536.
    """

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, *space)."""
        dense = x.is_contiguous() or x.is_contiguous(memory_format=torch.channels_last)
        if not self.training or self.p == 0 or x.device.type != "cpu" or x.ndim != 4 or not dense:
            return super().forward(x)
        words = torch.empty(-(-x.numel() // 4), dtype=torch.int64).random_(-(2**63), None)
        bits = words.view(torch.int16)[: x.numel()].as_strided(x.shape, x.stride())
        kept = (bits >= round(self.p * 2**16) - 2**15).to(x.dtype)
        return x * kept.mul_(1 / (1 - self.p))


def channel_dropout(probability: float, ndim: int) -> nn.Module:
    """Dropout of whole channels; nothing where the probability is 0."""
    return CHANNEL_DROPOUT[ndim](probability) if probability > 0 else nn.Identity()
