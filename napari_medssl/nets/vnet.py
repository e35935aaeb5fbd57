"""BCP's V-Net for the left atrium (Bai et al., CVPR 2023): sums instead of concatenations, no residual units."""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn

from ..errors import SpecError
from .blocks import channel_dropout, make_norm
from .conv import Conv3d
from .spec import NetSpec, Norm

UNITS = (1, 2, 3, 3, 3)  # convolutions per encoder level; the decoder mirrors all but the deepest


class VNetEncoder(nn.Module):
    """Five levels; all but the first begin with a 2x2x2 convolution of stride 2."""

    def __init__(self, spec: NetSpec) -> None:
        super().__init__()
        self.widths = spec.widths
        self.levels = nn.ModuleList([nn.Sequential(*_unit(UNITS[0], spec.in_channels, spec.widths[0], spec.norm))])
        for count, (a, b) in zip(UNITS[1:], pairwise(spec.widths), strict=True):
            down = (Conv3d(a, b, 2, 2), make_norm(spec.norm, b, 3), nn.ReLU(inplace=True))
            self.levels.append(nn.Sequential(*down, *_unit(count, b, b, spec.norm)))
        self.dropout = channel_dropout(spec.dropout, 3)

    def forward(self, x: Tensor) -> list[Tensor]:
        """Features of every level, finest first: (B, widths[s], *space / 2**s)."""
        pyramid = []
        for level in self.levels:
            x = level(x)
            pyramid.append(x)
        pyramid[-1] = self.dropout(x)
        return pyramid


class VNetDecoder(nn.Module):
    """Levels from deep to fine; at the end the head."""

    def __init__(self, spec: NetSpec) -> None:
        super().__init__()
        finer = list(pairwise(spec.widths))[::-1]
        self.levels = nn.ModuleList(
            _DecoderLevel(count, b, a, spec.decoder_norm) for count, (a, b) in zip(UNITS[-2::-1], finer, strict=True)
        )
        self.dropout = channel_dropout(spec.dropout, 3)
        self.head = Conv3d(spec.widths[0], spec.classes, 1)

    def forward(self, pyramid: list[Tensor]) -> Tensor:
        """Logits (B, classes, *space)."""
        x = pyramid[-1]
        for level, skip in zip(self.levels, reversed(pyramid[:-1]), strict=True):
            x = level(x, skip)
        out: Tensor = self.head(self.dropout(x))
        return out


class _DecoderLevel(nn.Module):
    """Up, add the encoder's features, units."""

    def __init__(self, count: int, below: int, width: int, norm: Norm) -> None:
        super().__init__()
        self.up = nn.Sequential(
            nn.ConvTranspose3d(below, width, 2, 2), make_norm(norm, width, 3), nn.ReLU(inplace=True)
        )
        self.units = nn.Sequential(*_unit(count, width, width, norm))

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        out: Tensor = self.units(self.up(x) + skip)
        return out


class VNet(nn.Module):
    """Encoder and decoder; sides of the input are multiples of 16."""

    def __init__(self, spec: NetSpec) -> None:
        super().__init__()
        _check(spec)
        self.encoder = VNetEncoder(spec)
        self.decoder = VNetDecoder(spec)

    def forward(self, x: Tensor) -> Tensor:
        """Logits (B, classes, *space) of images (B, in_channels, *space)."""
        out: Tensor = self.decoder(self.encoder(x))
        return out


def _unit(count: int, inputs: int, outputs: int, norm: Norm) -> list[nn.Module]:
    layers: list[nn.Module] = []
    for index in range(count):
        layers += [
            Conv3d(inputs if index == 0 else outputs, outputs, 3, padding=1),
            make_norm(norm, outputs, 3),
            nn.ReLU(inplace=True),
        ]
    return layers


def _check(spec: NetSpec) -> None:
    halving = ((1, 1, 1),) + ((2, 2, 2),) * (len(UNITS) - 1)
    if spec.ndim != 3 or spec.strides != halving:
        raise SpecError(f"The V-Net is 3-D, with strides {halving}; for other data choose the architecture unet.")
