"""Probabilities of a whole scan, in as few and as large tiles as memory allows.

A convolutional network with fixed batch statistics is translation-equivariant: tiles that overlap by its receptive
field give what one pass over the whole scan would, so nothing is blended and little is computed twice. For networks
that are not, plans ask for a paper's windows instead (`sliding.py`).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from ..nets.fold import fold_batchnorm
from ..nets.spec import NetSpec
from ..runs.spec import Plan
from .sliding import Window, sliding_parts

BYTES_PER_TILE = 1_500_000_000
VOXELS_PER_SLAB = 12_000_000  # tiles side by side: what is made of them is held until it is resampled
AIR_RANGE = 1e-3  # a tile whose values span less than this part of the scan's range shows nothing


@dataclass(frozen=True)
class View:
    """One look at a scan: which network, and the axis (0 for D) to mirror before, and after.

    With `every`, all branches of the network say what they see, in one pass of its encoder.
    """

    member: int = 0
    flip: int | None = None
    every: bool = False


class Predictor:
    """Networks made ready to predict: folded, on the device, in the plan's precision.

    Parameters
    ----------
    members : sequence of nn.Module
        Input (B, C, *space), output logits (B, K, *space). Those with branches are `nets.branches.Branched`.
    plan : Plan
    """

    def __init__(self, members: Sequence[nn.Module], plan: Plan) -> None:
        self._plan = plan
        self._device = torch.device(plan.device)
        layout = torch.channels_last_3d if plan.net.ndim == 3 else torch.channels_last
        self._members = [
            fold_batchnorm(member).eval().to(self._device).to(memory_format=layout)  # type: ignore[call-overload]
            for member in members
        ]

    def probabilities(self, image: NDArray[np.float16], member: int = 0, flip: int | None = None) -> Tensor:
        """Class probabilities of a whole scan; `parts` needs less memory.

        Parameters
        ----------
        image : ndarray, (C, D, H, W)
            In network space.
        member, flip : int
            See `View`.

        Returns
        -------
        Tensor, (K, D, H, W) float32, on the CPU
        """
        out = torch.empty(self._plan.net.classes, *image.shape[1:])
        for where, (found,) in self.parts(image, [View(member, flip)]):
            out[(slice(None), *where)] = found
        return out

    def parts(self, image: NDArray[np.float16], views: Sequence[View]) -> Iterator[tuple[Window, list[Tensor]]]:
        """Class probabilities of several views, a part of the scan at a time.

        Parameters
        ----------
        image : ndarray, (C, D, H, W)
            In network space.
        views : sequence of View

        Yields
        ------
        window : tuple of three slices
            Where. Windows fill the scan once, in the order of D, then H, then W.
        found : list of Tensor, (K, d, h, w) float32, on the CPU
            What each view says there; several where it is of every branch.
        """
        if self._plan.window_step is not None:
            yield from self._sliding(image, views, self._plan.window_step)
            return
        space = image.shape[1:]
        looked_at = space[-self._plan.net.ndim :]
        size = self._tile_size(looked_at)
        cut = size != looked_at
        spread = float(image.max()) - float(image.min()) if cut else 0.0
        for outer, inner, keep in self._windows(space, size):
            tile = torch.from_numpy(np.asarray(image[(slice(None), *outer)], dtype=np.float32))
            kept: Any = (slice(None), *keep)
            if cut and float(tile.max() - tile.min()) <= AIR_RANGE * spread:
                yield inner, [self._air(tile[kept].shape[1:])] * sum(map(self._opinions, views))
            else:
                yield inner, [logits[kept].softmax(dim=0) for view in views for logits in self._look(tile, view)]

    @property
    def count(self) -> int:
        """How many networks there are."""
        return len(self._members)

    def _opinions(self, view: View) -> int:
        """How many predictions a view gives."""
        return len(getattr(self._members[view.member], "branches", ())) or 1 if view.every else 1

    def _run(self, batch: Tensor, view: View) -> Tensor:
        """Logits (B, opinions, K, *space) of (B, C, *space); sides are padded to what the network needs by repeating
        the edge."""
        net = self._plan.net
        space = batch.shape[2:]
        pad = [p for n, f in zip(space, net.factor, strict=True) for p in (-n % f, 0)][::-1]
        batch = F.pad(batch, pad, mode="replicate") if any(pad) else batch
        low = self._plan.precision == "bfloat16"
        with torch.inference_mode(), torch.autocast(self._device.type, torch.bfloat16, enabled=low):
            member: Any = self._members[view.member]
            batch = batch.to(self._device)
            found = member.branch_logits(batch) if self._opinions(view) > 1 else [member(batch)]
            out = torch.stack(found, dim=1)
        inside: Any = (..., *(slice(0, n) for n in space))
        cropped: Tensor = out[inside]
        return cropped.float().cpu()

    def _sliding(
        self, image: NDArray[np.float16], views: Sequence[View], step: tuple[int, ...]
    ) -> Iterator[tuple[Window, list[Tensor]]]:
        """As `parts`, with a paper's windows."""
        patch = self._plan.patch
        step = tuple(min(s, p) for s, p in zip(step, patch, strict=True))  # no gaps
        if self._plan.net.ndim == 2:
            slices = min(self._slices_at_once(patch), image.shape[1])
            patch, step = (slices, *patch), (slices, *step)

        def look(window: Tensor) -> list[Tensor]:
            return [logits.softmax(dim=0) for view in views for logits in self._look(window, view)]

        return sliding_parts(look, image, patch, step)

    def _slices_at_once(self, size: tuple[int, ...]) -> int:
        return max(1, int(BYTES_PER_TILE / (bytes_per_voxel(self._plan.net) * np.prod(size, dtype=float))))

    def _look(self, tile: Tensor, view: View) -> list[Tensor]:
        """Logits (K, d, h, w), one per opinion, of a tile (C, d, h, w)."""
        tile = tile if view.flip is None else tile.flip(view.flip + 1)
        if self._plan.net.ndim == 2:  # d slices at once
            opinions = self._run(tile.movedim(1, 0), view).movedim(0, 2)
        else:
            opinions = self._run(tile[None], view)[0]
        return [logits if view.flip is None else logits.flip(view.flip + 1) for logits in opinions]

    def _air(self, space: tuple[int, ...]) -> Tensor:
        """There is nothing to see: background."""
        logits = torch.zeros(self._plan.net.classes, *space)
        logits[0] = 20.0
        return logits.softmax(dim=0)

    def _tile_size(self, space: tuple[int, ...]) -> tuple[int, ...]:
        net = self._plan.net
        size = tile_size(space, net, BYTES_PER_TILE)
        if net.ndim == 2:
            return size
        rows = max(1, VOXELS_PER_SLAB // (space[1] * space[2]))
        longest = -(-rows // net.factor[0]) * net.factor[0] + 2 * halo(net)[0]
        return (min(size[0], longest), *size[1:])

    def _windows(self, space: tuple[int, ...], size: tuple[int, ...]) -> Iterator[tuple[Window, Window, Window]]:
        """Windows of (D, H, W) to read, to fill, and to keep of what was read."""
        net = self._plan.net
        if net.ndim == 3:
            yield from tiles(space, size, halo(net))
            return
        at_once = self._slices_at_once(size)
        for start in range(0, space[0], at_once):
            rows = slice(start, min(start + at_once, space[0]))
            for outer, inner, keep in tiles(space[1:], size, halo(net)):
                yield (rows, *outer), (rows, *inner), (slice(None), *keep)


def halo(net: NetSpec) -> tuple[int, ...]:
    """Voxels of context per axis beyond which the network sees next to nothing.

    Half the theoretical receptive field of two 3-wide convolutions per stage down and up, rounded up to the total
    stride so that tiles keep the pooling grid's phase.
    """
    reach, scale = [0] * net.ndim, [1] * net.ndim
    for stage, stride in enumerate(net.strides):
        for axis in range(net.ndim):
            scale[axis] *= stride[axis]
            reach[axis] += (2 if stage + 1 == len(net.strides) else 4) * scale[axis]
    return tuple(-(-r // f) * f for r, f in zip(reach, net.factor, strict=True))


def bytes_per_voxel(net: NetSpec) -> int:
    """Memory that a forward pass holds at once per voxel of input, roughly: a few full-resolution maps."""
    return 4 * (4 * net.widths[0] + net.classes + net.in_channels) + 8 * net.widths[min(1, len(net.widths) - 1)]


def tile_size(space: tuple[int, ...], net: NetSpec, memory: float) -> tuple[int, ...]:
    """The largest tile within `memory` bytes: the longest side is halved until it fits, in whole total strides."""
    size, margin = list(space), halo(net)
    per_voxel = bytes_per_voxel(net)
    while np.prod(size, dtype=float) * per_voxel > memory:
        axis = int(np.argmax([s - 2 * m for s, m in zip(size, margin, strict=True)]))
        smaller = -(-(size[axis] // 2) // net.factor[axis]) * net.factor[axis]
        if smaller <= 2 * margin[axis] or smaller >= size[axis]:
            break
        size[axis] = smaller
    return tuple(size)


def tiles(
    space: tuple[int, ...], size: tuple[int, ...], margin: tuple[int, ...]
) -> Iterator[tuple[Window, Window, Window]]:
    """Tiles that cover a space: what to read, what to fill, and which part of the tile fills it."""
    per_axis = [list(_cuts(n, s, m)) for n, s, m in zip(space, size, margin, strict=True)]
    for combination in itertools.product(*per_axis):
        outer, inner, keep = zip(*combination, strict=True)
        yield outer, inner, keep


def _cuts(length: int, size: int, margin: int) -> Iterator[tuple[slice, slice, slice]]:
    if size >= length:
        yield slice(0, length), slice(0, length), slice(0, length)
        return
    start = filled = 0
    while filled < length:
        stop = min(start + size, length)
        until = length if stop == length else stop - margin
        yield slice(start, stop), slice(filled, until), slice(filled - start, until - start)
        filled, start = until, until - margin
