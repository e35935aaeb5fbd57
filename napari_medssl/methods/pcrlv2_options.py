"""Options of PCRLv2. No torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .options import Options, network_option, optimiser_option, option

FIVE_SCALES_3D = (64, 128, 256, 512, 512, 512)  # of the encoder; the official one has the first four


@dataclass(frozen=True)
class PCRLv2Options(Options):
    """Options of PCRLv2 (Zhou et al., TPAMI 2023): restore and compare at the scales of a pyramid, without labels."""

    network: str = network_option(advanced=False)
    learning_rate: float = option(
        2e-3, "Learning rate", "Step size of the optimiser at its highest.", low=1e-6, high=1.0
    )
    optimiser: str = optimiser_option("adamw")
    scales: int = option(
        5,
        "Scales",
        "Finest scales of the decoder that restore and compare, one of them drawn in each step: five in the paper, "
        "three in its code for volumes. A network with fewer takes all it has.",
        low=1,
        high=8,
        advanced=False,
    )
    local_views: int = option(
        4,
        "Local views",
        "Small views of each scan that are compared with both global ones; 6 in the paper.",
        low=0,
        high=16,
    )
    view_share: float = option(
        0.6,
        "Size of the global views",
        "Their edge as a part of the patch; 1 in the paper.",
        low=0.1,
        high=1.0,
    )
    local_size: int = option(
        0, "Size of the local views", "Their edge; 0 is half of the global views'.", low=0, high=512, unit="voxels"
    )
    least_scans: int = option(
        6,
        "Least scans in a step",
        "Scans in a step, where the plan's batch is smaller: features of very few scans cannot be told apart.",
        low=2,
        high=256,
    )
    fused: bool = option(
        True,
        "One pass for both global views",
        "Show the network both global views at once: larger batch statistics than in the paper's code.",
    )
    windows: str = option(
        "boxes",
        "Windows",
        "Global windows that overlap and local ones from the box around them (boxes, the paper's way for volumes), or "
        "each drawn by itself as a part of the image (crops, its way for X-rays).",
        choices=("boxes", "crops"),
    )
    overlap: float = option(
        0.3,
        "Overlap of the global views",
        "The two windows share more than this part of what they cover together.",
        low=0.0,
        high=0.95,
    )
    containment: str = option(
        "full",
        "Local views in the box",
        "Local windows lie in the box around both global ones (full, the paper), or only their first corner does "
        "(corner, the paper's code).",
        choices=("full", "corner"),
    )
    margin: int = option(
        0,
        "Margin in the plane",
        "Global windows keep so far from the ends of the first two axes, where the scan allows it; 70 in the paper.",
        low=0,
        high=1000,
        unit="voxels",
    )
    margin_ends: int = option(
        0, "Margin at the ends", "The same along the last axis; 15 in the paper.", low=0, high=1000, unit="voxels"
    )
    extra_slices: int = option(
        0,
        "Extra slices",
        "Slices read beyond a global window and cut off after resizing, a habit of the paper's code (3).",
        low=0,
        high=16,
    )
    flips: str = option(
        "safe",
        "Mirrored views",
        "Mirror half of the views: along axes where that does no harm (safe), or always along the first or last axis, "
        "as in the paper's code.",
        choices=("safe", "first", "last", "none"),
    )
    rotation: float = option(
        10.0, "Rotation", "Views are turned by up to so much.", low=0.0, high=180.0, unit="degrees"
    )
    scaling: float = option(0.1, "Scaling", "Views are stretched by up to this part per axis.", low=0.0, high=0.5)
    distortion: str = option(
        "volume",
        "Kind of distortion",
        "What the network has to see through: blur, noise, contrast and blocks that change places (volume), or grey, "
        "blur, colours and cut-out squares, for images with values from 0 to 1 (photo).",
        choices=("volume", "photo"),
    )
    blur: float = option(2.0, "Blur", "Highest standard deviation.", low=0.0, high=10.0, unit="voxels")
    noise: float = option(0.25, "Noise", "Highest standard deviation (volume).", low=0.0, high=2.0)
    gamma: float = option(0.3, "Contrast", "Range of the logarithm of gamma (volume).", low=0.0, high=2.0)
    swaps: int = option(100, "Swapped blocks", "Pairs of blocks that change places (volume).", low=0, high=1000)
    cutouts: int = option(3, "Cut-out squares", "Squares cut out of a global view (photo).", low=0, high=100)
    standardise: str = option(
        "none",
        "Scaling of each view",
        "Leave values as the plan scales them, scale each view by its own mean and deviation (view), or all by those "
        "of common photographs (imagenet).",
        choices=("none", "view", "imagenet"),
    )
    restored: str = option(
        "both",
        "Views that are restored",
        "Both global views (the paper) or one of them (its code).",
        choices=("one", "both"),
    )
    restoration: str = option(
        "final",
        "Restoration",
        "The last features and, with a weight that falls to nothing, those of the sampled scale (final, the paper's "
        "code), or only the sampled scale (sampled, the paper).",
        choices=("final", "sampled"),
    )
    local_weight: str = option(
        "mean",
        "Weight of the local views",
        "Mean (the paper's code) or sum (the paper) of their comparisons.",
        choices=("mean", "sum"),
    )
    scale_draws: str = option(
        "step",
        "Scale of the local views",
        "The step's own (step, the paper), or another one for each comparison (each, its code).",
        choices=("step", "each"),
    )
    epochs: int = option(
        0,
        "Epochs of the schedules",
        "Learning rate and weight of the sampled scale change this many times and are 0 after the last; 0 lets them "
        "fall evenly. 240 in the paper.",
        low=0,
        high=10_000,
    )

    @classmethod
    def over_paper(cls, paper: Mapping[str, Any], chosen: Mapping[str, Any]) -> dict[str, Any]:
        """In the paper preset of 3-D scans the encoder is as deep as the number of scales asks for."""
        settings = {**paper, **chosen}
        scales, free = chosen.get("scales"), not {"widths", "strides", "architecture"} & chosen.keys()
        if paper.get("architecture") == "pcrl-unet3d" and isinstance(scales, int) and scales >= 1 and free:
            settings["widths"] = pyramid_widths(scales)
            settings["strides"] = pyramid_strides(scales)
        return settings


def pyramid_widths(scales: int) -> list[int]:
    """Channels of the 3-D encoder under so many decoder scales."""
    return [FIVE_SCALES_3D[min(level, len(FIVE_SCALES_3D) - 1)] for level in range(scales + 1)]


def pyramid_strides(scales: int) -> list[list[int]]:
    """Strides of that encoder: after four halvings the official views of 64 x 64 x 32 and 16 cubed are as small as they
    can be, so further levels keep the size."""
    return [[1] * 3 if level == 0 or level > 4 else [2] * 3 for level in range(scales + 1)]
