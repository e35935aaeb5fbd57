"""Faster inference: batch norm with fixed statistics is part of the convolution before it."""

from __future__ import annotations

import copy
from itertools import pairwise
from typing import TypeVar

import torch
from torch import Tensor, nn

Conv = nn.Conv2d | nn.Conv3d | nn.ConvTranspose2d | nn.ConvTranspose3d
BatchNorm = nn.BatchNorm2d | nn.BatchNorm3d
Dropout = nn.Dropout | nn.Dropout2d | nn.Dropout3d
Net = TypeVar("Net", bound=nn.Module)


@torch.no_grad()
def fuse_batchnorm(module: Net) -> Net:
    """A copy for inference: in eval mode, without dropout, batch norms fused into the convolutions before them.

    Only pairs that follow each other in a `Sequential` are fused. The copy gives what `module.eval()` gives, up to
    rounding, and cannot be trained.
    """
    fused = copy.deepcopy(module).eval()
    for parent in fused.modules():
        if isinstance(parent, nn.Sequential):
            _fuse_pairs(parent)
        for name, child in list(parent.named_children()):
            if isinstance(child, Dropout):
                setattr(parent, name, nn.Identity())
    return fused.requires_grad_(False)


def _fuse_pairs(layers: nn.Sequential) -> None:
    names = list(layers._modules)
    for before, after in pairwise(names):
        conv, norm = layers._modules[before], layers._modules[after]
        if isinstance(conv, Conv) and isinstance(norm, BatchNorm):
            _fuse(conv, norm)
            layers._modules[after] = nn.Identity()


def _fuse(conv: Conv, norm: BatchNorm) -> None:
    assert norm.running_mean is not None
    assert norm.running_var is not None
    scale = torch.rsqrt(norm.running_var + norm.eps)
    shift = -norm.running_mean * scale
    if norm.affine:
        shift = shift * norm.weight + norm.bias
        scale = scale * norm.weight
    outputs = 1 if isinstance(conv, nn.ConvTranspose2d | nn.ConvTranspose3d) else 0
    shape = [1] * conv.weight.ndim
    shape[outputs] = -1
    bias: Tensor = torch.zeros_like(shift) if conv.bias is None else conv.bias
    conv.weight = nn.Parameter(conv.weight * scale.reshape(shape))
    conv.bias = nn.Parameter(bias * scale + shift)
