"""Attention over channels, over space, and both (CBAM), in 2-D and 3-D.

What CDMA's three decoders differ in: Zhong et al., "Semi-supervised Pathological Image Segmentation via Cross
Distillation of Multiple Attentions", MICCAI 2023.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from ..errors import SpecError
from .blocks import CONV

ATTENTIONS = ("csa", "sa", "ca")  # the order of CDMA's branches; the first predicts
RATIO = 16  # published: channels of the gate's hidden layer are this many times fewer
KERNEL = 7
GATE_RATIO = 4
GATE_KERNEL = {2: 7, 3: 5}
GATE_GAIN = 2.0


class Gate(nn.Module):
    """Multiplies features by numbers from 0 to `gain`.

    Parameters
    ----------
    gain : float
        What an open gate multiplies by. A fresh one is half open.
    """

    def __init__(self, gain: float) -> None:
        super().__init__()
        self.gain = gain

    def forward(self, x: Tensor) -> Tensor:
        """x * gate, (B, C, *space)."""
        return x * self.gate(x)

    def gate(self, x: Tensor) -> Tensor:
        """What features (B, C, *space) are multiplied by."""
        raise NotImplementedError


class ChannelAttention(Gate):
    """Each channel times a gate that knows the channels' mean and maximum over the whole input.

    Parameters
    ----------
    channels, ndim : int
    ratio : int
        How many times fewer channels the gate's hidden layer has.
    gain : float
    """

    def __init__(self, channels: int, ndim: int, ratio: int = RATIO, gain: float = 1.0) -> None:
        super().__init__(gain)
        hidden = max(1, channels // ratio)
        self.narrow = CONV[ndim](channels, hidden, 1, bias=False)
        self.widen = CONV[ndim](hidden, channels, 1, bias=False)

    def gate(self, x: Tensor) -> Tensor:
        """gain * sigmoid(F(mean) + F(max)), (B, C, 1, ...): what each channel is multiplied by."""
        space = tuple(range(2, x.ndim))
        # F is linear after its ReLU, and both go through it at once
        hidden = torch.relu(self.narrow(torch.cat((x.mean(space, keepdim=True), x.amax(space, keepdim=True)))))
        mean, most = hidden.chunk(2)
        return self.gain * torch.sigmoid(self.widen(mean + most))


class SpatialAttention(Gate):
    """Each place times a gate that knows the mean and maximum over channels around it.

    Parameters
    ----------
    ndim : int
    kernel : int
        Odd.
    gain : float
    """

    def __init__(self, ndim: int, kernel: int = KERNEL, gain: float = 1.0) -> None:
        super().__init__(gain)
        self.conv = CONV[ndim](2, 1, kernel, padding=kernel // 2, bias=False)

    def gate(self, x: Tensor) -> Tensor:
        """gain * sigmoid(conv([mean; max])), (B, 1, *space): what each place is multiplied by."""
        seen = torch.cat((x.mean(1, keepdim=True), x.amax(1, keepdim=True)), dim=1)
        return self.gain * torch.sigmoid(self.conv(seen))


class ChannelSpatialAttention(nn.Module):
    """Channel attention, then spatial attention."""

    def __init__(self, channels: int, ndim: int, ratio: int = RATIO, kernel: int = KERNEL, gain: float = 1.0) -> None:
        super().__init__()
        self.channel = ChannelAttention(channels, ndim, ratio, gain)
        self.space = SpatialAttention(ndim, kernel, gain)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, *space)."""
        out: Tensor = self.space(self.channel(x))
        return out


def plain_convolutions(module: nn.Module) -> Iterator[nn.Module]:
    """All convolutions of a network but those of attention, which keep PyTorch's weights as in the authors' code."""
    if isinstance(module, nn.Conv2d | nn.Conv3d | nn.ConvTranspose2d | nn.ConvTranspose3d):
        yield module
    if not isinstance(module, Gate):
        for child in module.children():
            yield from plain_convolutions(child)


def make_attention(
    kind: str, channels: int, ndim: int, ratio: int = RATIO, kernel: int = KERNEL, gain: float = 1.0
) -> nn.Module:
    """An attention block by its name: "csa", "sa" or "ca"."""
    match kind:
        case "csa":
            return ChannelSpatialAttention(channels, ndim, ratio, kernel, gain)
        case "sa":
            return SpatialAttention(ndim, kernel, gain)
        case "ca":
            return ChannelAttention(channels, ndim, ratio, gain)
    raise SpecError(f"There is no attention {kind!r}; there are: {', '.join(ATTENTIONS)}.")


def make_gate(kind: str, channels: int, ndim: int) -> nn.Module:
    """Attention for networks that are narrower than the published one and have skips.

    Hidden layers are less narrow. Fresh gates let pass what comes: halved, deep features would be drowned by those of
    the skips, and the network would learn more slowly than without attention.
    """
    return make_attention(kind, channels, ndim, GATE_RATIO, GATE_KERNEL[ndim], GATE_GAIN)
