"""The auto preset's network: an encoder of stages and a decoder with skips, in 2-D and 3-D.

The encoder stands alone and gives all its stages (a feature pyramid), so that other methods can hang other heads on it.

Where the first stage strides, it does so by folding: the voxels of a block become channels of one place, and the head
says of each block what all its voxels are. Nothing is computed at full resolution then, which is two thirds of a step's
time on a processor, and no voxel is lost (Shi et al., "Real-Time Single Image and Video Super-Resolution Using an
Efficient Sub-Pixel Convolutional Neural Network", CVPR 2016).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from .attention import make_gate, plain_convolutions
from .blocks import CONV, UP, channel_dropout, conv_unit
from .branches import PyramidNet
from .spec import NetSpec

FLAT_STAGES = 2  # most stages that look at an axis which is never halved with kernels of 1


class Encoder(nn.Module):
    """Two units per stage; the first one strides, but for that of the first stage: its input is folded.

    Parameters
    ----------
    spec : NetSpec
        `classes` plays no part.
    """

    def __init__(self, spec: NetSpec) -> None:
        super().__init__()
        self.widths = spec.widths
        self.strides = spec.strides
        self.stages = nn.ModuleList()
        inputs = spec.in_channels * math.prod(spec.strides[0])
        strides = ((1,) * spec.ndim, *spec.strides[1:])
        for width, stride, kernel in zip(spec.widths, strides, kernels(spec.strides), strict=True):
            # a strided convolution must see every voxel that it steps over
            entry = tuple(3 if s > 1 else k for k, s in zip(kernel, stride, strict=True))
            self.stages.append(
                nn.Sequential(
                    *conv_unit(inputs, width, entry, stride, spec.norm),
                    *conv_unit(width, width, kernel, (1,) * spec.ndim, spec.norm),
                )
            )
            inputs = width
        self.dropout = channel_dropout(spec.dropout, spec.ndim)

    def forward(self, x: Tensor) -> list[Tensor]:
        """Features of every stage, finest first: (B, widths[s], *space / stride so far)."""
        pyramid = []
        x = fold(x, self.strides[0])
        for stage in self.stages:
            x = stage(x)
            pyramid.append(x)
        pyramid[-1] = self.dropout(pyramid[-1])
        return pyramid


class SkipDecoder(nn.Module):
    """Per stage: transposed convolution up, concatenate the encoder's features, one unit; at the end the head.

    One unit and not two: the decoder's full-resolution convolutions are half of a step's time on a processor.

    Parameters
    ----------
    spec : NetSpec
        As of the encoder.
    units : int
        Units per stage.
    attention : str, optional
        Which attention follows each stage but the finest, where it would cost most; see `make_gate`.
    """

    def __init__(self, spec: NetSpec, units: int = 1, attention: str | None = None) -> None:
        super().__init__()
        self.ups = nn.ModuleList()
        self.stages = nn.ModuleList()
        self.gates = nn.ModuleList()
        shapes = kernels(spec.strides)
        ones = (1,) * spec.ndim
        for level in range(len(spec.widths) - 1, 0, -1):
            below, width = spec.widths[level], spec.widths[level - 1]
            stride = spec.strides[level]
            self.ups.append(UP[spec.ndim](below, width, stride, stride))  # type: ignore[arg-type]
            layers: list[nn.Module] = []
            for unit in range(units):
                layers += conv_unit(
                    2 * width if unit == 0 else width, width, shapes[level - 1], ones, spec.decoder_norm
                )
            self.stages.append(nn.Sequential(*layers))
            placed = attention if level > 1 or len(spec.widths) == 2 else None
            self.gates.append(nn.Identity() if placed is None else make_gate(placed, width, spec.ndim))
        self.dropout = channel_dropout(spec.dropout, spec.ndim)
        self.block = spec.strides[0]
        self.head = CONV[spec.ndim](spec.widths[0], spec.classes * math.prod(self.block), 1)

    def forward(self, pyramid: Sequence[Tensor]) -> Tensor:
        """Logits (B, classes, *space) from the encoder's features."""
        x = pyramid[-1]
        parts = zip(self.ups, self.stages, self.gates, reversed(pyramid[:-1]), strict=True)
        for up, stage, gate, skip in parts:
            x = gate(stage(torch.cat((up(x), skip), dim=1)))
        return unfold(self.head(self.dropout(x)), self.block)


class UNet(PyramidNet):
    """Encoder and skip decoder, or one decoder per branch; sides of the input are multiples of `NetSpec.factor`."""

    def __init__(self, spec: NetSpec) -> None:
        super().__init__(spec.branches)
        self.encoder = Encoder(spec)
        self.set_decoders(lambda kind: SkipDecoder(spec, attention=kind))
        for conv in plain_convolutions(self):
            nn.init.kaiming_normal_(conv.weight, a=0.01)  # type: ignore[arg-type]
            if conv.bias is not None:
                nn.init.zeros_(conv.bias)  # type: ignore[arg-type]


def fold(x: Tensor, block: Sequence[int]) -> Tensor:
    """Blocks of voxels as channels: (B, C, *space) to (B, C * voxels of a block, *space / block)."""
    if max(block) == 1:
        return x
    sides = [part for n, b in zip(x.shape[2:], block, strict=True) for part in (n // b, b)]
    places, offsets = range(2, 2 + len(sides), 2), range(3, 3 + len(sides), 2)
    layout = torch.channels_last_3d if len(block) == 3 else torch.channels_last
    blocks = x.reshape(*x.shape[:2], *sides).permute(0, 1, *offsets, *places)
    return blocks.reshape(len(x), -1, *sides[::2]).contiguous(memory_format=layout)


def unfold(x: Tensor, block: Sequence[int]) -> Tensor:
    """The other way round: (B, K * voxels of a block, *space) to (B, K, *space * block)."""
    if max(block) == 1:
        return x
    ndim, space = len(block), x.shape[2:]
    parts = x.reshape(len(x), -1, *block, *space)
    order = [axis for k in range(ndim) for axis in (2 + ndim + k, 2 + k)]
    return parts.permute(0, 1, *order).reshape(len(x), -1, *(n * b for n, b in zip(space, block, strict=True)))


def kernels(strides: Sequence[Sequence[int]]) -> list[tuple[int, ...]]:
    """Kernel of each stage, read off the strides.

    3 everywhere, but 1 along an axis whose voxels are still much coarser than the others': where the plan lets the
    other axes be halved at least once more before this one catches up. An axis that is first halved on the way into
    stage k is thus looked at with 1 in stages 0 .. k - 2 (nnU-Net's rule, seen from the strides); one that is never
    halved, in the first `FLAT_STAGES` at most, since the network must see across slices somewhere.
    """
    count = len(strides)
    first = []
    for axis in range(len(strides[0])):
        halved = [stage for stage in range(count) if strides[stage][axis] > 1]
        first.append(halved[0] if halved else min(count - 1, FLAT_STAGES + 1))
    fastest = min(first)
    return [tuple(1 if stage <= k - 2 and k > fastest else 3 for k in first) for stage in range(count)]
