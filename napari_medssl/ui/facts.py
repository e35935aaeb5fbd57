"""What the session knows, read from the project in one go, off the event loop."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from ..runs.history import PastRun
from ..runs.journal import JOURNAL_NAME, replay
from ..runs.outlook import Stock, take_stock
from ..runs.status import RunStatus, fold

if TYPE_CHECKING:
    from ..project import Case, Project


@dataclass(frozen=True)
class ClassFacts:
    """A structure to segment: voxel value, name, colour "#rrggbb"."""

    value: int
    name: str
    colour: str


@dataclass(frozen=True)
class CaseFacts:
    """One line of the case list. `score` is the doubt of the newest proposal, None without one."""

    name: str
    status: str
    score: float | None = None
    patient: str = ""
    audit: bool = False
    note: str = ""


@dataclass(frozen=True)
class RunFacts:
    """A run: `dice` is the best one measured."""

    name: str
    method: str
    state: str
    dice: float | None = None


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
    taken: int = 0  # counts the snapshots, so that an old one never replaces a newer one


def read_facts(project: Project, taken: int = 0) -> ProjectFacts:
    """Look at a project: its cases, classes, runs, and which case to look at next.

    Takes up to some seconds with thousands of cases: not for the event loop.
    """
    project.refresh()
    cases = tuple(_case(case) for case in project.cases())
    stock = take_stock(project)
    return ProjectFacts(
        root=Path(project.root),
        name=project.name,
        classes=tuple(ClassFacts(c.value, c.name, c.colour) for c in project.classes),
        cases=cases,
        runs=tuple(_run(project, past) for past in stock.runs),
        suggestions=_suggestions(project, cases),
        stock=stock,
        taken=taken,
    )


def _case(case: Case) -> CaseFacts:
    proposal = None if case.status == "new" else case.latest_proposal()
    return CaseFacts(
        name=case.name,
        status=case.status,
        score=None if proposal is None else float(proposal.score),
        patient=case.patient or "",
        audit=case.role == "audit",
        note=case.excluded or "",
    )


def _run(project: Project, past: PastRun) -> RunFacts:
    journal = project.run_folder(past.run) / JOURNAL_NAME
    status = _fold_journal(journal, journal.stat().st_size) if journal.is_file() else RunStatus()
    return RunFacts(name=past.run, method=past.method, state=status.state, dice=status.best_dice)


@lru_cache(maxsize=256)
def _fold_journal(path: Path, size: int) -> RunStatus:
    """The status a journal of that size tells; a journal only grows."""
    return fold(replay(path))


def _suggestions(project: Project, cases: tuple[CaseFacts, ...]) -> tuple[tuple[str, str], ...]:
    from ..selection.candidates import candidate
    from ..selection.ranking import rank_cases

    found = (candidate(project.case(case.name), case.status) for case in cases)
    return tuple((s.case, s.reason) for s in rank_cases(one for one in found if one is not None))
