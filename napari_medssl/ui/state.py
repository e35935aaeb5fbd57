"""What the panels show: one frozen value, resolved from what is known. No Qt, no files, no clocks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from ..project import UNUSABLE, Refused
from ..runs.status import RunStatus
from .casefacts import CaseFacts
from .caselist import Continue, continue_with
from .facts import ClassFacts, ProjectFacts
from .insideview import Inside, InsideState, inside_state
from .modelview import ModelView
from .othersview import Others, OthersView, others_view
from .recents import Recent
from .reviewview import Review, ReviewState, review_state
from .runlist import RunLine, run_lines
from .runview import Level, RunView, run_view
from .toolview import ToolFacts, ToolState
from .tour import Place, TourView, tour_view
from .trainview import Intent, TrainView, train_view

Save = Literal["clean", "unsaved", "saving", "saved", "failed", "held"]

STATUS_TEXT: Mapping[str, str] = {
    "new": "not labelled",
    "draft": "draft",
    "labelled": "labelled",
    "proposed": "to review",
    "excluded": "left out",
    "missing": "cannot be read",
    "unreadable": "cannot be read",
    "refused": "not taken",
}


@dataclass(frozen=True)
class OpenCase:
    """The case on screen.

    `based_on` is the run whose proposal its labels began as, None when drawn freely. `proposals` are the runs that made
    one, newest first, each with why it is not to be shown by itself, or "".
    """

    name: str
    proposal: str | None = None
    proposals: tuple[tuple[str, str], ...] = ()
    proposal_score: float | None = None
    based_on: str | None = None
    copied: bool = False
    complete: bool = False
    can_reopen: bool = False
    save: Save = "clean"
    maps: tuple[str, ...] = ()
    inside: Inside | None = None
    review: Review | None = None
    others: Others = field(default_factory=Others)
    tools: ToolFacts = field(default_factory=ToolFacts)


@dataclass(frozen=True)
class Facts:
    """Everything the session knows; `resolve` makes of it what is shown."""

    project: ProjectFacts | None = None
    case: OpenCase | None = None
    loading: str | None = None  # name of the case being read
    busy: str = ""  # a longer job in hand, in words
    run: str | None = None
    status: RunStatus | None = None
    stopping: str | None = None
    starting: bool = False
    silent: float | None = None  # seconds without a word of the run, where that is longer than usual
    growing: bool = True  # whether a person wants to see the proposal grow
    message: tuple[Level, str] | None = None
    devices: tuple[str, ...] = ("auto", "cpu")
    intent: Intent = field(default_factory=Intent)
    author: str = ""
    recent: tuple[Recent, ...] = ()
    tour: Place | None = None  # how far a person is on it
    offer_tour: bool = False  # it never was


@dataclass(frozen=True)
class CaseActions:
    """What can be done with the case on screen, and why not."""

    title: str = "No case open"
    save_text: str = ""
    save_failed: bool = False
    proposal_text: str = "No proposal yet: train first."
    proposal: str | None = None
    proposals: tuple[tuple[str, str], ...] = ()
    can_label: bool = False
    can_accept: bool = False
    can_correct: bool = False
    can_reopen: bool = False
    maps: tuple[str, ...] = ()


@dataclass(frozen=True)
class PanelState:
    """All that the panels draw."""

    title: str = "No project open"
    has_project: bool = False
    counts: str = ""
    progress: tuple[int, int] = (0, 0)  # labelled, all
    cases: tuple[CaseFacts, ...] = ()
    refused: tuple[Refused, ...] = ()
    frozen: bool = False  # the audit set
    carry_on: Continue | None = None
    recent: tuple[Recent, ...] = ()
    current: str | None = None
    classes: tuple[ClassFacts, ...] = ()
    actions: CaseActions = CaseActions()
    train: TrainView = field(default_factory=TrainView)
    run: RunView = field(default_factory=RunView)
    inside: InsideState = field(default_factory=InsideState)
    review: ReviewState = field(default_factory=ReviewState)
    tools: ToolState = field(default_factory=ToolState)
    others: OthersView = field(default_factory=OthersView)
    runs: tuple[RunLine, ...] = ()
    model: ModelView = field(default_factory=ModelView)
    next_case: str | None = None
    next_why: str = ""
    busy: str = ""
    message: tuple[Level, str] | None = None
    tour: TourView | None = None
    offer_tour: bool = False


def resolve(facts: Facts) -> PanelState:
    """What to show, given what is known. Pure."""
    project = facts.project
    if project is None:
        return PanelState(
            busy=facts.busy,
            message=facts.message,
            recent=facts.recent,
            tour=tour_view(facts.tour),
            offer_tour=facts.offer_tour,
        )
    usable = [c for c in project.cases if c.status not in UNUSABLE]
    labelled = sum(c.status == "labelled" for c in usable)
    following, here = _next(facts, project), facts.loading or (facts.case.name if facts.case else None)
    return PanelState(
        title=project.name,
        has_project=True,
        counts=_counts(usable),
        progress=(labelled, len(usable)),
        cases=project.cases,
        refused=project.refused,
        frozen=project.frozen,
        carry_on=None if here else continue_with(project.cases, facts.author, *following),
        recent=facts.recent,
        current=here,
        classes=project.classes,
        actions=_actions(facts),
        train=_train(facts, project),
        inside=_inside(facts, project),
        review=_review(facts, project),
        tools=_tools(facts),
        others=_others(facts),
        run=run_view(
            facts.run,
            facts.status,
            facts.stopping,
            facts.starting,
            project.stock,
            silent=facts.silent,
            growing=facts.growing,
            done=[c.name for c in project.cases if c.status == "labelled" or c.status in UNUSABLE],
        ),
        runs=run_lines(project, facts.run, facts.status),
        model=project.model,
        next_case=following[0],
        next_why=following[1],
        busy=f"Opening {facts.loading} …" if facts.loading else facts.busy,
        message=facts.message,
        tour=tour_view(facts.tour),
        offer_tour=facts.offer_tour,
    )


def _counts(usable: list[CaseFacts]) -> str:
    tally = Counter(c.status for c in usable)
    parts = [f"{tally['labelled']} of {len(usable)} labelled"]
    parts += [f"{tally['proposed']} {STATUS_TEXT['proposed']}"] if tally["proposed"] else []
    parts += [f"{tally['draft']} draft{'s' if tally['draft'] > 1 else ''}"] if tally["draft"] else []
    return " · ".join(parts)


def _next(facts: Facts, project: ProjectFacts) -> tuple[str | None, str]:
    here = facts.loading or (facts.case.name if facts.case else None)
    open_cases = {c.name for c in project.cases if c.status in ("new", "draft", "proposed") and not c.audit}
    for name, why in project.suggestions:
        if name in open_cases and name != here:
            return name, why
    rest = [c.name for c in project.cases if c.name in open_cases and c.name != here]
    return (rest[0], "next in the list") if rest else (None, "every case is labelled")


def _actions(facts: Facts) -> CaseActions:
    case = facts.case
    if case is None or facts.loading:
        return CaseActions(title=f"Opening {facts.loading} …" if facts.loading else "No case open")
    saves = {
        "clean": "Nothing to save",
        "unsaved": "Changes not saved yet",
        "saving": "Saving …",
        "saved": "Saved" if case.complete else "Draft saved",
        "failed": "NOT SAVED",
        "held": "NOT SAVED: choose below",
    }
    if case.proposal is None:
        proposal = "No proposal for this case yet. Train, and one will appear here."
    else:
        doubt = "" if case.proposal_score is None else f", doubt {case.proposal_score:.2f}"
        proposal = f"Proposal of {case.proposal}{doubt}"
        if case.complete and case.based_on == case.proposal:
            proposal += " – accepted."
        elif case.copied:
            proposal += " – copied into your labels; correct them, then accept."
        proposal += _other_proposals(case)
    return CaseActions(
        title=case.name,
        save_text=saves[case.save],
        save_failed=case.save in ("failed", "held"),
        proposal_text=proposal,
        proposal=case.proposal,
        proposals=case.proposals,
        can_label=True,
        can_accept=case.proposal is not None,
        can_correct=case.proposal is not None and not case.copied,
        can_reopen=case.complete and case.can_reopen,
        maps=case.maps,
    )


def _other_proposals(case: OpenCase) -> str:
    """Why the proposal on screen is not to be trusted, or why a newer one is not shown."""
    why = dict(case.proposals).get(case.proposal or "", "")
    if why:
        return f"\n⚠ {why}"
    newer = [run for run, _ in case.proposals]
    newer = newer[: newer.index(case.proposal)] if case.proposal in newer else []
    reasons = [f"\nNot shown: the newer one of {run}. {why}" for run, why in case.proposals if run in newer and why]
    return "".join(reasons)


def _train(facts: Facts, project: ProjectFacts) -> TrainView:
    running = facts.starting or (facts.status is not None and not facts.status.is_over)
    return train_view(project.stock, {run.name: run.dice for run in project.runs}, facts.intent, facts.devices, running)


def _inside(facts: Facts, project: ProjectFacts) -> InsideState:
    case = None if facts.loading else facts.case
    proposal, inside = (None, None) if case is None else (case.proposal, case.inside)
    return inside_state(project.stock.runs, proposal, inside, case is not None)


def _tools(facts: Facts) -> ToolState:
    case = facts.case
    if case is None or facts.loading:
        return ToolState()
    return ToolState(case.tools, True, case.review is not None and case.review.current is not None)


def _others(facts: Facts) -> OthersView:
    case = None if facts.loading else facts.case
    if case is None:
        return OthersView()
    return others_view(case.name, case.others, facts.author, save=case.save, complete=case.complete)


def _review(facts: Facts, project: ProjectFacts) -> ReviewState:
    case = facts.case
    if case is None or facts.loading:
        return ReviewState()
    return review_state(case.review, project.classes, case.proposals, case.proposal, case.name)
