"""What network to build, as a value that travels in a run's spec. No torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Architecture = Literal["unet", "vnet", "bcp-unet2d"]


@dataclass(frozen=True)
class NetSpec:
    """A segmentation network.

    Attributes
    ----------
    architecture : str
        "unet": the auto preset's encoder with skip decoder, 2-D or 3-D. "vnet": BCP's V-Net (3-D). "bcp-unet2d":
        BCP's U-Net for ACDC (2-D).
    ndim : int
        2 or 3.
    in_channels, classes : int
        Channels in, logits out (background included).
    widths : tuple of int
        Channels of each encoder stage, finest first.
    strides : tuple of tuple of int
        Down-sampling into each stage per axis; the first is all ones. Anisotropic data halve the coarse axis later.
    dropout : float
        Probability at the bottleneck and before the head; 0 is off.
    """

    architecture: Architecture
    ndim: int
    in_channels: int
    classes: int
    widths: tuple[int, ...]
    strides: tuple[tuple[int, ...], ...]
    dropout: float = 0.0
    norm: Literal["batch", "instance", "group", "frozen"] = "batch"

    @property
    def factor(self) -> tuple[int, ...]:
        """Total stride per axis: sides of an input must be multiples of it."""
        total = [1] * self.ndim
        for stride in self.strides:
            total = [t * s for t, s in zip(total, stride, strict=True)]
        return tuple(total)
