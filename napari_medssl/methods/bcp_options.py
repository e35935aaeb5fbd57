"""Options of BCP. No torch."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

from .averaged_options import AveragedOptions
from .options import option

if TYPE_CHECKING:
    from ..runs.spec import Plan


@dataclass(frozen=True)
class BCPOptions(AveragedOptions):
    """Options of bidirectional copy-paste (Bai et al., CVPR 2023)."""

    def fitted(self, plan: Plan, chosen: Collection[str]) -> Self:
        """One piece per class only if each was one wherever somebody drew it, unless somebody chose otherwise."""
        options = super().fitted(plan, chosen)
        pieces = len(plan.single_piece) == plan.net.classes - 1
        return options if pieces or "largest_component" in chosen else replace(options, largest_component=False)

    warmup_share: float = option(
        0.75,
        "Share of time on labels first",
        "Part of the run that learns from labelled scans only.",
        low=0.0,
        high=0.9,
        advanced=False,
    )
    warmup_passes: float = option(
        500.0,
        "Passes through the labels first",
        "The first phase ends sooner when the labelled scans were gone through so often: labels alone teach no more "
        "then, and the rest of its time goes to unlabelled scans too. 0 is off, as in the paper.",
        low=0.0,
        high=1e6,
    )
    mixing_first: float = option(
        0.1,
        "Mixing on labels first",
        "Share of the steps of the first phase that paste labelled scans into each other; 1 in the paper.",
        low=0.0,
        high=1.0,
    )
    mixing: float = option(
        0.1,
        "Mixing of labelled and unlabelled",
        "Share of the steps of the second phase that paste; in the others the "
        "student sees whole patches of either kind. 1 in the paper.",
        low=0.0,
        high=1.0,
    )
    second_rate: float = option(
        1.0, "Learning rate of the second phase", "As a multiple of the first phase's.", low=0.01, high=2.0
    )
    jitter: float = option(
        0.6,
        "Distortion of what the student sees",
        "How strongly contrast, brightness and noise are changed after the "
        "teacher has looked; 0 is off, as in the paper.",
        low=0.0,
        high=1.0,
    )
    unlabelled_weight: float = option(
        1.0,
        "Weight of unlabelled scans",
        "Weight of the model's own labels against human ones (alpha in the paper, 0.5 there).",
        low=0.0,
        high=2.0,
        advanced=False,
    )
    unlabelled_dice: float = option(
        0.0,
        "Dice on unlabelled scans",
        "Weight of Dice beside cross-entropy on the model's own labels (form 'auto' only). Dice counts a few wrong "
        "voxels in an empty patch like a whole organ, so the model talks itself into finding too much.",
        low=0.0,
        high=1.0,
    )
    hole: float = option(
        0.4,
        "Size of the pasted box",
        "Edge of the pasted box as a part of the patch (beta in the paper).",
        low=0.1,
        high=0.95,
    )
    largest_component: bool = option(
        True,
        "One piece per class",
        "Keep only the largest piece of each class in the model's own labels: right for organs, wrong for scattered "
        "lesions. Where nothing is set: only if each class is one piece in scans that are labelled throughout.",
        advanced=False,
    )
    ignore_dropped: bool = option(
        False, "Ignore the other pieces", "Learn nothing where a piece was dropped, instead of learning background."
    )
    confidence: float = option(
        0.0,
        "Least certainty",
        "The model's own labels count only where it gives them at least this probability; 0 is off, as in the paper.",
        low=0.0,
        high=0.999,
    )
    ramp_up: float = option(
        0.0,
        "Rise of the unlabelled scans' weight",
        "Part of the second phase in which the weight of unlabelled "
        "scans rises from nearly nothing; 0 is off, as in the paper.",
        low=0.0,
        high=1.0,
    )
    teacher_mode: str = option(
        "eval",
        "Statistics of the teacher",
        "Normalise the teacher's features by its running averages (eval) or by "
        "the batch at hand, with dropout (train, as in the paper's code).",
        choices=("eval", "train"),
    )
    fused: bool = option(
        True,
        "One pass for both mixtures",
        "Show the student both mixed batches at once: larger batch statistics "
        "than in the paper's code, which shows them one after the other.",
    )
    box: str = option(
        "box",
        "Shape of the pasted part",
        "One box as in the paper, or, as in its ablations, many small ones (cells) or a slab.",
        choices=("box", "cells", "slab"),
    )
    warmup_schedule: str = option(
        "constant",
        "Schedule on labels first",
        "How the learning rate falls in the first phase.",
        choices=("constant", "poly", "cosine", "step"),
    )
    keep_momentum: bool = option(False, "Keep the momentum", "Start the second phase with the momentum of the first.")
    warmup_steps: int = option(
        1000,
        "Steps on labels first",
        "Length of the first phase where neither minutes nor steps are given.",
        low=0,
        unit="steps",
    )
