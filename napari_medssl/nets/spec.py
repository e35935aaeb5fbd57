"""What network to build, as a value that travels in a run's spec. No torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Norm = Literal["batch", "instance", "group", "frozen"]
Architecture = Literal["unet", "vnet", "bcp-unet2d", "desd-resnet", "mtnet", "pcrl-unet3d", "pcrl-resnet18"]


@dataclass(frozen=True)
class NetSpec:
    """A segmentation network.

    Attributes
    ----------
    architecture : str
        "unet": the auto preset's encoder with skip decoder, 2-D or 3-D. "vnet": BCP's V-Net (3-D). "bcp-unet2d":
        BCP's U-Net for ACDC (2-D). "mtnet": CDMA's DeepLabv3+ on a ResNet-50 (2-D).
        "pcrl-unet3d", "pcrl-resnet18": PCRLv2's encoders with a skip decoder. "desd-resnet": DeSD's ResNet with a skip
        decoder, 2-D or 3-D.
    ndim : int
        2 or 3.
    in_channels, classes : int
        Channels in, logits out (background included).
    widths : tuple of int
        Channels of each encoder stage, finest first.
    strides : tuple of tuple of int
        Down-sampling into each stage per axis; the first is all ones, but for encoders whose stem strides, of which
        "unet" folds blocks of voxels into channels. Anisotropic data halve the coarse axis later.
    dropout : float
        Probability at the bottleneck and before the head; 0 is off.
    norm : str
        Of the encoder, and of every decoder but "mtnet"'s. "frozen": batch norm whose encoder keeps the statistics
        it was loaded with; a decoder learns its own, as a fresh one has none to keep.
    branches : tuple of str
        Attention of each of several decoders on one encoder ("csa", "sa", "ca"), the one that predicts first; none is
        one plain decoder.
    third_norm : bool
        Also normalise after the second convolution of a decoder ("mtnet").
    """

    architecture: Architecture
    ndim: int
    in_channels: int
    classes: int
    widths: tuple[int, ...]
    strides: tuple[tuple[int, ...], ...]
    dropout: float = 0.0
    norm: Norm = "batch"
    branches: tuple[str, ...] = ()
    third_norm: bool = False

    @property
    def sees_whole_input(self) -> bool:
        """Whether norms or pooling over all of the input touch every output: only inputs as large as those that it
        learnt from give it the features that it knows."""
        return self.architecture == "mtnet"

    @property
    def decoder_norm(self) -> Norm:
        """Of decoders that have the encoder's."""
        return "batch" if self.norm == "frozen" else self.norm

    @property
    def factor(self) -> tuple[int, ...]:
        """Total stride per axis: sides of an input must be multiples of it."""
        total = [1] * self.ndim
        for stride in self.strides:
            total = [t * s for t, s in zip(total, stride, strict=True)]
        return tuple(total)

    def fit(self, size: Sequence[int]) -> tuple[int, ...]:
        """`size` as an input that the network can take: sides rounded up to its total stride.

        At least two voxels are left at the deepest stage, since norms cannot do with one of a single scan.
        """
        fitted = [-(-n // f) * f for n, f in zip(size, self.factor, strict=True)]
        if all(n == f for n, f in zip(fitted, self.factor, strict=True)):
            longest = max(range(self.ndim), key=lambda axis: size[axis])
            fitted[longest] += self.factor[longest]
        return tuple(fitted)
