"""Settings of CDMA's paper preset: what its code does on tiles of tissue. No torch.

Zhong et al., "Semi-supervised Pathological Image Segmentation via Cross Distillation of Multiple Attentions", MICCAI
2023. The network has to begin from nothing, since no published weights are at hand: its norm is therefore one that
learns statistics ("batch"), not the code's, which keeps those of ImageNet ("frozen").
"""

from __future__ import annotations

from typing import Any

EPOCHS = 150
FIRST_EPOCHS = 15  # on labels only
DROPS = (37, 75, 112)  # epochs from which the learning rate is a tenth of what it was
EPOCH_STEPS = 100  # an epoch is one pass over the labelled tiles, of which there are as many as there are


def cdma_paper(ndim: int) -> dict[str, Any]:
    """Tiles of images; of 3-D scans, slices, since the network is 2-D."""
    return {
        "architecture": "mtnet",
        "widths": [64, 256, 512, 1024, 2048],
        "strides": [[2, 2]] * 4 + [[1, 1]],
        "dropout": 0.5,
        "norm": "batch",
        "third_norm": False,
        "patch": [256, 256],
        "batch": 8,
        "normalisation": "range",
        "augmentation": "tiles",
        "balance": 0.0,
        "precision": "float32",
        "loss_form": "cdma",
        "optimiser": "sgd",
        "learning_rate": 1e-3,
        "decoder_rate": 10.0,
        "bias_rate": 2.0,
        "gate_rate": 1.0,
        "momentum": 0.9,
        "nesterov": True,
        "weight_decay": 5e-4,
        "clip": 0.0,
        "schedule": "drops",
        "schedule_gamma": 0.1,
        "schedule_warmup": 0.0,
        "ema": 0.99,
        "ema_warmup": False,
        "ema_buffers": True,
        "deploy": "student",
        "temperature": 10.0,
        "distillation_weight": 0.1,
        "certainty_weight": 0.1,
        "ramp_up": 0.0,
        "feature_noise": 0.0,
        "warmup_share": FIRST_EPOCHS / EPOCHS,
        "warmup_steps": FIRST_EPOCHS * EPOCH_STEPS,
        "steps": (EPOCHS - FIRST_EPOCHS) * EPOCH_STEPS,
    }
