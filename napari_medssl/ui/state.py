"""What the panels show: one frozen value, resolved from what is known. No Qt, no files, no clocks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from ..methods.catalog import CATALOG, MethodInfo
from ..runs.status import CurvePoint, RunStatus
from .facts import CaseFacts, ClassFacts, ProjectFacts, RunFacts, last_model

Save = Literal["clean", "unsaved", "saving", "saved", "failed"]
Level = Literal["info", "warning", "error"]

STATUS_TEXT: Mapping[str, str] = {
    "new": "not labelled",
    "draft": "draft",
    "labelled": "labelled",
    "proposed": "to review",
    "excluded": "left out",
    "missing": "file missing",
}


@dataclass(frozen=True)
class OpenCase:
    """The case on screen. `based_on` is the run whose proposal its labels began as, None when drawn freely."""

    name: str
    proposal: str | None = None
    proposal_score: float | None = None
    based_on: str | None = None
    copied: bool = False
    complete: bool = False
    save: Save = "clean"
    maps: tuple[str, ...] = ()


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
    message: tuple[Level, str] | None = None
    devices: tuple[str, ...] = ("auto", "cpu")


@dataclass(frozen=True)
class MethodChoice:
    """A line of the method list; `blocked` says why it cannot be chosen now."""

    name: str
    title: str
    help: str
    blocked: str = ""


@dataclass(frozen=True)
class TrainView:
    """The training page."""

    methods: tuple[MethodChoice, ...] = ()
    starts: tuple[tuple[str, str], ...] = ()  # (run or "", what to show)
    start_default: str = ""
    devices: tuple[str, ...] = ("auto",)
    can_train: bool = False
    hint: str = ""


@dataclass(frozen=True)
class RunView:
    """The run on screen, in words."""

    visible: bool = False
    name: str = ""
    title: str = ""
    phase: str = ""
    progress: float | None = 0.0  # None: busy, length unknown
    eta: str = ""
    figures: str = ""
    tone: Level = "info"
    under_way: bool = False
    can_stop: bool = False
    can_resume: bool = False
    warnings: tuple[str, ...] = ()
    loss: tuple[CurvePoint, ...] = ()
    dice: tuple[CurvePoint, ...] = ()


@dataclass(frozen=True)
class CaseActions:
    """What can be done with the case on screen, and why not."""

    title: str = "No case open"
    save_text: str = ""
    save_failed: bool = False
    proposal_text: str = "No proposal yet: train first."
    can_label: bool = False
    can_accept: bool = False
    can_correct: bool = False
    maps: tuple[str, ...] = ()


@dataclass(frozen=True)
class PanelState:
    """All that the panels draw."""

    title: str = "No project open"
    has_project: bool = False
    counts: str = ""
    progress: tuple[int, int] = (0, 0)  # labelled, all
    cases: tuple[CaseFacts, ...] = ()
    current: str | None = None
    classes: tuple[ClassFacts, ...] = ()
    actions: CaseActions = CaseActions()
    train: TrainView = TrainView()
    run: RunView = RunView()
    next_case: str | None = None
    next_why: str = ""
    busy: str = ""
    message: tuple[Level, str] | None = field(default=None)


def resolve(facts: Facts) -> PanelState:
    """What to show, given what is known. Pure."""
    project = facts.project
    if project is None:
        return PanelState(busy=facts.busy, message=facts.message)
    usable = [c for c in project.cases if c.status not in ("excluded", "missing")]
    labelled = sum(c.status == "labelled" for c in usable)
    following = _next(facts, project)
    return PanelState(
        title=project.name,
        has_project=True,
        counts=_counts(usable),
        progress=(labelled, len(usable)),
        cases=project.cases,
        current=facts.loading or (facts.case.name if facts.case else None),
        classes=project.classes,
        actions=_actions(facts),
        train=_train(facts, project, usable),
        run=_run(facts),
        next_case=following[0],
        next_why=following[1],
        busy=f"Opening {facts.loading} …" if facts.loading else facts.busy,
        message=facts.message,
    )


def duration(seconds: float) -> str:
    """A span of time as a person would say it."""
    if seconds < 50:
        return f"{max(5, round(seconds / 5) * 5)} s"
    if seconds < 3570:
        return f"{max(1, round(seconds / 60))} min"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min"


def _counts(usable: list[CaseFacts]) -> str:
    tally = {status: sum(c.status == status for c in usable) for status in STATUS_TEXT}
    parts = [f"{tally['labelled']} of {len(usable)} labelled"]
    parts += [f"{tally[s]} {STATUS_TEXT[s]}" for s in ("proposed", "draft") if tally[s]]
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
    }
    if case.proposal is None:
        proposal = "No proposal for this case yet. Train, and one will appear here."
    else:
        doubt = "" if case.proposal_score is None else f", doubt {case.proposal_score:.2f}"
        proposal = f"Proposal of {case.proposal}{doubt}"
        if case.copied:
            proposal += " – copied into your labels; correct them, then accept."
    return CaseActions(
        title=case.name,
        save_text=saves[case.save],
        save_failed=case.save == "failed",
        proposal_text=proposal,
        can_label=True,
        can_accept=case.proposal is not None,
        can_correct=case.proposal is not None and not case.copied,
        maps=case.maps,
    )


def _train(facts: Facts, project: ProjectFacts, usable: list[CaseFacts]) -> TrainView:
    pool = [c for c in usable if not c.audit]
    labelled = sum(c.status in ("labelled", "draft") for c in pool)
    unlabelled = len(pool) - labelled
    methods = tuple(
        MethodChoice(
            info.name, info.title, f"{info.summary}\n\nNot when: {info.not_when}", _blocked(info, labelled, unlabelled)
        )
        for info in CATALOG.values()
    )
    running = facts.starting or (facts.status is not None and not facts.status.is_over)
    able = any(not m.blocked for m in methods)
    hint = ""
    if not project.classes:
        hint, able = "Name at least one structure to segment first.", False
    elif not able:
        hint = methods[0].blocked
    elif running:
        hint = "One training at a time: go on labelling meanwhile."
    starts = [("", "From scratch")]
    starts += [(r.name, _start_text(r)) for r in reversed(project.runs) if r.has_model]
    return TrainView(
        methods=methods,
        starts=tuple(starts),
        start_default=last_model(project) or "",
        devices=facts.devices,
        can_train=able and not running,
        hint=hint,
    )


def _start_text(run: RunFacts) -> str:
    return f"Go on from {run.name}" + ("" if run.dice is None else f" (Dice {run.dice:.2f})")


def _blocked(info: MethodInfo, labelled: int, unlabelled: int) -> str:
    if labelled < info.needs_labelled:
        missing = info.needs_labelled - labelled
        return f"Label {missing} more scan{'s' if missing > 1 else ''} first (this method needs {info.needs_labelled})."
    if unlabelled < info.needs_unlabelled:
        return f"This method needs {info.needs_unlabelled} unlabelled scans; {unlabelled or 'none'} there."
    return ""


def _run(facts: Facts) -> RunView:
    status = facts.status
    if facts.starting and status is None:
        return RunView(
            visible=True, title="Starting …", phase="Starting the training process", progress=None, under_way=True
        )
    if status is None or facts.run is None:
        return RunView()
    common = {"visible": True, "name": facts.run, "warnings": status.warnings, "loss": status.loss, "dice": status.dice}
    figures = []
    if status.losses:
        figures.append(f"loss {status.losses.get('total', float('nan')):.3f}")
    if status.best_dice is not None:
        figures.append(f"Dice {status.best_dice:.3f} on held-out cases")
    if status.proposed:
        figures.append(f"{len(status.proposed)} proposals")
    text = " · ".join(figures)
    if not status.is_over:
        waiting = status.state == "waiting" or (status.progress == 0 and status.step == 0)
        phase = status.phase_title or "Starting the training process"
        if facts.stopping:
            wish = {"keep": "Stopping after this step, then proposing", "pause": "Pausing after this step"}
            phase = f"{wish.get(facts.stopping, 'Discarding after this step')} …"
        elif status.proposed:
            last = status.proposed[-1]
            phase = f"{phase}: {last.index + 1} of {last.total}"
        eta = "" if status.eta_seconds is None or waiting else f"about {duration(status.eta_seconds)} left"
        progress = None if waiting else min(1.0, status.progress)
        return RunView(
            title=f"Training {facts.run}", phase=phase, progress=progress, eta=eta, figures=text,
            under_way=True, can_stop=facts.stopping is None, **common,
        )  # fmt: skip
    ends = {
        "completed": "Finished",
        "stopped": "Stopped, model kept",
        "paused": "Paused",
        "discarded": "Discarded",
        "failed": "Failed",
        "lost": "The training process died",
    }
    tone: Level = "error" if status.state in ("failed", "lost") else "info"
    return RunView(
        title=f"{ends.get(status.state, status.state)}: {facts.run}",
        phase=status.message,
        progress=status.progress,
        figures=text,
        tone=tone,
        can_resume=status.state in ("paused", "lost"),
        **common,
    )
