"""What a run would do before it is asked for: what it uses, whether it can run, how long it takes. No torch.

`take_stock` looks at a project once (seconds with thousands of cases: not for an event loop); `look_ahead` makes an
`Outlook` of that for any wish, at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from ..errors import SpecError
from ..methods.catalog import CATALOG, Kind, MethodInfo, method_info
from .estimate import Estimate, estimate
from .history import PastRun, read_history
from .needs import Lack, avoid_text, unmet, unshown_text
from .picking import Picked, Standing, look_at_cases, pick, unfinished, unshown
from .presets import Preset, overruled, own_wishes
from .settings import check_settings
from .spec import LabelledCase
from .starting import unfit_start
from .words import count

if TYPE_CHECKING:
    from ..project import Project


#: Kinds of methods in the order in which people are offered them, and what to call them.
GROUPS: Mapping[Kind, str] = {
    "supervised": "From labels",
    "semi-supervised": "From labels and unlabelled scans",
    "self-supervised": "Before labelling",
}


@dataclass(frozen=True)
class Wish:
    """A run as a person asks for it; as in `runs.request.make_spec`.

    `propose` is the number of cases to propose for; None: all without complete labels.
    """

    method: str
    preset: Preset = "auto"
    minutes: float | None = None
    steps: int | None = None
    start_from: str | None = None
    device: str = "auto"
    settings: Mapping[str, Any] = field(default_factory=dict)
    propose: int | None = None


@dataclass(frozen=True)
class Stock:
    """What a project offers a run: numbers of cases, and its earlier runs.

    Attributes
    ----------
    labelled, unlabelled, held_out : int
        Cases to learn from with and without their labels, and labelled ones that models are measured on.
    audit : int
        Cases of the audit set, labelled or not; no model learns from them.
    unfinished : int
        Cases without complete labels, which get proposals.
    ndim : int
        2 for images, 3 for volumes.
    labels, measures : frozenset of LabelledCase
        Which ones `labelled` and `held_out` count.
    unshown : tuple of str
        Structures that no voxel of `labels` is of.
    drafts : int
        How many of `labels` are of cases that nobody marked as complete.
    """

    labelled: int = 0
    unlabelled: int = 0
    held_out: int = 0
    audit: int = 0
    unfinished: int = 0
    classes: int = 0
    channels: int = 1
    ndim: int = 3
    runs: tuple[PastRun, ...] = ()
    labels: frozenset[LabelledCase] = frozenset()
    measures: frozenset[LabelledCase] = frozenset()
    unshown: tuple[str, ...] = ()
    drafts: int = 0

    def past(self, run: str) -> PastRun | None:
        """The earlier run of that name."""
        return next((past for past in self.runs if past.run == run), None)


@dataclass(frozen=True)
class Outlook:
    """A run before it is asked for, in words that a clinician understands.

    Attributes
    ----------
    not_when : str
        When not to use it, to follow "Not when".
    uses : str
        What it learns from, such as "4 labelled, 76 unlabelled scans".
    measured : str
        What its model is measured on.
    departs : str
        What of the published recipe the model to begin with decides otherwise; empty where it is followed.
    time : str
        How long it takes, as far as anybody knows.
    lack : Lack or None
        Why it cannot run, and what would make it run.
    caution : str
        What it cannot learn from the labels there are; empty where they show all structures.
    """

    method: str
    title: str
    summary: str
    not_when: str
    uses: str
    measured: str
    time: str
    estimate: Estimate
    labelled: int
    unlabelled: int
    held_out: int
    audit: int
    proposals: int
    lack: Lack | None = None
    departs: str = ""
    caution: str = ""

    @property
    def can_run(self) -> bool:
        """Whether it would be taken."""
        return self.lack is None


def take_stock(project: Project, seed: int = 0) -> Stock:
    """Look at a project; reads the disk."""
    standings = look_at_cases(project)
    return count_stock(project, standings, pick(standings, seed), read_history(project))


def count_stock(
    project: Project, standings: Sequence[Standing], picked: Picked, runs: tuple[PastRun, ...] = ()
) -> Stock:
    """What was found, counted."""
    return Stock(
        labelled=len(picked.labelled),
        unlabelled=len(picked.unlabelled),
        held_out=len(picked.held_out),
        audit=sum(case.audit for case in standings),
        unfinished=len(unfinished(standings)),
        classes=len(project.classes),
        channels=len(project.channels),
        ndim=project.case(standings[0].case).grid.ndim if standings else 3,
        runs=runs,
        labels=frozenset(picked.labelled),
        measures=frozenset(picked.held_out),
        unshown=unshown(project, picked.labelled) if picked.labelled else (),
        drafts=len({entry.case for entry in picked.labelled} & {one.case for one in standings if one.complete is None}),
    )


def look_ahead(stock: Stock, wish: Wish, start: PastRun | None = None) -> Outlook:
    """What would come of a wish. Pure.

    Parameters
    ----------
    stock : Stock
    wish : Wish
    start : PastRun, optional
        The run to begin with, where it is of another project.

    Raises
    ------
    SpecError
        When there is no such method.
    """
    info = method_info(wish.method)
    start = start or (stock.past(wish.start_from) if wish.start_from else None)
    lack = find_lack(info, stock, wish, start)
    if _bad_setting(info, wish) is not None:
        wish = replace(wish, settings={})
    proposals = (stock.unfinished if wish.propose is None else wish.propose) if info.segments else 0
    expected = estimate(info, wish, stock.runs, start, proposals, stock.ndim)
    return Outlook(
        method=info.name,
        title=info.title,
        summary=info.summary,
        not_when=avoid_text(info),
        uses=_uses(info, stock),
        measured=_measured(info, stock),
        time=expected.text,
        estimate=expected,
        labelled=stock.labelled,
        unlabelled=stock.unlabelled,
        held_out=stock.held_out,
        audit=stock.audit,
        proposals=proposals,
        lack=lack,
        departs=_departs(info, wish.preset, start),
        caution=unshown_text(stock.unshown, stock.labelled) if info.segments and lack is None else "",
    )


def grouped() -> list[MethodInfo]:
    """The catalog in the order of `GROUPS`."""
    return [info for kind in GROUPS for info in CATALOG.values() if info.kind == kind]


def find_lack(info: MethodInfo, stock: Stock, wish: Wish, start: PastRun | None) -> Lack | None:
    """Why a wish cannot be met; None when it can."""
    lack = unmet(info, stock.labelled, stock.unlabelled, stock.classes, stock.unshown) or _bad_setting(info, wish)
    if lack is not None or not wish.start_from:
        return lack
    if start is None:
        known = ", ".join(past.run for past in stock.runs) or "none yet"
        return Lack(f"There is no run {wish.start_from!r}; this project has: {known}.", "")
    return next(iter(unfit_starts(info, stock, wish, [start]).values()))


def unfit_starts(info: MethodInfo, stock: Stock, wish: Wish, starts: Sequence[PastRun]) -> dict[str, Lack | None]:
    """Why a wish cannot begin with each of these runs, by name; None for those it can begin with."""
    if _bad_setting(info, wish) is not None:
        wish = replace(wish, settings={})
    wishes = own_wishes(info, stock.ndim, wish.settings)
    return {start.run: unfit_start(start, stock.channels, stock.classes, stock.ndim, wishes) for start in starts}


def _bad_setting(info: MethodInfo, wish: Wish) -> Lack | None:
    try:
        check_settings(info, wish.settings)
    except SpecError as error:
        return Lack(str(error), "")
    return None


def _uses(info: MethodInfo, stock: Stock) -> str:
    if info.kind == "self-supervised":
        return f"{count(stock.labelled + stock.unlabelled, 'scan')}; labels are not used"
    if info.kind == "supervised":
        rest = f"; {stock.unlabelled:,} unlabelled are not used" if stock.unlabelled else ""
        return f"{count(stock.labelled, 'labelled scan')}{_drafts(stock)}{rest}"
    return f"{stock.labelled:,} labelled{_drafts(stock)}, {count(stock.unlabelled, 'unlabelled scan')}"


def _drafts(stock: Stock) -> str:
    """How many of the labelled scans are drafts, as the header counts them."""
    if not stock.drafts:
        return ""
    if stock.drafts == stock.labelled:
        return " (a draft)" if stock.drafts == 1 else " (all drafts)"
    return f" ({stock.drafts:,} of them {'a draft' if stock.drafts == 1 else 'drafts'})"


def _departs(info: MethodInfo, preset: Preset, start: PastRun | None) -> str:
    parts = overruled(info, preset, start)
    return f"As published but for {parts}, which {start.run} decides." if parts and start else ""


def _measured(info: MethodInfo, stock: Stock) -> str:
    if not info.segments:
        return "Makes no proposals: another training begins with what it learnt."
    if stock.held_out:
        whose = "of the audit set" if stock.audit else "held out"
        return f"Measured on {count(stock.held_out, 'labelled scan')} {whose}, never learnt from."
    return "Not measured: too few labelled scans to hold any out."
