"""Where each branch of a network with several looks: the gates of its attention, opened between 0 and 1."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ..nets.attention import ChannelAttention, Gate
from ..nets.branches import Branched
from ..nets.fuse import fuse_batchnorm
from ..runs.spec import Plan
from .stages import pieces, stage_part, stage_shape, strides_of

LEAST = 1e-6  # features that are weaker say nothing of their gates


@dataclass(frozen=True)
class Attention:
    """What one gate does to a scan.

    Attributes
    ----------
    branch : str
    kind : {"places", "channels"}
        Gates of places, or of channels.
    strides : tuple of int
        Voxels of (D, H, W) network space per value.
    opened : Tensor, (1, d, h, w)
        How far the gate is open at each place: 0 lets nothing through, 1 all. Where channels have gates: the mean of
        them, each weighed by how active its channel is there.
    channels : ndarray, (C,)
        How far each channel's gate is open, the mean over the scan; empty for gates of places.
    """

    branch: str
    kind: Literal["places", "channels"]
    strides: tuple[int, int, int]
    opened: Tensor
    channels: NDArray[np.float64]


def attention_of(net: Branched, image: NDArray[np.floating], plan: Plan) -> list[Attention]:
    """All gates of all branches, branch by branch in the order of its stages.

    Parameters
    ----------
    net : Branched
    image : ndarray, (C, D, H, W)
        In network space.
    """
    seeing = fuse_batchnorm(net).to(plan.device)
    gates = [(branch, gate) for branch in net.branches for gate in seeing.gates_of(branch)]
    shape = image.shape[1:]
    maps: list[Tensor] = []
    strides: list[tuple[int, int, int]] = []
    weights = [np.zeros(0) for _ in gates]
    seen = 0
    for piece in pieces(image, plan):
        with _listening([gate for _, gate in gates]) as heard, torch.inference_mode():
            seeing.branch_logits(piece.batch)
        slices = len(piece.batch)
        for index, (_, gate) in enumerate(gates):
            opened, channels = heard[id(gate)]
            if len(maps) == index:
                strides.append(_strides(piece.batch, opened, plan))
                maps.append(torch.zeros(1, *stage_shape(shape, strides[index])))
            where, part = stage_part(piece, opened, strides[index])
            maps[index][(slice(None), *where)] = part
            total = weights[index] if len(weights[index]) else np.zeros(channels.shape[1])
            weights[index] = total + channels.sum(dim=0).cpu().double().numpy()
        seen += slices
    return [
        Attention(
            branch,
            "channels" if isinstance(gate, ChannelAttention) else "places",
            strides[index],
            maps[index],
            weights[index] / seen,
        )
        for index, (branch, gate) in enumerate(gates)
    ]


@contextmanager
def _listening(gates: list[Gate]) -> Iterator[dict[int, tuple[Tensor, Tensor]]]:
    """What gates do while the network looks, by their `id`: places (B, 1, *space) and channels (B, C or 0)."""
    heard: dict[int, tuple[Tensor, Tensor]] = {}

    def listen(gate: nn.Module, given: tuple[Any, ...], _: Any) -> None:
        assert isinstance(gate, Gate)
        x = given[0]
        opened = gate.gate(x) / gate.gain
        if not isinstance(gate, ChannelAttention):
            heard[id(gate)] = opened, opened.new_zeros(len(opened), 0)
            return
        active = x.abs()
        strength = active.sum(dim=1, keepdim=True)
        mean = (active * opened).sum(dim=1, keepdim=True) / strength.clamp_min(LEAST)
        plain = opened.mean(dim=1, keepdim=True).expand_as(mean)
        heard[id(gate)] = torch.where(strength > LEAST, mean, plain), opened.flatten(1)

    hooks = [gate.register_forward_hook(listen) for gate in gates]
    try:
        yield heard
    finally:
        for hook in hooks:
            hook.remove()


def _strides(batch: Tensor, opened: Tensor, plan: Plan) -> tuple[int, int, int]:
    """Voxels of network space per value of a map."""
    ratios = tuple(n // m for n, m in zip(batch.shape[2:], opened.shape[2:], strict=True))
    first = ratios[0] if plan.net.ndim == 3 else 1
    return first, ratios[-2], ratios[-1]


def stage_number(strides: tuple[int, int, int], plan: Plan) -> int:
    """The first stage of the encoder with these strides, from 1; 0 where there is none."""
    known = strides_of(plan.net)
    return known.index(strides) + 1 if strides in known else 0
