"""Options of the methods: frozen dataclasses whose field metadata is the form, the flags and the docs table.

No torch here: napari reads this.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

from ..errors import SpecError


def option(
    default: Any,
    title: str,
    help: str,
    *,
    low: float | None = None,
    high: float | None = None,
    unit: str = "",
    choices: tuple[str, ...] = (),
    advanced: bool = True,
) -> Any:
    """A field of an options class.

    `low` and `high` are inclusive; `advanced` options are folded away in the form.
    """
    meta = {
        "title": title,
        "help": help,
        "low": low,
        "high": high,
        "unit": unit,
        "choices": choices,
        "advanced": advanced,
    }
    return dataclasses.field(default=default, metadata=meta)


@dataclass(frozen=True)
class Options:
    """Options every method has.

    `CONTINUING` holds the defaults that differ in a run of the automatic preset that starts from another's model.
    """

    CONTINUING: ClassVar[Mapping[str, Any]] = MappingProxyType({})

    learning_rate: float = option(
        0.05, "Learning rate", "Step size of the optimiser at its highest.", low=1e-6, high=1.0
    )
    weight_decay: float = option(3e-5, "Weight decay", "Pull of the weights towards zero.", low=0.0, high=0.1)
    optimiser: str = option("sgd", "Optimiser", "How weights follow the gradient.", choices=("sgd", "adamw"))
    momentum: float = option(0.9, "Momentum", "Share of earlier gradients kept (sgd only).", low=0.0, high=0.999)
    nesterov: bool = option(True, "Nesterov momentum", "Look ahead along the momentum (sgd only).")
    clip: float = option(
        12.0, "Longest gradient", "Gradients longer than this are shortened; 0 is off.", low=0.0, high=1000.0
    )
    schedule: str = option(
        "poly",
        "Schedule of the learning rate",
        "How the learning rate falls.",
        choices=("constant", "poly", "cosine", "step"),
    )
    schedule_warmup: float = option(
        0.0, "Warm-up of the learning rate", "Part of each phase in which the learning rate rises.", low=0.0, high=0.5
    )
    schedule_every: int = option(
        0, "Steps between drops", "With the schedule 'step': steps from one drop to the next.", low=0, unit="steps"
    )
    schedule_gamma: float = option(
        0.1, "Drop", "With the schedule 'step': factor of the learning rate at each drop.", low=0.0, high=1.0
    )
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
        "in the paper's code for the left atrium (la) or the heart (acdc).",
        choices=("auto", "la", "acdc"),
    )
    balance: float = option(
        0.5,
        "Weight of rare structures",
        "At the start of training a voxel counts for as much as its class is rare, to this power; it fades to plain "
        "counting by the end. 0 is off, as in the papers.",
        low=0.0,
        high=1.0,
    )
    steps: int = option(
        3000,
        "Steps",
        "Length of the run, or of its last phase, where neither minutes nor steps are given.",
        low=1,
        unit="steps",
    )


@dataclass(frozen=True)
class SupervisedOptions(Options):
    """Options of learning from labels only."""


@dataclass(frozen=True)
class BCPOptions(Options):
    """Options of bidirectional copy-paste (Bai et al., CVPR 2023)."""

    # the model it starts from has learnt from labels already
    CONTINUING: ClassVar[Mapping[str, Any]] = MappingProxyType({"warmup_share": 0.15})

    warmup_share: float = option(
        0.7,
        "Share of time on labels first",
        "Part of the run that learns from labelled scans only.",
        low=0.0,
        high=0.9,
        advanced=False,
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
        0.5,
        "Weight of unlabelled scans",
        "Weight of the model's own labels against human ones (alpha in the paper).",
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
        "Keep only the largest piece of each class in the model's own labels: right for "
        "organs, wrong for scattered lesions.",
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


def resolve_options(cls: type[Options], settings: Mapping[str, Any]) -> Options:
    """Options from what the user set; the rest by default.

    Raises
    ------
    SpecError
        When a value is out of its range or of the wrong type, or an option does not exist.
    """
    fields = {f.name: f for f in dataclasses.fields(cls)}
    for name, value in settings.items():
        if name not in fields:
            raise SpecError(f"There is no option {name!r}; there are: {', '.join(fields)}.")
        meta = fields[name].metadata
        wanted = type(fields[name].default)
        if wanted is float and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        if not isinstance(value, wanted) or (isinstance(value, bool) and wanted is not bool):
            raise SpecError(f"Option {name!r} must be a {wanted.__name__}, not {value!r}.")
        if meta["choices"] and value not in meta["choices"]:
            raise SpecError(f"Option {name!r} must be one of {', '.join(meta['choices'])}, not {value!r}.")
        low, high = meta["low"], meta["high"]
        if (low is not None and value < low) or (high is not None and value > high):
            raise SpecError(f"Option {name!r} must lie between {low} and {high}, not {value!r}.")
    return cls(**settings)
