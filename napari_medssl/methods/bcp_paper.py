"""Settings of the paper presets of BCP and of learning from labels only. No torch.

Bai et al., "Bidirectional Copy-Paste for Semi-Supervised Medical Image Segmentation", CVPR 2023, where paper and
released code differ, the code: its left-atrium recipe for 3-D scans, its ACDC recipe for 2-D images.
"""

from __future__ import annotations

from typing import Any

FACTOR_16 = 4  # halvings of every axis in both networks

# ACDC: slices in the first so many training patients; published label counts are given in either
ACDC_SLICES = {1: 32, 3: 68, 7: 136, 14: 256, 21: 396, 28: 512, 35: 664, 70: 1312}


def bcp_paper(ndim: int) -> dict[str, Any]:
    """Left atrium (3-D) or ACDC (2-D)."""
    shared = _network(ndim) | {
        "ema": 0.99,
        "ema_warmup": False,
        "unlabelled_weight": 0.5,
        "hole": 2 / 3,
        "mixing_first": 1.0,
        "mixing": 1.0,
        "second_rate": 1.0,
        "jitter": 0.0,
        "remap": 0.0,
        "largest_component": True,
        "ignore_dropped": False,
        "confidence": 0.0,
        "ramp_up": 0.0,
        "teacher_mode": "train",
        "fused": False,
        "box": "box",
        "warmup_schedule": "constant",
        "warmup_passes": 0.0,
    }
    if ndim == 2:
        return shared | {
            "window_step": None,
            "schedule": "constant",
            "keep_momentum": True,
            "ema_buffers": True,
            "warmup_share": 0.25,
            "warmup_steps": 10_000,
            "steps": 30_000,
        }
    return shared | {
        "window_step": [18, 18, 4],
        # the paper says 10 % every 2,500 steps, the code multiplies by 0.1
        "schedule": "step",
        "schedule_every": 2500,
        "schedule_gamma": 0.1,
        "keep_momentum": False,
        "ema_buffers": False,
        "warmup_share": 2 / 17,
        "warmup_steps": 2000,
        "steps": 15_000,
    }


def supervised_paper(ndim: int) -> dict[str, Any]:
    """The same network and optimiser, plainly, for as many steps as both of BCP's phases take."""
    return _network(ndim) | {"schedule": "constant", "steps": 40_000 if ndim == 2 else 17_000}


def _network(ndim: int) -> dict[str, Any]:
    return {
        "architecture": "vnet" if ndim == 3 else "bcp-unet2d",
        "widths": [16, 32, 64, 128, 256],
        "strides": [[1] * ndim] + [[2] * ndim] * FACTOR_16,
        "dropout": 0.5,
        "norm": "batch",
        "patch": [112, 112, 80] if ndim == 3 else [256, 256],
        "batch": 4 if ndim == 3 else 12,
        "normalisation": "z-score" if ndim == 3 else "range",
        "augmentation": "paper",
        "balance": 0.0,
        "precision": "float32",
        "loss_form": "la" if ndim == 3 else "acdc",
        "optimiser": "sgd",
        "learning_rate": 0.01,
        "momentum": 0.9,
        "nesterov": False,
        "weight_decay": 1e-4,
        "clip": 0.0,
        "schedule_warmup": 0.0,
        "deploy": "student",
    }
