"""Options of the methods: frozen dataclasses whose field metadata is the form, the flags and the docs table.

No torch here: napari reads this.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar

from ..errors import SpecError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    from ..runs.spec import Plan

MOST = 1e15  # of any number: nothing that counts or measures is as large
Chosen = TypeVar("Chosen", bound="DataclassInstance")

NETWORKS = ("auto", "supervised", "bcp", "desd", "cdma", "pcrlv2")  # "auto", and the methods of the catalog


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


def network_option(*, advanced: bool = True) -> Any:
    """The field `network` of every method: `runs.presets` makes fields of the plan of it."""
    return option(
        "auto",
        "Network",
        "auto: that of the model to begin with, else the recipe's own where it is followed as published, else the one "
        "planned for your scans. A method: its published network. Before labelling, choose the method that shall begin "
        "with this run as published.",
        choices=NETWORKS,
        advanced=advanced,
    )


def optimiser_option(default: str) -> Any:
    """The field `optimiser` of every method."""
    return option(
        default,
        "Optimiser",
        "How weights follow the gradient. muon: as sgd, but a step changes a kernel equally far in all directions, so "
        "that fewer steps are needed; the papers use sgd.",
        choices=("sgd", "adamw", "muon"),
    )


@dataclass(frozen=True)
class Options:
    """Options every method has.

    `CONTINUING` holds the defaults that differ in a run of the automatic preset that starts from another's model.
    """

    CONTINUING: ClassVar[Mapping[str, Any]] = MappingProxyType({})

    @classmethod
    def over_paper(cls, paper: Mapping[str, Any], chosen: Mapping[str, Any]) -> dict[str, Any]:
        """The settings of the paper preset under those that a person chose; a choice may draw others along."""
        return {**paper, **chosen}

    def fitted(self, plan: Plan, chosen: Collection[str]) -> Self:
        """The options with those that nobody chose as the plan wants them; the same, unless a method has such."""
        return self

    network: str = network_option()
    learning_rate: float = option(
        0.05, "Learning rate", "Step size of the optimiser at its highest.", low=1e-6, high=1.0
    )
    weight_decay: float = option(3e-5, "Weight decay", "Pull of the weights towards zero.", low=0.0, high=0.1)
    optimiser: str = optimiser_option("muon")
    momentum: float = option(0.9, "Momentum", "Share of earlier gradients kept (sgd and muon).", low=0.0, high=0.999)
    nesterov: bool = option(True, "Nesterov momentum", "Look ahead along the momentum (sgd; muon always does).")
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
    steps: int = option(
        3000,
        "Steps",
        "Length of the run, or of its last phase, where neither minutes nor steps are given.",
        low=1,
        unit="steps",
    )


def resolve_options(cls: type[Chosen], settings: Mapping[str, Any]) -> Chosen:
    """Options from what the user set; the rest by default. Also those of a tool to label with.

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
        if wanted is float and isinstance(value, int) and not isinstance(value, bool) and abs(value) < MOST:
            value = float(value)
        if not isinstance(value, wanted) or (isinstance(value, bool) and wanted is not bool):
            raise SpecError(f"Option {name!r} must be a {wanted.__name__}, not {value!r}.")
        if meta["choices"] and value not in meta["choices"]:
            raise SpecError(f"Option {name!r} must be one of {', '.join(meta['choices'])}, not {value!r}.")
        if isinstance(value, int | float) and not abs(value) < MOST:  # neither is what is no number at all
            raise SpecError(f"Option {name!r} must be a number that can be counted with, not {str(value)[:40]}.")
        low, high = meta["low"], meta["high"]
        if (low is not None and value < low) or (high is not None and value > high):
            raise SpecError(f"Option {name!r} must lie between {low} and {high}, not {value!r}.")
    return cls(**settings)
