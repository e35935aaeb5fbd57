"""DeSD's residual encoder (Ye et al., MICCAI 2022), and a decoder on it for segmentation.

The encoder is published; of the decoder only that it is convolutional, random at first and has skips. Its widths here
are ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from ..errors import SpecError
from .blocks import CONV, UP, channel_dropout, conv_unit
from .resnet import EXPANSION, ResNetEncoder, ResNetSpec
from .spec import NetSpec

BLOCKS = (3, 4, 6, 3)  # per stage: a ResNet-50, or with basic blocks a ResNet-34


class DeSDResNet(nn.Module):
    """Encoder and skip decoder; sides of the input are multiples of `NetSpec.factor`."""

    def __init__(self, spec: NetSpec) -> None:
        super().__init__()
        self.encoder = ResNetEncoder(desd_encoder_spec(spec))
        self.decoder = DeSDDecoder(spec)

    def forward(self, x: Tensor) -> Tensor:
        """Logits (B, classes, *space) of images (B, in_channels, *space)."""
        out: Tensor = self.decoder(self.encoder(x))
        return out


class DeSDDecoder(nn.Module):
    """Per level: transposed convolution, concatenate the encoder's features, two units; at the end the head.

    Widths fall from eight times the stem's to half of it; at full size there is nothing to concatenate.
    """

    def __init__(self, spec: NetSpec) -> None:
        super().__init__()
        ones, kernel = (1,) * spec.ndim, (3,) * spec.ndim
        skips = (*reversed(spec.widths[:-1]), 0)
        widths = [max(1, spec.widths[0] * 2 ** (len(skips) - 2) // 2**k) for k in range(len(skips))]
        self.ups, self.stages = nn.ModuleList(), nn.ModuleList()
        for (below, width), skip, stride in zip(
            pairwise([spec.widths[-1], *widths]), skips, reversed(spec.strides), strict=True
        ):
            self.ups.append(UP[spec.ndim](below, width, stride, stride))  # type: ignore[arg-type]
            first, second = (conv_unit(n, width, kernel, ones, spec.decoder_norm) for n in (width + skip, width))
            self.stages.append(nn.Sequential(*first, *second))
        self.dropout = channel_dropout(spec.dropout, spec.ndim)
        self.head = CONV[spec.ndim](widths[-1], spec.classes, 1)

    def forward(self, pyramid: Sequence[Tensor]) -> Tensor:
        """Logits (B, classes, *space) from the encoder's features."""
        x, skips = pyramid[-1], list(pyramid[:-1])
        for up, stage in zip(self.ups, self.stages, strict=True):
            x = up(x)
            x = stage(torch.cat((x, skips.pop()), dim=1) if skips else x)
        out: Tensor = self.head(self.dropout(x))
        return out


def desd_encoder_spec(spec: NetSpec) -> ResNetSpec:
    """The encoder of a network: `spec.widths` and `spec.strides` are of the stem and of four stages.

    The stride into the first stage is that of the pooling. Stages four times as wide as the stem and its doubles are of
    bottlenecks, as published; as wide as those, of basic blocks.

    Raises
    ------
    SpecError
        When the widths are of no such network.
    """
    stem, first = spec.widths[0], spec.widths[1] if len(spec.widths) > 1 else 0
    for block, expansion in EXPANSION.items():
        if first == expansion * stem and spec.widths == (stem, *(first * 2**k for k in range(len(BLOCKS)))):
            return ResNetSpec(
                ndim=spec.ndim,
                in_channels=spec.in_channels,
                block=block,
                counts=BLOCKS,
                width=stem,
                stem_stride=spec.strides[0],
                pool_stride=spec.strides[1],
                strides=((1,) * spec.ndim, *spec.strides[2:]),
                norm=spec.norm,
                activation="leaky",
                project_first=True,
            )
    raise SpecError(
        f"DeSD's network has the widths n, 4n, 8n, 16n, 32n (or n, n, 2n, 4n, 8n), not {spec.widths}; for others "
        "choose the architecture unet."
    )
