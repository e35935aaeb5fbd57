"""CDMA's network for tissue: a ResNet-50, atrous pyramid pooling, and decoders that differ in attention only.

Zhong et al., MICCAI 2023, as released: DeepLabv3+ with output stride 16; channels are given for `widths[0]` 64.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..errors import SpecError
from .attention import ATTENTIONS, make_attention, plain_convolutions
from .blocks import Dropout, make_norm
from .branches import Branched, disturb
from .conv import Conv2d
from .resnet import ResNetEncoder, kaiming_fan_out, torchvision_spec
from .spec import NetSpec

BLOCKS = (3, 4, 6, 3)  # ResNet-50
DILATIONS = (6, 12, 18)
DROPOUT = (0.5, 0.5, 0.1)  # after the pyramid pooling and both 3x3 convolutions of a decoder
STRIDES = (*((2, 2),) * 4, (1, 1))
EXPANSIONS = (1, 4, 8, 16, 32)  # channels of stem and stages, in units of the stem's


class ReachingConv2d(Conv2d):
    """A dilated 3x3 convolution that leaves out the taps which lie beyond the border wherever the middle one is.

    On the small maps at the deepest stage most of them do: zeros times weights.
    """

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W)."""
        far = [d >= n for d, n in zip(self.dilation, x.shape[2:], strict=True)]
        rows, columns = (slice(1, 2) if f else slice(None) for f in far)
        padding = tuple(0 if f else d for f, d in zip(far, self.dilation, strict=True))
        return F.conv2d(x, self.weight[:, :, rows, columns], self.bias, 1, padding, self.dilation)


class PyramidPooling(nn.Module):
    """The deepest features seen at five ranges at once: 1x1, three dilated 3x3, and the mean of the whole input."""

    def __init__(self, inputs: int, outputs: int, dropout: float) -> None:
        super().__init__()
        self.near = _unit(inputs, outputs, 1)
        self.far = nn.ModuleList(_unit(inputs, outputs, 3, dilation) for dilation in DILATIONS)
        self.whole = _unit(inputs, outputs, 1)
        self.join = _unit((2 + len(DILATIONS)) * outputs, outputs, 1)
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """(B, outputs, H, W)."""
        whole = self.whole(x.mean((2, 3), keepdim=True)).expand(-1, -1, *x.shape[2:])
        out: Tensor = self.dropout(self.join(torch.cat((self.near(x), *(far(x) for far in self.far), whole), dim=1)))
        return out


class AttentiveDecoder(nn.Module):
    """Pooled features and fine ones, joined; attention on both and after the first convolution's norm.

    The authors build a norm for the second convolution too and do not use it: `NetSpec.third_norm` does.
    """

    def __init__(self, spec: NetSpec, kind: str) -> None:
        super().__init__()
        pooled, fine = _pooled(spec), max(1, spec.widths[0] * 3 // 4)
        _, first, second = _dropout(spec)
        self.fine = _unit(spec.widths[1], fine, 1)
        self.attention = make_attention(kind, pooled + fine, 2)
        self.later_attention = make_attention(kind, pooled, 2)
        self.first = nn.Sequential(
            Conv2d(pooled + fine, pooled, 3, padding=1, bias=False), make_norm("group", pooled, 2)
        )
        self.first_dropout = Dropout(first)
        self.second = nn.Sequential(
            Conv2d(pooled, pooled, 3, padding=1, bias=False),
            make_norm("group", pooled, 2) if spec.third_norm else nn.Identity(),
            nn.ReLU(inplace=True),
            Dropout(second),
        )
        self.head = Conv2d(pooled, spec.classes, 1)

    def forward(self, pooled: Tensor, fine: Tensor) -> Tensor:
        """Logits at the size of `fine`."""
        x = torch.cat((_resize(pooled, fine.shape[2:]), self.fine(fine)), dim=1)
        x = self.first(self.attention(x))
        x = self.first_dropout(torch.relu(self.later_attention(x)))
        out: Tensor = self.head(self.second(x))
        return out


class MTNet(Branched):
    """Encoder, pyramid pooling, one decoder per branch; images of any size."""

    def __init__(self, spec: NetSpec) -> None:
        widths = tuple(spec.widths[0] * n for n in EXPANSIONS)
        if spec.ndim != 2 or spec.strides != STRIDES or spec.widths != widths:
            raise SpecError(
                f"The network mtnet is 2-D, with strides {STRIDES} and widths {widths}; for other data choose the "
                "architecture unet."
            )
        super().__init__(spec.branches)
        self.encoder = ResNetEncoder(
            torchvision_spec(
                2, spec.in_channels, "bottleneck", BLOCKS, norm=spec.norm, width=spec.widths[0], last_stride=1
            )
        )
        self.pooling = PyramidPooling(spec.widths[-1], _pooled(spec), _dropout(spec)[0])
        self.set_decoders(lambda kind: AttentiveDecoder(spec, kind or ATTENTIONS[0]))
        kaiming_fan_out(self.encoder)
        for part in (self.pooling, *self.each_decoder()):
            for conv in plain_convolutions(part):
                nn.init.kaiming_normal_(conv.weight)  # type: ignore[arg-type]

    def shared(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """What all decoders look at: pooled features and those of the first stage."""
        pyramid = self.encoder(x)
        return self.pooling(pyramid[-1]), pyramid[1]

    def disturbed(self, features: tuple[Tensor, Tensor], noise: float) -> tuple[Tensor, Tensor]:
        """With noise on the pooled ones."""
        return disturb(features[0], noise), features[1]

    def decode(self, decoder: nn.Module, features: tuple[Tensor, Tensor], size: torch.Size) -> Tensor:
        """Logits of one decoder at the size of the image."""
        return _resize(decoder(*features), size)


def _unit(inputs: int, outputs: int, kernel: int, dilation: int = 1) -> nn.Sequential:
    conv = Conv2d(inputs, outputs, 1, bias=False)
    if kernel > 1:
        conv = ReachingConv2d(inputs, outputs, kernel, padding=dilation, dilation=dilation, bias=False)
    return nn.Sequential(
        conv,
        make_norm("group", outputs, 2),
        nn.ReLU(inplace=True),
    )


def _pooled(spec: NetSpec) -> int:
    return 4 * spec.widths[0]


def _dropout(spec: NetSpec) -> tuple[float, float, float]:
    """The published probabilities; `spec.dropout` 0 switches them off, anything else on."""
    return DROPOUT if spec.dropout > 0 else (0.0, 0.0, 0.0)


def _resize(x: Tensor, size: torch.Size) -> Tensor:
    return F.interpolate(x, tuple(size), mode="bilinear", align_corners=True)
