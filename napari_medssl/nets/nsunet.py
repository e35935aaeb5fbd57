"""nsU-Net: a U-Net without skip connections, with two heads at every decoder scale (PCRLv2, Zhou et al., TPAMI 2023).

Whatever the decoder restores and compares went through the bottleneck, so the encoder has to keep it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .ascent import Ascent
from .blocks import BATCH_NORM, CONV
from .build import build_encoder
from .pcrl import resnet_ascents
from .spec import NetSpec
from .unet import kernels

INTERPOLATION = {2: "bilinear", 3: "trilinear"}


@dataclass
class ViewFeatures:
    """What the network says of a batch of views; dictionaries by scale, 0 the coarsest.

    `projections`, `predictions` (B, C_s); `restorations` (B, in_channels, *space) at the size of the view; `final`
    the like from the last features.
    """

    projections: dict[int, Tensor] = field(default_factory=dict)
    predictions: dict[int, Tensor] = field(default_factory=dict)
    restorations: dict[int, Tensor] = field(default_factory=dict)
    final: Tensor | None = None


class Scale(nn.Module):
    """A decoder scale with its comparison and restoration heads; without heads where `heads` is False."""

    def __init__(self, ascent: Ascent, width: int, restoration: nn.Module, heads: bool) -> None:
        super().__init__()
        self.ascent = ascent
        if heads:
            self.projection = nn.BatchNorm1d(width)
            self.predictor = nn.Sequential(
                nn.Linear(width, 2 * width),
                nn.BatchNorm1d(2 * width),
                nn.ReLU(inplace=True),
                nn.Linear(2 * width, width),
            )
            self.restoration = restoration

    def compare(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Projection and prediction (B, C) of features (B, C, *space); in float32, as few values decide."""
        with torch.autocast(x.device.type, enabled=False):
            projection = self.projection(x.float().flatten(2).mean(dim=2))
            return projection, self.predictor(projection)


class NSUNet(nn.Module):
    """Encoder, decoder scales with heads, final restoration.

    Parameters
    ----------
    net : NetSpec
        Its encoder is `build_encoder(net)`. "pcrl-unet3d" and "pcrl-resnet18" get the decoders of the official code,
        every other network a light one that restores without bounds.
    scales : int
        The finest so many decoder scales have heads; as many as there are, if that is fewer.

    Attributes
    ----------
    scales : int
        Those with heads.
    bounded : bool
        Whether restored values lie in 0..1.
    """

    def __init__(self, net: NetSpec, scales: int) -> None:
        super().__init__()
        self.encoder = build_encoder(net)
        widths, strides = net.widths, net.strides
        self.bounded = net.architecture == "pcrl-unet3d"
        outputs = _decoder_widths(net.architecture, widths, strides)
        self.scales = min(scales, len(outputs))
        self._bare = len(outputs) - self.scales
        shapes = kernels(strides)[: len(outputs)][::-1]
        self.decoder_scales = nn.ModuleList()
        for index, (below, width) in enumerate(pairwise((widths[-1], *outputs))):
            form = {"pcrl-unet3d": "transposed", "pcrl-resnet18": "nearest"}.get(net.architecture, "light")
            ascent = Ascent(form, below, 0, width, strides[-1 - index], shapes[index], net.decoder_norm)  # type: ignore[arg-type]
            restoration = _restoration(net, width)
            self.decoder_scales.append(Scale(ascent, width, restoration, heads=index >= self._bare))
        size = 3 if net.architecture == "pcrl-resnet18" else 1
        self.final = CONV[net.ndim](outputs[-1], net.in_channels, size, padding=size // 2)
        self._ndim = net.ndim
        if net.architecture != "pcrl-unet3d":
            _initialise(self.decoder_scales, light=net.architecture != "pcrl-resnet18")

    def forward(
        self, x: Tensor, compare: Collection[int], restore: Collection[int] = (), final: bool = False
    ) -> ViewFeatures:
        """Features of views.

        Parameters
        ----------
        x : Tensor, (B, in_channels, *space)
            Sides are multiples of the encoder's total stride.
        compare, restore : collection of int
            Scales whose heads are asked for; nothing beyond the finest of them is computed.
        final : bool
            Whether the final restoration is.
        """
        out = ViewFeatures()
        size = x.shape[2:]
        last = len(self.decoder_scales) - 1 if final else self._bare + max((*compare, *restore), default=-1)
        features: Tensor = self.encoder(x)[-1]
        for index, module in enumerate(self.decoder_scales):
            if index > last:
                break
            assert isinstance(module, Scale)
            features = module.ascent(features)
            scale = index - self._bare
            if scale in compare:
                out.projections[scale], out.predictions[scale] = module.compare(features)
            if scale in restore:
                out.restorations[scale] = self._enlarged(self._bound(module.restoration(features)), size)
        if final:
            out.final = self._bound(self.final(features))
        return out

    def _bound(self, x: Tensor) -> Tensor:
        return torch.sigmoid(x) if self.bounded else x

    def _enlarged(self, x: Tensor, size: Sequence[int]) -> Tensor:
        if x.shape[2:] == size:
            return x
        return F.interpolate(x, tuple(size), mode=INTERPOLATION[self._ndim], align_corners=False)


def _decoder_widths(
    architecture: str, widths: tuple[int, ...], strides: tuple[tuple[int, ...], ...]
) -> tuple[int, ...]:
    """Channels of each decoder scale, coarsest first; an encoder whose first level strides needs one more."""
    if architecture == "pcrl-resnet18":
        return resnet_ascents(widths)
    finer = widths[-2::-1]
    return (*finer, widths[0]) if max(strides[0]) > 1 else finer


def _restoration(net: NetSpec, width: int) -> nn.Module:
    """Features to image values, at the scale's own size."""
    conv, norm = CONV[net.ndim], BATCH_NORM[net.ndim]
    match net.architecture:
        case "pcrl-unet3d":
            return nn.Sequential(conv(width, net.in_channels, 3, padding=1), norm(net.in_channels))
        case "pcrl-resnet18":
            first = (conv(width, width, 3, padding=1), norm(width), nn.ReLU(inplace=True))
            return nn.Sequential(*first, conv(width, net.in_channels, 1))
    return conv(width, net.in_channels, 3, padding=1)


def _initialise(module: nn.Module, light: bool) -> None:
    """The 2-D code's: Kaiming uniform for convolutions, Xavier for linears. Light: as the auto preset's networks."""
    for part in module.modules():
        if isinstance(part, nn.Conv2d | nn.Conv3d | nn.ConvTranspose2d | nn.ConvTranspose3d):
            if light:
                nn.init.kaiming_normal_(part.weight, a=0.01)
            else:
                nn.init.kaiming_uniform_(part.weight, mode="fan_in", nonlinearity="relu")
        elif isinstance(part, nn.Linear) and not light:
            nn.init.xavier_uniform_(part.weight)
        if isinstance(part, nn.Conv2d | nn.Conv3d | nn.Linear) and part.bias is not None:
            nn.init.zeros_(part.bias)
