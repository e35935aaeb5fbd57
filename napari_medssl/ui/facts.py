"""What the session knows, read from the project in one go, off the event loop."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ..project import Refused, read_audit, read_refused
from ..project.classes import in_order
from ..runs.champion import Role, set_aside, tell_roles
from ..runs.digest import read_digest
from ..runs.drivers import LOG_NAME, ProcessDriver
from ..runs.guard import Verdict, judge_all
from ..runs.history import PastRun, unreadable_runs
from ..runs.journal import JOURNAL_NAME
from ..runs.lineage import is_model
from ..runs.outlook import Stock, take_stock
from ..runs.process import is_running, where_it_runs
from .casefacts import CaseFacts, read_case
from .modelview import ModelView, model_view

if TYPE_CHECKING:
    from ..project import Project


@dataclass(frozen=True)
class ClassFacts:
    """A structure to segment: voxel value, name, colour "#rrggbb", the digit that picks it, locked or not."""

    value: int
    name: str
    colour: str
    key: str = ""
    locked: bool = False


@dataclass(frozen=True)
class RunFacts:
    """A run.

    `dice` is that of the model it deploys, `verdict` how it compares with learning from labels only, `seconds` how long
    it lived, `begins_with` the run whose model it began with, `log` where its process wrote what nobody expected.
    `role` is what its model is (see `runs.champion.tell_roles`) and `why` that in a sentence.
    """

    name: str
    method: str
    state: str
    dice: float | None = None
    message: str = ""
    task: str = "train"
    verdict: Verdict | None = None
    steps: int = 0
    seconds: float = 0.0
    begins_with: str = ""
    checkpoint: bool = False
    log: str = ""
    has_model: bool = False
    role: Role = ""
    why: str = ""


@dataclass(frozen=True)
class ProjectFacts:
    """A project at one moment."""

    root: Path
    name: str
    classes: tuple[ClassFacts, ...] = ()
    cases: tuple[CaseFacts, ...] = ()
    runs: tuple[RunFacts, ...] = ()
    suggestions: tuple[tuple[str, str], ...] = ()  # (case, why), most worth a look first
    stock: Stock = field(default_factory=Stock)
    refused: tuple[Refused, ...] = ()  # files that were not taken
    frozen: bool = False  # the audit set
    model: ModelView = field(default_factory=ModelView)  # which is used where nobody names one
    taken: int = 0  # counts the snapshots, so that an old one never replaces a newer one


def read_facts(project: Project, taken: int = 0) -> ProjectFacts:
    """Look at a project: its cases, classes, runs, and which case to look at next.

    Takes up to some seconds with thousands of cases: not for the event loop.
    """
    project.refresh()
    stock = take_stock(project)
    avoid, verdicts, roles = set_aside(stock.runs), judge_all(stock.runs), tell_roles(stock.runs)
    cases = tuple(read_case(case, avoid) for case in project.cases())
    return ProjectFacts(
        root=Path(project.root),
        name=project.name,
        classes=tuple(ClassFacts(c.value, c.name, c.colour, c.key, c.locked) for c in in_order(project.classes)),
        cases=cases,
        refused=read_refused(project.root),
        frozen=read_audit(project.root) is not None,
        runs=(
            *(RunFacts(name, "", "unreadable", message=why) for name, why in unreadable_runs(project).items()),
            *(_run(project, past, verdicts.get(past.run), *roles.get(past.run, ("", ""))) for past in stock.runs),
        ),
        suggestions=_suggestions(project, cases, avoid),
        stock=stock,
        model=model_view(stock.runs),
        taken=taken,
    )


def _run(project: Project, past: PastRun, verdict: Verdict | None, role: Role, why: str) -> RunFacts:
    folder = project.run_folder(past.run)
    journal = folder / JOURNAL_NAME
    status = read_digest(journal).status
    if not status.is_over and not is_running(folder):  # it stands in line, or its process died
        status = ProcessDriver().attach(project.root, past.run).status()
    return RunFacts(
        name=past.run,
        method=past.method,
        state=status.state,
        dice=status.best_dice,
        message=f"{status.message or ('' if status.is_over else where_it_runs(folder))} {past.trouble}".strip(),
        task=past.task,
        verdict=verdict,
        steps=status.step,
        seconds=status.seconds,
        begins_with=past.start_from or "",
        checkpoint=status.checkpoint is not None,
        log=str(folder / LOG_NAME),
        has_model=is_model(past),
        role=role,
        why=why,
    )


def _suggestions(project: Project, cases: tuple[CaseFacts, ...], avoid: Collection[str]) -> tuple[tuple[str, str], ...]:
    from ..selection.candidates import candidate
    from ..selection.ranking import rank_cases

    found = (candidate(project.case(case.name), case.status, avoid) for case in cases)
    return tuple((s.case, s.reason) for s in rank_cases(one for one in found if one is not None))
