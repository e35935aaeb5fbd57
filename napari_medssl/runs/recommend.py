"""Which training is recommended for a project, run by run, and why. Pure: all of it follows from `RULES`."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..methods.catalog import CATALOG, method_info
from .champion import model_to_use
from .estimate import MINUTES, likely_device
from .history import PastRun
from .outlook import Outlook, Stock, Wish, look_ahead, unfit_starts
from .words import count, duration

RECOMMENDED = "recommended"  # what a person chooses in place of a method


@dataclass(frozen=True)
class Rules:
    """What is recommended when; the figures that each came from are in docs/benchmarks.md."""

    # which method
    labels_only: str = "supervised"  # with fewer scans than these
    fewest_labelled: int = 2
    fewest_unlabelled: int = 2
    labels_and_scans: str = "bcp"  # with more
    # whether to learn from the scans before, once per project
    before: str = "pcrlv2"
    before_unlabelled: int = 20  # scans, at least
    before_minutes_cpu: float = 20.0  # of all there are, at least, on a processor
    before_minutes_gpu: float = 2.0  # and on a GPU
    before_share: float = 1 / 3  # of the minutes
    before_most: float = 30.0  # minutes
    begin_with: tuple[str, ...] = ("pcrlv2",)  # methods whose earlier runs are begun with


RULES = Rules()


@dataclass(frozen=True)
class Link:
    """One run of a chain and, in a sentence or two, why. A run after the first begins with the one before it."""

    wish: Wish
    why: str

    @property
    def title(self) -> str:
        """What it does, and for how long."""
        wish = self.wish
        length = duration(60 * wish.minutes) if wish.minutes is not None else count(wish.steps or 0, "step")
        return f"{method_info(wish.method).title} ({length})"


@dataclass(frozen=True)
class Chain:
    """Runs, one after the other."""

    links: tuple[Link, ...]

    @property
    def wishes(self) -> tuple[Wish, ...]:
        """The runs as they are asked for."""
        return tuple(link.wish for link in self.links)

    @property
    def last(self) -> Wish:
        """The run whose model is to be used."""
        return self.links[-1].wish

    @property
    def title(self) -> str:
        """Its methods, as shortly as they can be told."""
        names = [method_info(wish.method).title for wish in self.wishes]
        return names[0] if len(names) == 1 else ", then ".join(name.rpartition(" – ")[2] for name in names)

    @property
    def lines(self) -> tuple[str, ...]:
        """What is done and why, a line for each run."""
        if len(self.links) == 1:
            return (self.links[0].why,)
        return tuple(f"{number}. {link.title}: {link.why}" for number, link in enumerate(self.links, 1))


def recommend(
    stock: Stock,
    minutes: float | None = None,
    steps: int | None = None,
    device: str = "auto",
    rules: Rules = RULES,
) -> Chain:
    """What to train on a project.

    Parameters
    ----------
    stock : Stock
    minutes : float or None
        For all of it; None: the usual, unless `steps` are given.
    steps : int or None
        Nothing is learnt before labels when steps are counted: nobody knows how long they take.
    device : str
        As asked for; "auto" is a GPU where the last such run had one.
    rules : Rules
    """
    if steps is None and minutes is None:
        minutes = MINUTES
    if not stock.labelled:
        return Chain((_before_labels(stock, minutes, steps, device, rules),))
    method, why = _method(stock, rules)
    wish = Wish(method, minutes=minutes, steps=steps, device=device)
    model = model_to_use(stock.runs)
    if model is not None and _fits(stock, wish, model):
        return Chain((Link(replace(wish, start_from=model.run), f"{why} {_since(stock, model)}"),))
    known = _learnt_before(stock, wish, rules)
    if known is not None:
        return Chain(
            (Link(replace(wish, start_from=known.run), f"{why} It begins with {known.run}, which knows your scans."),)
        )
    first = 0.0 if method == rules.labels_only else _minutes_before(stock, minutes, device, rules)
    if minutes is None or not first:
        return Chain((Link(wish, why),))
    before = (
        f"{count(stock.unlabelled, 'unlabelled scan')} and {duration(60 * minutes)} are enough to learn first what "
        "your scans look like. This is done once: later trainings begin with it."
    )
    return Chain(
        (
            Link(Wish(rules.before, minutes=first, device=device), before),
            Link(replace(wish, minutes=minutes - first), why),
        )
    )


def foresee(stock: Stock, chain: Chain) -> Outlook:
    """What would come of a chain: that of its last run, with the time of all and whatever any of them lacks."""
    ahead = [look_ahead(stock, wish) for wish in chain.wishes]
    seconds = [outlook.estimate.training_seconds for outlook in ahead]
    last = ahead[-1]
    whole = None if None in seconds else sum(known for known in seconds if known is not None)
    expected = replace(last.estimate, training_seconds=whole)
    lack = next((outlook.lack for outlook in ahead if outlook.lack is not None), None)
    title = f"Recommended: {chain.title}"
    summary = last.summary if len(ahead) == 1 else ""
    return replace(last, title=title, summary=summary, not_when="", estimate=expected, time=expected.text, lack=lack)


def _before_labels(stock: Stock, minutes: float | None, steps: int | None, device: str, rules: Rules) -> Link:
    known = _learnt_before(stock, Wish(rules.labels_only), rules)
    if known is not None:
        wish = Wish(rules.labels_only, minutes=minutes, steps=steps, start_from=known.run, device=device)
        return Link(wish, f"{known.run} knows your scans already: what is missing now is labels.")
    why = (
        "Nothing is labelled yet, so it learns what your scans look like. It makes no proposals: label some scans "
        "meanwhile, and the next training begins with what it learnt."
    )
    return Link(Wish(rules.before, minutes=minutes, steps=steps, device=device), why)


def _method(stock: Stock, rules: Rules) -> tuple[str, str]:
    if stock.labelled < rules.fewest_labelled:
        there = count(stock.labelled, "scan") + (" is" if stock.labelled == 1 else " are")
        whole = "labelled, as a draft" if stock.drafts == stock.labelled else "labelled"
        return (
            rules.labels_only,
            f"Only {there} {whole}: with fewer than {rules.fewest_labelled}, labels alone do better.",
        )
    if stock.unlabelled < rules.fewest_unlabelled:
        there = f"only {count(stock.unlabelled, 'unlabelled scan')}" if stock.unlabelled else "no unlabelled scans"
        return rules.labels_only, f"There are {there} to learn from, so it learns from the labelled ones."
    scans = count(stock.unlabelled, "unlabelled scan")
    return rules.labels_and_scans, f"With {stock.labelled:,} labelled and {scans} it pays to learn from both."


def _since(stock: Stock, model: PastRun) -> str:
    """That a run goes on with an earlier model, and what is new since."""
    more = stock.labelled + stock.held_out - len(model.labelled) - len(model.held_out)
    if more > 0:
        return f"It goes on with {model.run}: {count(more, 'more scan')} labelled since."
    return f"It goes on with {model.run}; no more scans are labelled since, so expect little. Label some first."


def _learnt_before(stock: Stock, wish: Wish, rules: Rules) -> PastRun | None:
    """The newest run before labelling that can be begun with."""
    there = [
        past
        for past in reversed(stock.runs)
        if past.method in rules.begin_with and past.task == "train" and past.has_model and past.outcome.trained
    ]
    return next((past for past in there if _fits(stock, wish, past)), None)


def _fits(stock: Stock, wish: Wish, start: PastRun) -> bool:
    return unfit_starts(CATALOG[wish.method], stock, wish, [start])[start.run] is None


def _minutes_before(stock: Stock, minutes: float | None, device: str, rules: Rules) -> float:
    """How long to learn from scans before labels; 0 where that does not pay."""
    has_gpu = likely_device(device, stock.runs) not in ("auto", "cpu")
    least = rules.before_minutes_gpu if has_gpu else rules.before_minutes_cpu
    if minutes is None or minutes < least or stock.unlabelled < rules.before_unlabelled:
        return 0.0
    return min(rules.before_most, round(minutes * rules.before_share, 1))
