"""What the session knows, read from the project in one go, off the event loop."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import MedSSLError
from ..runs.journal import JOURNAL_NAME, replay
from ..runs.spec import read_spec
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
    """A run: `dice` is the best one measured, `has_model` says that one can start from it, `began` when it began."""

    name: str
    method: str
    state: str
    dice: float | None = None
    has_model: bool = False
    task: str = "train"
    began: float = 0.0


@dataclass(frozen=True)
class ProjectFacts:
    """A project at one moment."""

    root: Path
    name: str
    classes: tuple[ClassFacts, ...] = ()
    cases: tuple[CaseFacts, ...] = ()
    runs: tuple[RunFacts, ...] = ()
    suggestions: tuple[tuple[str, str], ...] = ()  # (case, why), most worth a look first
    taken: int = 0  # counts the snapshots, so that an old one never replaces a newer one


def read_facts(project: Project, taken: int = 0) -> ProjectFacts:
    """Look at a project: its cases, classes, runs, and which case to look at next.

    Takes up to some seconds with thousands of cases: not for the event loop.
    """
    project.refresh()
    cases = tuple(_case(case) for case in project.cases())
    return ProjectFacts(
        root=Path(project.root),
        name=project.name,
        classes=tuple(ClassFacts(c.value, c.name, c.colour) for c in project.classes),
        cases=cases,
        runs=tuple(sorted(filter(None, (_run(project, name) for name in project.runs())), key=lambda run: run.began)),
        suggestions=_suggestions(project, cases),
        taken=taken,
    )


def last_model(facts: ProjectFacts) -> str | None:
    """The newest training run that left a model."""
    return next((run.name for run in reversed(facts.runs) if run.has_model and run.task == "train"), None)


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


def _run(project: Project, name: str) -> RunFacts | None:
    folder = project.run_folder(name)
    try:
        spec = read_spec(folder)
    except MedSSLError:
        return None  # reserved and never written, or of a newer version: nothing to show
    journal = folder / JOURNAL_NAME
    status = _fold_journal(journal, journal.stat().st_size) if journal.is_file() else RunStatus()
    return RunFacts(
        name=name,
        method=spec.method,
        state=status.state,
        dice=status.best_dice,
        has_model=(folder / "model.safetensors").is_file(),
        task=spec.task,
        began=status.started.at if status.started else float("inf"),
    )


@lru_cache(maxsize=256)
def _fold_journal(path: Path, size: int) -> RunStatus:
    """The status a journal of that size tells; a journal only grows."""
    return fold(replay(path))


def _suggestions(project: Project, cases: tuple[CaseFacts, ...]) -> tuple[tuple[str, str], ...]:
    from ..selection.candidates import candidate
    from ..selection.ranking import rank_cases

    found = (candidate(project.case(case.name), case.status) for case in cases)
    return tuple((s.case, s.reason) for s in rank_cases(one for one in found if one is not None))
