"""Residual encoders in 2-D and 3-D: the shape of torchvision's, with the stem, strides and norm that a paper asks for.

He et al., CVPR 2016; bottlenecks carry their stride on the 3-wide convolution. The order of parameters is that of the
common implementations, so that published weights can be taken over by order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from torch import Tensor, nn

from .blocks import CONV, MAX_POOL, SLOPE, make_norm
from .spec import Norm

Block = Literal["basic", "bottleneck"]

EXPANSION: dict[Block, int] = {"basic": 1, "bottleneck": 4}


@dataclass(frozen=True)
class ResNetSpec:
    """A residual encoder.

    Attributes
    ----------
    ndim, in_channels : int
    block : str
        "basic": two 3-wide convolutions. "bottleneck": 1, 3 and 1 wide, four times as many channels out.
    counts : tuple of int
        Blocks per stage.
    width : int
        Channels of the stem; stage k computes with 2 ** k times as many.
    stem_stride, pool_stride : tuple of int
        Of the 7-wide convolution and of the 3-wide max-pooling after it, per axis.
    strides : tuple of tuple of int
        Into each stage, per axis; torchvision's first is all ones.
    norm : str
        As in `make_norm`.
    activation : str
        "relu", or "leaky" with slope 0.01.
    project_first : bool
        Give the first stage's first block a convolution in its shortcut even where the shape stays as it is.
    """

    ndim: int
    in_channels: int
    block: Block
    counts: tuple[int, ...]
    width: int
    stem_stride: tuple[int, ...]
    pool_stride: tuple[int, ...]
    strides: tuple[tuple[int, ...], ...]
    norm: Norm = "batch"
    activation: Literal["relu", "leaky"] = "relu"
    project_first: bool = False


def torchvision_spec(
    ndim: int,
    in_channels: int,
    block: Block,
    counts: Sequence[int],
    *,
    norm: Norm = "batch",
    width: int = 64,
    last_stride: int = 2,
) -> ResNetSpec:
    """The common ResNet; with `last_stride` 1 its output stride is 16 instead of 32."""
    two = (2,) * ndim
    strides = ((1,) * ndim, *(two for _ in counts[2:]), (last_stride,) * ndim)
    return ResNetSpec(ndim, in_channels, block, tuple(counts), width, two, two, strides, norm)


class ResNetEncoder(nn.Module):
    """Stem, pooling and stages; gives a feature pyramid.

    Attributes
    ----------
    widths : tuple of int
        Channels of each level: those of the stem, then those of every stage.
    strides : tuple of tuple of int
        Down-sampling into each level. That into the first stage includes the pooling's.
    """

    def __init__(self, spec: ResNetSpec) -> None:
        super().__init__()
        expansion = EXPANSION[spec.block]
        inner = tuple(spec.width * 2**k for k in range(len(spec.counts)))
        self.widths = (spec.width, *(expansion * n for n in inner))
        first = tuple(p * s for p, s in zip(spec.pool_stride, spec.strides[0], strict=True))
        self.strides = (spec.stem_stride, first, *spec.strides[1:])
        self.stem = nn.Sequential(
            CONV[spec.ndim](spec.in_channels, spec.width, 7, spec.stem_stride, 3, bias=False),  # type: ignore[arg-type]
            make_norm(spec.norm, spec.width, spec.ndim),
            _activation(spec),
        )
        self.pool = MAX_POOL[spec.ndim](3, spec.pool_stride, 1)
        self.stages = nn.ModuleList()
        for stage, (inputs, outputs) in enumerate(pairwise(self.widths)):
            ones = (1,) * spec.ndim
            blocks = []
            for index in range(spec.counts[stage]):
                stride = spec.strides[stage] if index == 0 else ones
                project = index == 0 and (max(stride) > 1 or inputs != outputs or (stage == 0 and spec.project_first))
                blocks.append(ResidualBlock(inputs if index == 0 else outputs, inner[stage], stride, spec, project))
            self.stages.append(nn.Sequential(*blocks))

    def forward(self, x: Tensor) -> list[Tensor]:
        """Features of every level, finest first: (B, widths[k], *space / stride so far); the stem's before pooling."""
        x = self.stem(x)
        pyramid = [x]
        x = self.pool(x)
        for stage in self.stages:
            x = stage(x)
            pyramid.append(x)
        return pyramid


class ResidualBlock(nn.Module):
    """Convolutions beside a shortcut; their sum is activated.

    Parameters
    ----------
    inputs, inner : int
        Channels in, and of the 3-wide convolutions.
    stride : tuple of int
    spec : ResNetSpec
    project : bool
        A 1-wide convolution in the shortcut instead of nothing.
    """

    def __init__(self, inputs: int, inner: int, stride: tuple[int, ...], spec: ResNetSpec, project: bool) -> None:
        super().__init__()
        outputs = EXPANSION[spec.block] * inner
        if spec.block == "basic":
            shapes = [(inputs, inner, 3, stride), (inner, inner, 3, 1)]
        else:
            shapes = [(inputs, inner, 1, 1), (inner, inner, 3, stride), (inner, outputs, 1, 1)]
        layers: list[nn.Module] = []
        for a, b, kernel, step in shapes:
            if layers:
                layers.append(_activation(spec))
            layers += [
                CONV[spec.ndim](a, b, kernel, step, kernel // 2, bias=False),  # type: ignore[arg-type]
                make_norm(spec.norm, b, spec.ndim),
            ]
        self.units = nn.Sequential(*layers)
        self.shortcut: nn.Module = nn.Identity()
        if project:
            self.shortcut = nn.Sequential(
                CONV[spec.ndim](inputs, outputs, 1, stride, bias=False),  # type: ignore[arg-type]
                make_norm(spec.norm, outputs, spec.ndim),
            )
        self.activation = _activation(spec)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.activation(self.units(x) + self.shortcut(x))
        return out


def kaiming_fan_out(module: nn.Module) -> None:
    """Initialise convolutions as torchvision does; without it they have PyTorch's defaults."""
    for part in module.modules():
        if isinstance(part, nn.Conv2d | nn.Conv3d):
            nn.init.kaiming_normal_(part.weight, mode="fan_out", nonlinearity="relu")


def _activation(spec: ResNetSpec) -> nn.Module:
    return nn.ReLU(inplace=True) if spec.activation == "relu" else nn.LeakyReLU(SLOPE, inplace=True)
