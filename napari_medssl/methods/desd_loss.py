"""The loss of self-distillation: students' views against a centred and sharpened teacher.

Caron et al., ICCV 2021; DeSD (Ye et al., MICCAI 2022) has it at every stage of the encoder, against one target.
"""

from __future__ import annotations

import torch
from torch import Tensor

from .schedules import stair


def teacher_targets(logits: Tensor, centre: Tensor, temperature: float) -> Tensor:
    """Probabilities that the students shall match, without gradient.

    Parameters
    ----------
    logits : Tensor, (A, B, K)
        The teacher's, of `A` global views of `B` scans.
    centre : Tensor, (1, K)
    temperature : float
    """
    return torch.softmax((logits.detach().float() - centre) / temperature, dim=-1)


def stage_loss(logits: Tensor, targets: Tensor, temperature: float) -> Tensor:
    """Cross-entropy of every view against the teacher's look at every *other* global view, averaged.

    Parameters
    ----------
    logits : Tensor, (V, B, K)
        A student's, of all views, the global ones first.
    targets : Tensor, (A, B, K)
        Of `teacher_targets`.
    temperature : float
        Of the student.
    """
    views, anchors = len(logits), len(targets)
    log_probabilities = torch.log_softmax(logits.float() / temperature, dim=-1)
    # over all pairs at once: a view's targets are those of all global views but itself
    others = targets.sum(dim=0).expand(views, -1, -1).clone()
    others[:anchors] -= targets
    cross = -(others * log_probabilities).sum(dim=-1).mean(dim=-1)
    return cross.sum() / (anchors * (views - 1))


def entropy(targets: Tensor) -> Tensor:
    """Mean entropy of the targets in nats; 0 or ln K for all of a run means that nothing is learnt."""
    surprise: Tensor = torch.special.xlogy(targets, targets)
    return -surprise.sum(dim=-1).mean()


def teacher_temperature(start: float, end: float, warmup: float, epochs: int, progress: float) -> float:
    """Temperature that rises from `start` to `end` in the first `warmup` of a phase of `epochs`, once per epoch."""
    epoch, rising = stair(progress, epochs), round(warmup * epochs)
    return start + (end - start) * epoch / max(1, rising - 1) if epoch < rising else end


@torch.no_grad()
def move_centre(centre: Tensor, logits: Tensor, momentum: float) -> None:
    """Move the centre (1, K) towards the mean of a step's teacher logits (views, K); after the loss has used it."""
    centre.mul_(momentum).add_(logits.float().mean(dim=0, keepdim=True), alpha=1 - momentum)
