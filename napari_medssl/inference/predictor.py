"""Probabilities of a whole scan, in as few and as large tiles as memory allows.

A convolutional network with fixed batch statistics is translation-equivariant: tiles that overlap by its receptive
field give what one pass over the whole scan would, so nothing is blended and little is computed twice. For networks
that are not, plans ask for a paper's windows instead (`sliding.py`).

Where memory runs out all the same, a predictor takes less of it: smaller tiles, and fewer slices at once, then the
processor in place of a GPU. It never leaves out a look at the scan, for that would be another prediction.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import psutil
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ..errors import NotFiniteError
from ..nets.fuse import fuse_batchnorm
from ..runs.spec import Plan
from .looks import Turn, turned, turned_back
from .memory import is_out_of_memory, release
from .sliding import Window, sliding_parts
from .tiling import choose_cut, padded, slices_at_once, tile_budget, windows

HALVINGS = 3  # of tiles, at most, when memory runs out
AIR_RANGE = 1e-3  # a tile whose values span less than this part of the scan's range shows nothing
Result = TypeVar("Result")


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
        self._halvings = 0
        self._members: list[nn.Module] = [fuse_batchnorm(member) for member in members]
        self._go_to(plan.device)

    def take_less(self, elsewhere: bool = True) -> str | None:
        """Take less memory from now on, where that is possible: what is done, in words; None where nothing is left.

        Parameters
        ----------
        elsewhere : bool
            The processor may be taken in place of a GPU.
        """
        release(str(self._device))
        if self._halvings < HALVINGS:
            self._halvings += 1
            return "smaller tiles"
        if elsewhere and self._device.type != "cpu":
            self._go_to("cpu")
            return "the processor, which takes longer"
        return None

    def begin_anew(self) -> None:
        """For the next scan: back to the plan's device, if this one was too large for it; tiles stay small."""
        if str(self._device) == self._plan.device:
            return
        try:
            self._go_to(self._plan.device)
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            self._go_to("cpu")

    def _go_to(self, device: str) -> None:
        self._device = torch.device(device)
        layout = torch.channels_last_3d if self._plan.net.ndim == 3 else torch.channels_last
        for member in self._members:  # torch's stubs know no layout alone
            member.to(self._device).to(memory_format=layout)  # type: ignore[call-overload]
        if device != self._plan.device:
            torch.set_num_threads(max(1, psutil.cpu_count(logical=False) or 1))

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
        space, net = image.shape[1:], self._plan.net
        budget, opinions = tile_budget(str(self._device), self._halvings), sum(map(self._opinions, views))
        cut = choose_cut(space, net, budget, opinions).size != space[-net.ndim :]
        spread = float(image.max()) - float(image.min()) if cut else 0.0
        for outer, inner, keep in windows(space, net, budget, opinions):
            tile = torch.from_numpy(np.asarray(image[(slice(None), *outer)], dtype=np.float32))
            kept: Any = (slice(None), *keep)
            if cut and float(tile.max() - tile.min()) <= AIR_RANGE * spread:
                yield inner, [self._air(tile[kept].shape[1:])] * opinions
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
        low = self._plan.precision == "bfloat16" and str(self._device) == self._plan.device
        with torch.inference_mode(), torch.autocast(self._device.type, torch.bfloat16, enabled=low):
            member: Any = self._members[view.member]
            batch = batch.to(self._device)
            found = member.branch_logits(batch) if self._opinions(view) > 1 else [member(batch)]
            out = torch.stack(found, dim=1)
        inside: Any = (..., *(slice(0, n) for n in space))
        cropped: Tensor = out[inside].float().cpu()
        if not bool(torch.isfinite(cropped).all()):
            raise NotFiniteError("The network answers with values that are no numbers")
        return cropped

    def _sliding(
        self, image: NDArray[np.float16], views: Sequence[View], step: tuple[int, ...]
    ) -> Iterator[tuple[Window, list[Tensor]]]:
        """As `parts`, with a paper's windows."""
        patch = self._plan.patch
        step = tuple(min(s, p) for s, p in zip(step, patch, strict=True))  # no gaps
        if self._plan.net.ndim == 2:
            budget, opinions = tile_budget(str(self._device), self._halvings), sum(map(self._opinions, views))
            slices = min(slices_at_once(patch, self._plan.net, budget, opinions), image.shape[1])
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


def with_less(predictor: Predictor, work: Callable[[], Result], elsewhere: bool = True) -> Generator[str, None, Result]:
    """Work that predicts; whenever memory runs out it begins anew with less, and what is done is told in words.

    Parameters
    ----------
    predictor : Predictor
        That the work predicts with.
    work : callable
    elsewhere : bool
        The processor may be taken in place of a GPU.

    Raises
    ------
    RuntimeError, MemoryError
        When memory runs out and there is no less to take.
    """
    while True:
        try:
            return work()
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise
            ran_out = error.with_traceback(None)  # whose frames hold what there is no memory for
        less = predictor.take_less(elsewhere)
        if less is None:
            raise ran_out
        yield less


def finished(work: Generator[object, None, Result]) -> Result:
    """The result of work that tells what it does, untold."""
    while True:
        try:
            next(work)
        except StopIteration as done:
            result: Result = done.value
            return result
