"""Options of learners of one network: those of its running average and of the loss on labels. No torch."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

from .options import Options, option

if TYPE_CHECKING:
    from ..runs.spec import Plan


@dataclass(frozen=True)
class AveragedOptions(Options):
    """Options of a network and its running average."""

    def fitted(self, plan: Plan, chosen: Collection[str]) -> Self:
        """Grey values stay where all scans have the same contrast, unless somebody chose otherwise."""
        return self if plan.many_contrasts or "remap" in chosen else replace(self, remap=0.0)

    ema: float = option(
        0.99,
        "Averaging of the model",
        "Share of the old in the running average of the weights.",
        low=0.0,
        high=0.9999,
    )
    ema_warmup: bool = option(
        True, "Average less at first", "Let the running average forget the random beginning quickly."
    )
    ema_buffers: bool = option(
        True, "Average the statistics too", "Include the batch statistics in the running average."
    )
    deploy: str = option(
        "average",
        "Model that predicts",
        "The running average, or the network as last trained.",
        choices=("average", "student"),
    )
    loss_form: str = option(
        "auto",
        "Form of the loss",
        "How Dice is counted: over the batch and without absent structures (auto), or as "
        "in the papers' code for the left atrium (la), the heart (acdc) or tissue (cdma).",
        choices=("auto", "la", "acdc", "cdma"),
    )
    balance: float = option(
        0.5,
        "Weight of rare structures",
        "At the start of training a voxel counts for as much as its class is rare, to this power; it fades to plain "
        "counting. 0 is off, as in the papers.",
        low=0.0,
        high=1.0,
    )
    remap: float = option(
        0.7,
        "Other grey values",
        "Share of patches whose grey values go through a random curve, as if another scanner had made them; of "
        "labelled ones, so many by the end of the run. Where nothing is set: only if grey values differ much between "
        "scans. 0 is off, as in the papers.",
        low=0.0,
        high=1.0,
    )


@dataclass(frozen=True)
class SupervisedOptions(AveragedOptions):
    """Options of learning from labels only."""
