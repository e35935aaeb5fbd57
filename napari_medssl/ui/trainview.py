"""The Train page, from what a person chose and what the project has: pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ..methods.catalog import CATALOG, MethodInfo
from ..runs.champion import models_to_use
from ..runs.estimate import MINUTES
from ..runs.guard import Verdict, judge_all
from ..runs.history import PastRun
from ..runs.lineage import used_labels_only
from ..runs.outlook import GROUPS, Outlook, Stock, Wish, find_lack, grouped, look_ahead, unfit_starts
from ..runs.presets import Preset, overruled, preset_options
from ..runs.recommend import RECOMMENDED, Chain, foresee, recommend
from ..runs.words import duration

SCRATCH = ""  # begin with no model


@dataclass(frozen=True)
class Intent:
    """What a person chose on the Train page.

    Attributes
    ----------
    method : str or None
        A method or `RECOMMENDED`; None: not chosen yet.
    minutes : float or None
        For all of it. None: as long as the published recipe.
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

    `blocked` says why this one does not fit; `departs`, that the published recipe cannot be followed with it in full;
    `verdict`, how it stands beside labels only.
    """

    run: str
    title: str
    blocked: str = ""
    departs: bool = False
    verdict: str = ""


@dataclass(frozen=True)
class TrainView:
    """The training page.

    Attributes
    ----------
    intent : Intent
        What a person chose.
    method : str
        What is chosen now: a method, or `RECOMMENDED`.
    wishes : tuple of Wish
        What would be asked for now: those choices, completed; one run after the other.
    why : tuple of str
        What is recommended and why, in lines.
    usual : mapping
        Every option of the method where a person changes nothing.
    hint : str
        What would be done, in a line; or why nothing can be begun now.
    is_free : bool
        Whether recipe, options and the model to begin with are for a person to choose.
    """

    methods: tuple[MethodChoice, ...] = ()
    starts: tuple[StartChoice, ...] = ()
    devices: tuple[str, ...] = ("auto",)
    intent: Intent = field(default_factory=Intent)
    method: str = ""
    wishes: tuple[Wish, ...] = ()
    why: tuple[str, ...] = ()
    outlook: Outlook | None = None
    usual: Mapping[str, Any] = field(default_factory=dict)
    is_free: bool = True
    can_train: bool = False
    hint: str = ""

    @property
    def wish(self) -> Wish:
        """The last run, whose model is to be used."""
        return self.wishes[-1] if self.wishes else Wish("")


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
    chain = recommend(stock, intent.minutes, device=intent.device)
    method = intent.method or RECOMMENDED
    free = method != RECOMMENDED
    info = CATALOG[method if free else chain.last.method]
    wish = Wish(method, intent.preset, intent.minutes, None, None, intent.device, intent.settings)
    starts = _starts(info, stock, wish if free else chain.last, dice)
    wish = replace(wish, start_from=_start(info, intent, starts, stock) or None)
    wishes = (wish,) if free else chain.wishes
    ahead = look_ahead(stock, wish) if free else foresee(stock, chain)
    start = stock.past(wishes[-1].start_from or "")
    return TrainView(
        methods=(_recommended(stock, chain), *(_choice(info, stock) for info in grouped())),
        starts=(StartChoice(SCRATCH, "From scratch" if len(wishes) == 1 else "The run before it"), *starts),
        devices=devices,
        intent=intent,
        method=method,
        wishes=wishes,
        why=() if free else chain.lines,
        outlook=ahead,
        usual=preset_options(info, wishes[-1].preset, stock.ndim, start),
        is_free=free,
        can_train=ahead.can_run and not running,
        hint="One training at a time: go on labelling meanwhile." if running else _in_a_line(wishes, ahead),
    )


def _in_a_line(wishes: tuple[Wish, ...], ahead: Outlook) -> str:
    """What would be done, with what, for how long; empty where it cannot be."""
    if not ahead.can_run:
        return ""
    methods = ", then ".join(CATALOG[wish.method].short_title or CATALOG[wish.method].title for wish in wishes)
    minutes = [wish.minutes for wish in wishes if wish.minutes is not None]
    said = [methods, ahead.uses, *([duration(60 * sum(minutes))] if minutes else [])]
    if wishes[0].start_from:
        said.append(f"begins with {wishes[0].start_from}")
    return " · ".join(said)


def _recommended(stock: Stock, chain: Chain) -> MethodChoice:
    lack = foresee(stock, chain).lack
    help_ = "The training, or the two, that suit your scans, your labels and your time; the card below says why."
    return MethodChoice(RECOMMENDED, "Recommended", "", help_, "" if lack is None else str(lack))


def _choice(info: MethodInfo, stock: Stock) -> MethodChoice:
    lack = find_lack(info, stock, Wish(info.name), None)
    return MethodChoice(info.name, info.title, GROUPS[info.kind], info.summary, "" if lack is None else str(lack))


def _starts(info: MethodInfo, stock: Stock, wish: Wish, dice: Mapping[str, float | None]) -> tuple[StartChoice, ...]:
    """The models there are, newest first."""
    models = [
        past for past in reversed(stock.runs) if past.has_model and past.task == "train" and past.method in CATALOG
    ]
    unfit, verdicts = unfit_starts(info, stock, wish, models), judge_all(stock.runs)
    return tuple(
        StartChoice(
            past.run,
            _start_title(past, dice.get(past.run), verdicts.get(past.run)),
            str(unfit[past.run] or ""),
            bool(overruled(info, wish.preset, past)),
            verdicts[past.run].text if past.run in verdicts else "",
        )
        for past in models
    )


def _start(info: MethodInfo, intent: Intent, starts: tuple[StartChoice, ...], stock: Stock) -> str:
    """The model to begin with: the chosen one if it fits, else the newest that does and leaves the recipe as it is.

    One that did worse than labels only is chosen by people only; and learning from labels only begins by itself with
    nothing that has learnt from labels and other scans.
    """
    fitting = [choice for choice in starts if not choice.blocked]
    if intent.start_from == SCRATCH or intent.start_from in [choice.run for choice in fitting]:
        return intent.start_from
    usable = {past.run: past for past in models_to_use(stock.runs)}
    if info.kind == "supervised":
        usable = {run: past for run, past in usable.items() if used_labels_only(past, stock.runs)}
    by_itself = [choice.run for choice in fitting if not choice.departs]
    blind = {past.run for past in stock.runs if past.method in CATALOG and not CATALOG[past.method].segments}
    return next((run for run in by_itself if info.segments and (run in blind or run in usable)), SCRATCH)


def _start_title(past: PastRun, dice: float | None, verdict: Verdict | None) -> str:
    if not CATALOG[past.method].segments:
        return f"{past.run} (before labelling)"
    worse = "⚠ " if verdict is not None and verdict.is_worse else ""
    said = [] if dice is None else [f"Dice {dice:.2f}"]
    said += ["worse than labels only"] if worse else []
    return worse + past.run + (f" ({', '.join(said)})" if said else "")
