"""Optimisers from a phase's description; the schedule is a pure function, set before every step."""

from __future__ import annotations

from typing import Any

import torch

from ..methods.base import Learner, Phase
from ..methods.schedules import cosine, learning_rate
from .muon import Muon

FUSED = ("cpu", "cuda")  # devices with steps that pass over the memory once


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
    fused = all(p.device.type in FUSED for p in learner.parameters()) or None  # None: PyTorch chooses
    if wanted.kind == "adamw":
        optimiser: torch.optim.Optimizer = torch.optim.AdamW(groups, fused=fused)
    elif wanted.kind == "muon":
        optimiser = Muon(groups, momentum=wanted.momentum)
    else:
        optimiser = torch.optim.SGD(groups, momentum=wanted.momentum, nesterov=wanted.nesterov, fused=fused)
        if wanted.momentum:
            optimiser.register_step_pre_hook(_begin_momentum)
    optimiser.register_load_state_dict_post_hook(_lay_out_as_weights)
    return optimiser


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


def _begin_momentum(optimiser: torch.optim.Optimizer, *_: Any) -> None:
    """Give weights a momentum of 0 with their first gradient, which may come late; the fused step fails without."""
    for group in optimiser.param_groups:
        for weight in group["params"]:
            if weight.grad is not None and optimiser.state[weight].get("momentum_buffer") is None:
                optimiser.state[weight]["momentum_buffer"] = torch.zeros_like(weight)


def _lay_out_as_weights(optimiser: torch.optim.Optimizer) -> None:
    """Give what was loaded the memory layout of its weights: the fused step goes through both as they lie there."""
    for weight, state in optimiser.state.items():
        for name, value in state.items():
            if isinstance(value, torch.Tensor) and value.shape == weight.shape:
                state[name] = torch.empty_like(weight).copy_(value)
