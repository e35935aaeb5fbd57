"""Options of the methods: frozen dataclasses whose field metadata is the form, the flags and the docs table.

No torch here: napari reads this.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import SpecError


def option(
    default: Any, title: str, help: str, *, low: float | None = None, high: float | None = None, unit: str = "",
    choices: tuple[str, ...] = (), advanced: bool = True,
) -> Any:
    """A field of an options class.

    `low` and `high` are inclusive; `advanced` options are folded away in the form.
    """
    meta = {
        "title": title, "help": help, "low": low, "high": high, "unit": unit, "choices": choices,
        "advanced": advanced,
    }
    return dataclasses.field(default=default, metadata=meta)


@dataclass(frozen=True)
class Options:
    """Options every method has."""

    learning_rate: float = option(
        0.01, "Learning rate", "Step size of the optimiser at its highest.", low=1e-6, high=1.0
    )
    weight_decay: float = option(3e-5, "Weight decay", "Pull of the weights towards zero.", low=0.0, high=0.1)
    ema: float = option(
        0.99, "Averaging of the model", "Share of the old in the running average of the weights that is deployed.",
        low=0.0, high=0.9999,
    )


@dataclass(frozen=True)
class SupervisedOptions(Options):
    """Options of learning from labels only."""


@dataclass(frozen=True)
class BCPOptions(Options):
    """Options of bidirectional copy-paste (Bai et al., CVPR 2023)."""

    warmup_share: float = option(
        0.3, "Share of time on labels first", "Part of the run that learns from labelled scans only.",
        low=0.0, high=0.9, advanced=False,
    )
    unlabelled_weight: float = option(
        0.5, "Weight of unlabelled scans", "Weight of the model's own labels against human ones (alpha in the paper).",
        low=0.0, high=2.0, advanced=False,
    )
    hole: float = option(
        2 / 3, "Size of the pasted box", "Edge of the pasted box as a part of the patch (beta in the paper).",
        low=0.1, high=0.95,
    )
    largest_component: bool = option(
        True, "One piece per class", "Keep only the largest piece of each class in the model's own labels: right for "
        "organs, wrong for scattered lesions.", advanced=False,
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
        if not isinstance(value, wanted):
            raise SpecError(f"Option {name!r} must be a {wanted.__name__}, not {value!r}.")
        if meta["choices"] and value not in meta["choices"]:
            raise SpecError(f"Option {name!r} must be one of {', '.join(meta['choices'])}, not {value!r}.")
        low, high = meta["low"], meta["high"]
        if (low is not None and value < low) or (high is not None and value > high):
            raise SpecError(f"Option {name!r} must lie between {low} and {high}, not {value!r}.")
    return cls(**settings)
