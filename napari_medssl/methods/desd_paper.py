"""Settings of DeSD's paper preset. No torch.

Ye et al., MICCAI 2022, as released: CT at 1 mm, sub-volumes of 16 slices of 96 x 96. Network axes here end with the one
from feet to head, so the slices come last. There is no 2-D recipe; the one here is the same in the plane.
"""

from __future__ import annotations

from typing import Any

EPOCHS, ITERATIONS = 300, 651  # 125,000 sub-volumes in batches of 192, the last incomplete one dropped


def desd_paper(ndim: int) -> dict[str, Any]:
    """ResNet-50 and the released run script."""
    two = [2] * ndim
    shared = {
        "architecture": "desd-resnet",
        "widths": [64, 256, 512, 1024, 2048],
        "strides": [[2, 2, 1] if ndim == 3 else two, two, two, two, two],
        "norm": "instance",
        "dropout": 0.0,
        "patch": [96, 96, 16] if ndim == 3 else [96, 96],
        "batch": 192,
        "batch_factor": 1,
        "chunk": 16,
        "normalisation": "hounsfield",
        "augmentation": "paper",
        "precision": "float32",
        "optimiser": "sgd",
        "learning_rate": 0.3 * 192 / 256,
        "learning_rate_floor": 0.048,
        "momentum": 0.9,
        "nesterov": False,
        "weight_decay": 1e-6,
        "weight_decay_growth": 1.0,
        "clip": 0.0,
        "schedule": "cosine",
        "schedule_warmup": 10 / EPOCHS,
        "warmup_from_zero": True,
        "steps": EPOCHS * ITERATIONS,
        "epochs": EPOCHS,
        "ema": 0.996,
        "sub_encoders": 4,
        "hidden": 2048,
        "bottleneck": 256,
        "outputs": 60_000,
        "head_norm": True,
        "free_length": False,
        "student_temperature": 0.1,
        "teacher_temperature": 0.07,
        "teacher_temperature_start": 0.04,
        "temperature_warmup": 20 / EPOCHS,
        "centre_momentum": 0.9,
        "freeze_directions": 1 / EPOCHS,
        "view_part": 1.0,
        "local_views": 0,
        "local_part": 0.5,
        "geometry": "slabs",
        "per_slice": True,
    }
    return shared | ({"slice_axis": None, "spacing": [1.0, 1.0, 1.0]} if ndim == 3 else {})
