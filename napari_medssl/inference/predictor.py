"""Probabilities of a whole scan, in as few and as large tiles as memory allows.

A convolutional network with fixed batch statistics is translation-equivariant: tiles that overlap by its receptive
field give what one pass over the whole scan would, so nothing is blended and little is computed twice. For networks
that are not, plans ask for a paper's windows instead (`sliding.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ..nets.fuse import fuse_batchnorm
from ..runs.spec import Plan
from .looks import Turn, turned, turned_back
from .sliding import Window, sliding_parts
from .tiling import largest_tile, padded, slices_at_once, windows

AIR_RANGE = 1e-3  # a tile whose values span less than this part of the scan's range shows nothing


@dataclass(frozen=True)
class View:
    """One look at a scan: which network, and the axis (0 for D) to mirror, or the turn, before, and back after.

    With `every`, all branches of the network say what they see, in one pass of its encoder.
    """

    member: int = 0
    flip: int | None = None
    every: bool = False
    turn: Turn | None = None


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
            # torch's stubs know no layout alone
            fuse_batchnorm(member).to(self._device).to(memory_format=layout)  # type: ignore[call-overload]
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
        cut = largest_tile(space, self._plan.net) != space[-self._plan.net.ndim :]
        spread = float(image.max()) - float(image.min()) if cut else 0.0
        for outer, inner, keep in windows(space, self._plan.net):
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
        space = batch.shape[2:]
        batch = padded(batch, self._plan.net)
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
            slices = min(slices_at_once(patch, self._plan.net), image.shape[1])
            patch, step = (slices, *patch), (slices, *step)

        def look(window: Tensor) -> list[Tensor]:
            return [logits.softmax(dim=0) for view in views for logits in self._look(window, view)]

        return sliding_parts(look, image, patch, step)

    def _look(self, tile: Tensor, view: View) -> list[Tensor]:
        """Logits (K, d, h, w), one per opinion, of a tile (C, d, h, w)."""
        tile = tile if view.flip is None else tile.flip(view.flip + 1)
        tile = tile if view.turn is None else turned(tile, view.turn, self._plan)
        if self._plan.net.ndim == 2:  # d slices at once
            opinions = list(self._run(tile.movedim(1, 0), view).movedim(0, 2))
        else:
            opinions = list(self._run(tile[None], view)[0])
        if view.turn is not None:
            opinions = [turned_back(logits, view.turn, self._plan) for logits in opinions]
        return [logits if view.flip is None else logits.flip(view.flip + 1) for logits in opinions]

    def _air(self, space: tuple[int, ...]) -> Tensor:
        """There is nothing to see: background."""
        logits = torch.zeros(self._plan.net.classes, *space)
        logits[0] = 20.0
        return logits.softmax(dim=0)
