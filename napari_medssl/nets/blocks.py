"""Small pieces that every network is made of, in 2-D and 3-D.

Convolution and norm are neighbours in a `Sequential`, so that `fold_batchnorm` finds them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from torch import nn

Norm = Literal["batch", "instance"]

CONV = {2: nn.Conv2d, 3: nn.Conv3d}
UP = {2: nn.ConvTranspose2d, 3: nn.ConvTranspose3d}
BATCH_NORM = {2: nn.BatchNorm2d, 3: nn.BatchNorm3d}
INSTANCE_NORM = {2: nn.InstanceNorm2d, 3: nn.InstanceNorm3d}
CHANNEL_DROPOUT = {2: nn.Dropout2d, 3: nn.Dropout3d}

SLOPE = 0.01  # of LeakyReLU


def make_norm(kind: Norm, channels: int, ndim: int) -> nn.Module:
    """Batch or instance norm with weights."""
    if kind == "instance":
        return INSTANCE_NORM[ndim](channels, affine=True)
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


def channel_dropout(probability: float, ndim: int) -> nn.Module:
    """Dropout of whole channels; nothing where the probability is 0."""
    return CHANNEL_DROPOUT[ndim](probability) if probability > 0 else nn.Identity()
