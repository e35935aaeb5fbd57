"""Settings of PCRLv2's paper preset. No torch.

Zhou, Lu, Chen, Yang, Yu, "A Unified Visual Information Preservation Framework for Self-supervised Pre-training in
Medical Image Analysis", TPAMI 2023: the released code's recipes for LUNA16 (3-D) and NIH ChestX-ray (2-D), but for five
scales in 3-D and local views inside the box, as the paper has them.
"""

from __future__ import annotations

from typing import Any

from .pcrlv2_options import pyramid_strides, pyramid_widths

EPOCHS = 240  # the code's loop runs once more, at a rate of 0
STEPS_3D = (EPOCHS + 1) * 312  # 623 scans x 16 samples in batches of 32
STEPS_2D = (EPOCHS + 1) * 1227  # 78,468 images in batches of 64


def pcrlv2_paper(ndim: int) -> dict[str, Any]:
    """LUNA16 (3-D) or NIH ChestX-ray (2-D)."""
    shared: dict[str, Any] = {
        "scales": 5,
        "dropout": 0.0,
        "norm": "batch",
        "normalisation": "unit",
        "augmentation": "paper",
        "precision": "float32",
        "optimiser": "sgd",
        "momentum": 0.9,
        "nesterov": False,
        "weight_decay": 1e-4,
        "clip": 0.0,
        "schedule": "cosine",
        "schedule_warmup": 0.0,
        "epochs": EPOCHS,
        "local_views": 6,
        "view_share": 1.0,
        "least_scans": 2,
        "fused": False,
        "overlap": 0.3,
        "containment": "full",
        "rotation": 10.0,
        "blur": 2.0,
        "restored": "one",
        "restoration": "final",
        "local_weight": "mean",
        "scale_draws": "each",
    }
    if ndim == 2:
        return shared | {
            "architecture": "pcrl-resnet18",
            "widths": [64, 64, 128, 256, 512],
            "strides": [[2, 2]] * 5,
            "patch": [224, 224],
            "batch": 64,
            "learning_rate": 1e-2,
            "steps": STEPS_2D,
            "local_size": 96,
            "windows": "crops",
            "flips": "last",
            "scaling": 0.0,
            "distortion": "photo",
            "cutouts": 3,
            "standardise": "imagenet",
        }
    return shared | {
        "architecture": "pcrl-unet3d",
        "widths": pyramid_widths(5),
        "strides": pyramid_strides(5),
        "spacing": [1.0, 1.0, 1.0],
        "patch": [64, 64, 32],
        "batch": 32,
        "learning_rate": 1e-3,
        "steps": STEPS_3D,
        "local_size": 16,
        "windows": "boxes",
        "margin": 70,
        "margin_ends": 15,
        "extra_slices": 3,
        "flips": "first",
        "scaling": 0.1,
        "distortion": "volume",
        "noise": 0.25,
        "gamma": 0.3,
        "swaps": 100,
        "standardise": "view",
    }
