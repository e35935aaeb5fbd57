"""Optimisers from a phase's description; the schedule is a pure function, set before every step."""

from __future__ import annotations

import torch

from ..methods.base import Learner, Phase
from ..methods.schedules import cosine, learning_rate


def make_optimiser(learner: Learner, phase: Phase) -> torch.optim.Optimizer:
    """The phase's optimiser over the learner's groups."""
    wanted = phase.optimiser
    groups = [
        {
            "params": [p for p in group.parameters if p.requires_grad],
            "lr": wanted.lr * group.lr_scale,
            "lr_scale": group.lr_scale,
            "weight_decay": wanted.weight_decay * group.decay_scale,
            "decay_scale": group.decay_scale,
        }
        for group in learner.parameter_groups()
    ]
    if wanted.kind == "adamw":
        return torch.optim.AdamW(groups)
    return torch.optim.SGD(groups, momentum=wanted.momentum, nesterov=wanted.nesterov)


def set_learning_rate(optimiser: torch.optim.Optimizer, phase: Phase, phase_step: int, progress: float) -> float:
    """Set every group's rate and weight decay for a step; returns the base rate."""
    wanted = phase.optimiser
    rate = learning_rate(wanted.schedule, wanted.lr, phase_step, progress)
    for group in optimiser.param_groups:
        group["lr"] = rate * group["lr_scale"]
        if wanted.decay_end is not None:
            decay = cosine(wanted.weight_decay, wanted.decay_end, progress)
            group["weight_decay"] = decay * group["decay_scale"]
    return rate
