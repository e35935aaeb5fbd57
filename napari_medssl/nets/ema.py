"""A running average of a network, matched by name."""

from __future__ import annotations

import torch
from torch import nn


@torch.no_grad()
def update_ema(average: nn.Module, student: nn.Module, decay: float, *, buffers: bool) -> None:
    """Move `average` towards `student`: new = decay * old + (1 - decay) * student.

    Parameters
    ----------
    average, student : nn.Module
        With parameters and buffers of the same names.
    decay : float
        0 copies, 1 keeps.
    buffers : bool
        Also average running statistics. Integer counters are averaged as floats and truncated (BCP's ACDC code);
        without, buffers are left alone (its left-atrium code).

    Raises
    ------
    KeyError
        When the student lacks a name.
    """
    source = dict(student.named_parameters())
    for name, value in average.named_parameters():
        value.mul_(decay).add_(source[name], alpha=1 - decay)
    if not buffers:
        return
    theirs = dict(student.named_buffers())
    for name, counter in average.named_buffers():
        if counter.is_floating_point():
            counter.mul_(decay).add_(theirs[name], alpha=1 - decay)
        else:
            counter.copy_((counter.double() * decay + theirs[name].double() * (1 - decay)).to(counter.dtype))


@torch.no_grad()
def copy_state(target: nn.Module, source: nn.Module) -> None:
    """Make `target` equal to `source`, buffers too."""
    target.load_state_dict(source.state_dict())


def warmed_decay(decay: float, updates: int) -> float:
    """Decay after `updates` updates when the average shall not hang on to its random beginning."""
    return min(decay, (1 + updates) / (10 + updates))
