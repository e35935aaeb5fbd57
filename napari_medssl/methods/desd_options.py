"""Options of DeSD. No torch."""

from __future__ import annotations

from dataclasses import dataclass

from .options import Options, network_option, optimiser_option, option


@dataclass(frozen=True)
class DeSDOptions(Options):
    """Options of deep self-distillation (Ye et al., MICCAI 2022)."""

    network: str = network_option(advanced=False)
    learning_rate: float = option(
        1e-3, "Learning rate", "Step size of the optimiser at its highest.", low=1e-6, high=1.0
    )
    optimiser: str = optimiser_option("adamw")
    schedule: str = option(
        "cosine",
        "Schedule of the learning rate",
        "How the learning rate falls.",
        choices=("constant", "poly", "cosine", "step"),
    )
    schedule_warmup: float = option(
        0.1, "Warm-up of the learning rate", "Part of the run in which the learning rate rises.", low=0.0, high=0.5
    )
    warmup_from_zero: bool = option(
        False,
        "Warm-up from zero",
        "Begin the warm-up with a learning rate of 0, as in the paper's code, instead of a small one.",
    )
    learning_rate_floor: float = option(
        1e-5, "Lowest learning rate", "Where the schedule 'cosine' ends.", low=0.0, high=1.0
    )
    weight_decay_growth: float = option(
        1.0,
        "Growth of the weight decay",
        "What the weight decay ends with, along a cosine, as a multiple of what it begins with.",
        low=0.0,
        high=1000.0,
    )
    ema: float = option(
        0.99,
        "Averaging of the teacher",
        "Share of the old in the teacher's weights at the start; it rises to 1 along a cosine.",
        low=0.0,
        high=0.9999,
    )
    sub_encoders: int = option(
        4,
        "Supervised stages",
        "How many of the encoder's last stages match the teacher: 4 in the paper; 1 is plain self-distillation.",
        low=1,
        high=8,
        advanced=False,
    )
    hidden: int = option(256, "Width of the projectors", "Of their hidden layers.", low=2, high=8192)
    bottleneck: int = option(
        64, "Bottleneck of the projectors", "Length of the unit vector they end in.", low=2, high=2048
    )
    outputs: int = option(
        256, "Directions", "Number of learnt directions that views are compared along (K).", low=2, high=131072
    )
    head_norm: bool = option(
        True, "Batch norm in the projectors", "Keeps the scans of a step apart; without it training tends to collapse."
    )
    free_length: bool = option(
        False, "Free length of the directions", "Let directions learn their length too; fixed in the paper."
    )
    student_temperature: float = option(0.1, "Temperature of the student", "Lower is sharper.", low=0.01, high=2.0)
    teacher_temperature: float = option(
        0.04,
        "Temperature of the teacher",
        "Lower is sharper; it must be sharper than the student.",
        low=0.005,
        high=2.0,
    )
    teacher_temperature_start: float = option(
        0.04, "Temperature of the teacher at first", "Rises from here.", low=0.005, high=2.0
    )
    temperature_warmup: float = option(
        20 / 300,
        "Rise of the temperature",
        "Part of the run in which the teacher's temperature rises.",
        low=0.0,
        high=1.0,
    )
    centre_momentum: float = option(
        0.9,
        "Memory of the centre",
        "Share of the old in the running mean of the teacher's answers.",
        low=0.0,
        high=0.999,
    )
    freeze_directions: float = option(
        0.02, "Fixed directions at first", "Part of the run in which directions do not learn.", low=0.0, high=1.0
    )
    epochs: int = option(
        300, "Epochs", "Equal parts of the run; the teacher's temperature changes from one to the next.", low=1
    )
    batch_factor: int = option(
        4,
        "Scans in a step",
        "As a multiple of the planned batch: without labels a step is cheaper, and more scans in it teach more.",
        low=1,
        high=64,
    )
    chunk: int = option(
        0,
        "Views in memory at once",
        "With fewer than there are, a step takes a third longer and less memory; 0 is all. Exact but for batch norm in "
        "the encoder.",
        low=0,
    )
    view_part: float = option(
        0.5,
        "Size of the views",
        "Edge of a view as a part of the planned patch.",
        low=0.1,
        high=2.0,
        advanced=False,
    )
    local_views: int = option(
        0, "Small views", "Number of small views that must match the large ones; none in the paper.", low=0, high=16
    )
    local_part: float = option(0.5, "Size of the small views", "Edge as a part of a large view's.", low=0.1, high=1.0)
    geometry: str = option(
        "volume",
        "Where views come from",
        "Boxes of the volume, scaled along all axes (volume), or, as in the paper, slabs of 24 slices that are scaled "
        "in plane only and flipped along every axis (slabs).",
        choices=("volume", "slabs"),
    )
    per_slice: bool = option(
        False,
        "Change each slice by itself",
        "Brightness, contrast and blur of every slice differ, as in the paper's code, instead of those of the scan.",
    )
