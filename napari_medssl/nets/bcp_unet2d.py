"""BCP's 2-D U-Net for cardiac slices (Bai et al., CVPR 2023)."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from ..errors import SpecError
from .blocks import SLOPE, Dropout, make_norm
from .conv import Conv2d
from .spec import NetSpec, Norm

DROPOUT = (0.05, 0.1, 0.2, 0.3, 0.5)  # element-wise, per encoder level


class BCPEncoder2d(nn.Module):
    """Five blocks with max-pooling between; `spec.dropout` 0 switches their dropout off, anything else on."""

    def __init__(self, spec: NetSpec) -> None:
        super().__init__()
        self.widths = spec.widths
        inputs = (spec.in_channels, *spec.widths[:-1])
        rates = DROPOUT if spec.dropout > 0 else (0.0,) * len(DROPOUT)
        self.blocks = nn.ModuleList(
            _block(a, b, rate, spec.norm) for a, b, rate in zip(inputs, spec.widths, rates, strict=True)
        )
        self.pool = nn.MaxPool2d(2)

    def forward(self, x: Tensor) -> list[Tensor]:
        """Features of every level, finest first: (B, widths[s], *space / 2**s)."""
        pyramid = []
        for index, block in enumerate(self.blocks):
            x = block(x if index == 0 else self.pool(x))
            pyramid.append(x)
        return pyramid


class BCPDecoder2d(nn.Module):
    """Levels from deep to fine; at the end a 3x3 head."""

    def __init__(self, spec: NetSpec) -> None:
        super().__init__()
        self.levels = nn.ModuleList(_DecoderLevel(b, a, spec) for a, b in list(pairwise(spec.widths))[::-1])
        self.head = Conv2d(spec.widths[0], spec.classes, 3, padding=1)

    def forward(self, pyramid: list[Tensor]) -> Tensor:
        """Logits (B, classes, *space)."""
        x = pyramid[-1]
        for level, skip in zip(self.levels, reversed(pyramid[:-1]), strict=True):
            x = level(x, skip)
        out: Tensor = self.head(x)
        return out


class _DecoderLevel(nn.Module):
    """Narrow, bilinear up, concatenate [skip, up], block."""

    def __init__(self, below: int, width: int, spec: NetSpec) -> None:
        super().__init__()
        self.narrow = Conv2d(below, width, 1)
        self.up = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True)
        self.block = _block(2 * width, width, 0.0, spec.decoder_norm)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        out: Tensor = self.block(torch.cat((skip, self.up(self.narrow(x))), dim=1))
        return out


class BCPUNet2d(nn.Module):
    """Encoder and decoder; sides of the input are multiples of 16."""

    def __init__(self, spec: NetSpec) -> None:
        super().__init__()
        halving = ((1, 1),) + ((2, 2),) * (len(DROPOUT) - 1)
        if spec.ndim != 2 or spec.strides != halving:
            raise SpecError(f"BCP's U-Net is 2-D, with strides {halving}; for other data choose the architecture unet.")
        self.encoder = BCPEncoder2d(spec)
        self.decoder = BCPDecoder2d(spec)

    def forward(self, x: Tensor) -> Tensor:
        """Logits (B, classes, *space) of images (B, in_channels, *space)."""
        out: Tensor = self.decoder(self.encoder(x))
        return out


def _block(inputs: int, outputs: int, dropout: float, norm: Norm) -> nn.Sequential:
    return nn.Sequential(
        Conv2d(inputs, outputs, 3, padding=1),
        make_norm(norm, outputs, 2),
        nn.LeakyReLU(SLOPE, inplace=True),
        Dropout(dropout),
        Conv2d(outputs, outputs, 3, padding=1),
        make_norm(norm, outputs, 2),
        nn.LeakyReLU(SLOPE, inplace=True),
    )
