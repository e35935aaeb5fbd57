"""The Train page, from what a person chose and what the project has: pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ..methods.catalog import CATALOG, MethodInfo
from ..runs.estimate import MINUTES
from ..runs.history import PastRun
from ..runs.outlook import GROUPS, Outlook, Stock, Wish, find_lack, grouped, look_ahead, unfit_starts
from ..runs.presets import Preset, overruled, preset_options

SCRATCH = ""  # begin with no model


@dataclass(frozen=True)
class Intent:
    """What a person chose on the Train page.

    Attributes
    ----------
    method : str or None
        None: not chosen yet.
    minutes : float or None
        None: as long as the published recipe.
    start_from : str or None
        A run, `SCRATCH`, or None: not chosen yet.
    settings : mapping
        Options that a person changed.
    """

    method: str | None = None
    preset: Preset = "auto"
    minutes: float | None = MINUTES
    device: str = "auto"
    start_from: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class MethodChoice:
    """A line of the method list; `blocked` says why it cannot run now."""

    name: str
    title: str
    group: str
    help: str
    blocked: str = ""


@dataclass(frozen=True)
class StartChoice:
    """A line of the models to begin with.

    `blocked` says why this one does not fit; `departs`, that the published recipe cannot be followed with it in full.
    """

    run: str
    title: str
    blocked: str = ""
    departs: bool = False


@dataclass(frozen=True)
class TrainView:
    """The training page.

    Attributes
    ----------
    intent : Intent
        What a person chose.
    wish : Wish
        What would be asked for now: those choices, completed.
    usual : mapping
        Every option of the method where a person changes nothing.
    """

    methods: tuple[MethodChoice, ...] = ()
    starts: tuple[StartChoice, ...] = ()
    devices: tuple[str, ...] = ("auto",)
    intent: Intent = field(default_factory=Intent)
    wish: Wish = field(default_factory=lambda: Wish(""))
    outlook: Outlook | None = None
    usual: Mapping[str, Any] = field(default_factory=dict)
    can_train: bool = False
    hint: str = ""


def train_view(
    stock: Stock, dice: Mapping[str, float | None], intent: Intent, devices: tuple[str, ...], running: bool
) -> TrainView:
    """The training page.

    Parameters
    ----------
    stock : Stock
    dice : mapping
        The best Dice of each run, where one was measured.
    intent : Intent
    devices : tuple of str
        To choose from.
    running : bool
        Whether a training is under way.
    """
    methods = tuple(_choice(info, stock) for info in grouped())
    name = intent.method or _first(methods)
    info = CATALOG[name]
    wish = Wish(name, intent.preset, intent.minutes, None, None, intent.device, intent.settings)
    starts = _starts(info, stock, wish, dice)
    start = _start(info, intent, starts)
    wish = replace(wish, start_from=start or None)
    outlook = look_ahead(stock, wish)
    return TrainView(
        methods=methods,
        starts=(StartChoice(SCRATCH, "From scratch"), *starts),
        devices=devices,
        intent=intent,
        wish=wish,
        outlook=outlook,
        usual=preset_options(info, wish.preset, stock.ndim, stock.past(start)),
        can_train=outlook.can_run and not running,
        hint="One training at a time: go on labelling meanwhile." if running else "",
    )


def _choice(info: MethodInfo, stock: Stock) -> MethodChoice:
    lack = find_lack(info, stock, Wish(info.name), None)
    return MethodChoice(info.name, info.title, GROUPS[info.kind], info.summary, "" if lack is None else str(lack))


def _first(methods: tuple[MethodChoice, ...]) -> str:
    """The method to offer: the first that uses labels and unlabelled scans; from labels only where it cannot."""
    kinds = ("semi-supervised", "supervised")
    best = [next(choice for choice in methods if CATALOG[choice.name].kind == kind) for kind in kinds]
    return next((choice for choice in best if not choice.blocked), best[0]).name


def _starts(info: MethodInfo, stock: Stock, wish: Wish, dice: Mapping[str, float | None]) -> tuple[StartChoice, ...]:
    """The models there are, newest first."""
    models = [
        past for past in reversed(stock.runs) if past.has_model and past.task == "train" and past.method in CATALOG
    ]
    unfit = unfit_starts(info, stock, wish, models)
    return tuple(
        StartChoice(
            past.run,
            _start_title(past, dice.get(past.run)),
            str(unfit[past.run] or ""),
            bool(overruled(info, wish.preset, past)),
        )
        for past in models
    )


def _start(info: MethodInfo, intent: Intent, starts: tuple[StartChoice, ...]) -> str:
    """The model to begin with: the chosen one if it fits, else the newest that does and leaves the recipe as it is."""
    fitting = [choice for choice in starts if not choice.blocked]
    if intent.start_from == SCRATCH or intent.start_from in [choice.run for choice in fitting]:
        return intent.start_from
    return next((choice.run for choice in fitting if info.segments and not choice.departs), SCRATCH)


def _start_title(past: PastRun, dice: float | None) -> str:
    if not CATALOG[past.method].segments:
        return f"{past.run} (before labelling)"
    return past.run + ("" if dice is None else f" (Dice {dice:.2f})")
