"""Whether a step made sense, and the way back where it did not.

A forward pass moves the statistics of norms, a teacher's too, before anybody knows the loss. They are few numbers: a
copy of them is taken before every step, and a step that turns out to be bad is undone with it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ..methods.base import Batch

#: What is looked at, in the order of `Soundness.fault`, and what to say where it is not finite.
FAULTS = (
    "a scan holds values that are no finite numbers",
    "its loss is no finite number",
    "its gradient is no finite number",
    "statistics of the network are no finite numbers after it",
)


class Soundness:
    """Keeps the buffers of a learner (statistics of norms, centres) and judges steps.

    Parameters
    ----------
    learner : nn.Module
        With the tensors that it will train with: made on its device already.
    """

    def __init__(self, learner: nn.Module) -> None:
        buffers = list(learner.buffers())
        kinds = {(buffer.dtype, buffer.device) for buffer in buffers}  # one call copies all of a kind
        self._groups = [[b for b in buffers if (b.dtype, b.device) == kind] for kind in sorted(kinds, key=str)]
        self._copies = [[torch.empty_like(buffer) for buffer in group] for group in self._groups]

    @torch.no_grad()
    def keep(self) -> None:
        """Remember the buffers as they are."""
        for group, copies in zip(self._groups, self._copies, strict=True):
            torch._foreach_copy_(copies, group)

    @torch.no_grad()
    def restore(self) -> None:
        """Make them again what they were when they were last kept."""
        for group, copies in zip(self._groups, self._copies, strict=True):
            torch._foreach_copy_(group, copies)

    def fault(self, batch: Batch, total: Tensor, gradient: Tensor) -> str:
        """What of a step is no finite number, as a clause; empty where all is well.

        The device is waited for once.

        Parameters
        ----------
        batch : Batch
        total : Tensor
            The loss.
        gradient : Tensor
            Its length.
        """
        device = total.device
        statistics = [b for group in self._groups for b in group if b.is_floating_point()]
        # variances may be large enough for their squares to leave the numbers
        largest = norm(statistics, device, math.inf)
        found = [norm(inputs(batch), device), total.detach(), gradient.detach(), largest]
        sound = torch.isfinite(torch.stack([value.float().to(device) for value in found])).tolist()
        return "" if all(sound) else FAULTS[sound.index(False)]


@torch.no_grad()
def norm(tensors: Sequence[Tensor], device: torch.device, order: float = 2.0) -> Tensor:
    """The norm of all entries together, no finite number where one of them is none. Nothing is waited for."""
    filled = [tensor for tensor in tensors if tensor.numel()]
    if not filled:
        return torch.zeros((), device=device)
    each = torch.stack([one.float() for one in torch._foreach_norm(filled, order)])
    together: Tensor = torch.linalg.vector_norm(each, order)
    return together


def gradient_length(module: nn.Module, device: torch.device) -> Tensor:
    """How long the gradient of a module's weights is, as `norm`."""
    return norm([weight.grad for weight in module.parameters() if weight.grad is not None], device)


def inputs(batch: Batch) -> list[Tensor]:
    """The images and views of a batch."""
    sides = [side.images for side in (batch.labelled, batch.unlabelled) if side is not None]
    return [*sides, *(batch.views or {}).values()]
