"""The way up again: one decoder scale of PCRLv2's networks, with skip connections or without, in 2-D and 3-D."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from .blocks import CONV, UP, conv_unit, make_norm
from .fused_up import up_and_convolve
from .spec import Norm

Form = Literal["transposed", "nearest", "light"]


class Ascent(nn.Module):
    """Up-sampling and the convolutions after it.

    Parameters
    ----------
    form : str
        "transposed": transposed convolution of the same width, two units with bias and ReLU (PCRLv2's 3-D code).
        "nearest": nearest neighbour, two units without bias (its 2-D code). "light": a transposed convolution that
        narrows, and one unit: a third of the time.
    below, skip, width : int
        Channels from below, of the encoder's features beside (0: none), and out.
    stride : tuple of int
        Up-sampling per axis.
    kernel : tuple of int
        Of the light form's unit; the others are 3 wide.
    norm : str
    """

    def __init__(
        self,
        form: Form,
        below: int,
        skip: int,
        width: int,
        stride: Sequence[int],
        kernel: Sequence[int],
        norm: Norm,
    ) -> None:
        super().__init__()
        ndim, step = len(stride), tuple(stride)
        if form == "nearest":
            self.up: nn.Module = nn.Upsample(scale_factor=tuple(float(s) for s in step), mode="nearest")
        else:
            self.up = UP[ndim](below, width if form == "light" else below, step, step)  # type: ignore[arg-type]
        inputs = (width if form == "light" else below) + skip
        if form == "light":
            self.units = conv_unit(inputs, width, kernel, (1,) * ndim, norm)
        else:
            bias = form == "transposed"
            first, second = (relu_unit(n, width, ndim, norm, bias) for n in (inputs, width))
            self.units = nn.Sequential(*first, *second)

    def forward(self, x: Tensor, skip: Tensor | None = None) -> Tensor:
        """Features of the next finer scale, (B, width, *space)."""
        if skip is not None:
            out: Tensor = self.units(torch.cat((self.up(x), skip), dim=1))
            return out
        first, *others = self.units
        x = up_and_convolve(x, self.up, first)  # type: ignore[arg-type]
        for layer in others:
            x = layer(x)
        return x


def relu_unit(inputs: int, outputs: int, ndim: int, norm: Norm, bias: bool) -> nn.Sequential:
    """Convolution 3 wide, norm, ReLU; with bias even where a norm follows, if the paper's network has one."""
    return nn.Sequential(
        CONV[ndim](inputs, outputs, 3, padding=1, bias=bias),
        make_norm(norm, outputs, ndim),
        nn.ReLU(inplace=True),
    )
