"""PCRLv2's networks for segmentation: its encoders, with the skip connections that its authors advise to add.

Zhou, Lu, Chen, Yang, Yu, "A Unified Visual Information Preservation Framework for Self-supervised Pre-training in
Medical Image Analysis", TPAMI 2023. Pre-training itself knows no skips: see `nsunet`.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn

from ..errors import SpecError
from .ascent import Ascent, relu_unit
from .blocks import CONV, MAX_POOL, channel_dropout
from .resnet import ResNetEncoder, kaiming_fan_out, torchvision_spec
from .spec import NetSpec

RESNET18 = (2, 2, 2, 2)
RESNET18_WIDTHS = (64, 64, 128, 256, 512)
LAST_WIDTH_2D = 16  # of the decoder at full size


class PoolEncoder(nn.Module):
    """Levels of two units, the first of half the width, with max-pooling between them.

    Parameters
    ----------
    spec : NetSpec
        The official one has widths 64, 128, 256, 512 and halves every axis between; 7,027,776 parameters.
    """

    def __init__(self, spec: NetSpec) -> None:
        super().__init__()
        self.widths, self.strides = spec.widths, spec.strides
        self.pools = nn.ModuleList(
            MAX_POOL[spec.ndim](stride, stride) if max(stride) > 1 else nn.Identity() for stride in spec.strides
        )
        self.levels = nn.ModuleList()
        for inputs, width in zip((spec.in_channels, *spec.widths[:-1]), spec.widths, strict=True):
            half = max(1, width // 2)
            first = relu_unit(inputs, half, spec.ndim, spec.norm, bias=True)
            self.levels.append(nn.Sequential(*first, *relu_unit(half, width, spec.ndim, spec.norm, bias=True)))
        self.dropout = channel_dropout(spec.dropout, spec.ndim)

    def forward(self, x: Tensor) -> list[Tensor]:
        """Features of every level, finest first: (B, widths[s], *space / stride so far)."""
        pyramid = []
        for pool, level in zip(self.pools, self.levels, strict=True):
            x = level(pool(x))
            pyramid.append(x)
        pyramid[-1] = self.dropout(x)
        return pyramid


class PCRLUNet3d(nn.Module):
    """The 3-D encoder and a decoder like that of pre-training, with skips."""

    def __init__(self, spec: NetSpec) -> None:
        super().__init__()
        if spec.ndim != 3:
            raise SpecError("PCRLv2's U-Net is 3-D; for 2-D scans choose the architecture pcrl-resnet18 or unet.")
        self.encoder = PoolEncoder(spec)
        self.decoder = _SkipDecoder(
            [
                Ascent("transposed", below, width, width, stride, (3,) * 3, spec.decoder_norm)
                for (width, below), stride in zip(pairwise(spec.widths), spec.strides[1:], strict=True)
            ][::-1],
            CONV[3](spec.widths[0], spec.classes, 1),
            channel_dropout(spec.dropout, 3),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Logits (B, classes, *space) of images (B, in_channels, *space)."""
        out: Tensor = self.decoder(self.encoder(x))
        return out


class PCRLResNet18(nn.Module):
    """ResNet-18 and five decoder blocks: the last one, at full size, has no skip."""

    def __init__(self, spec: NetSpec) -> None:
        super().__init__()
        self.encoder = make_resnet18(spec)
        skips = (*reversed(spec.widths[:-1]), 0)
        widths, strides = resnet_ascents(spec.widths), spec.strides[::-1]
        inputs = (spec.widths[-1], *widths[:-1])
        self.decoder = _SkipDecoder(
            [
                Ascent("nearest", below, skip, width, stride, (3, 3), spec.decoder_norm)
                for below, skip, width, stride in zip(inputs, skips, widths, strides, strict=True)
            ],
            CONV[2](widths[-1], spec.classes, 3, padding=1),
            channel_dropout(spec.dropout, 2),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Logits (B, classes, *space) of images (B, in_channels, *space)."""
        out: Tensor = self.decoder(self.encoder(x))
        return out


class _SkipDecoder(nn.Module):
    """Ascents from deep to fine, each with the encoder's features of its size where there are any; then the head."""

    def __init__(self, ascents: Sequence[Ascent], head: nn.Module, dropout: nn.Module) -> None:
        super().__init__()
        self.ascents = nn.ModuleList(ascents)
        self.dropout = dropout
        self.head = head

    def forward(self, pyramid: Sequence[Tensor]) -> Tensor:
        x, skips = pyramid[-1], list(pyramid[:-1])
        for ascent in self.ascents:
            x = ascent(x, skips.pop() if skips else None)
        out: Tensor = self.head(self.dropout(x))
        return out


def make_resnet18(spec: NetSpec) -> ResNetEncoder:
    """The 2-D encoder, initialised as torchvision does; `spec.widths` may be narrower by a common factor.

    Raises
    ------
    SpecError
        When the spec is no ResNet-18.
    """
    wide = tuple(spec.widths[0] * n // RESNET18_WIDTHS[0] for n in RESNET18_WIDTHS)
    if spec.ndim != 2 or spec.widths != wide or spec.strides != ((2, 2),) * len(wide):
        raise SpecError(
            f"PCRLv2's ResNet-18 is 2-D, with widths in the proportions of {RESNET18_WIDTHS} and strides of 2; for "
            "other data choose the architecture pcrl-unet3d or unet."
        )
    encoder = ResNetEncoder(
        torchvision_spec(2, spec.in_channels, "basic", RESNET18, norm=spec.norm, width=spec.widths[0])
    )
    kaiming_fan_out(encoder)
    return encoder


def resnet_ascents(widths: Sequence[int]) -> tuple[int, ...]:
    """Channels of the decoder's blocks, deep to fine: 256, 128, 64, 32, 16 for ResNet-18."""
    return tuple(max(1, widths[-1] >> k) for k in range(1, len(widths) + 1))
