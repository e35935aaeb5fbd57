"""What the earlier runs of a project tell about the next one: their networks and how fast they went. No torch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ..errors import MedSSLError
from ..methods.catalog import CATALOG
from ..project.champions import Decision, read_decisions
from .events import Proposed, RunEvent, RunStarted, Stepped
from .journal import JOURNAL_NAME, JournalReader, say_damaged
from .outcome import Outcome, tell_outcome
from .spec import SPEC_NAME, LabelledCase, Plan, read_spec

if TYPE_CHECKING:
    from ..project import Project

MODEL_NAME = "model.safetensors"


@dataclass(frozen=True)
class Pace:
    """How fast a run went, by the clock of its journal.

    Attributes
    ----------
    began : float
        When it was last started or resumed; infinite where it never was.
    step_seconds : float or None
        From step to step, with everything that happens in between; None where it made none.
    case_seconds : float or None
        Per proposal; None where it made none.
    """

    began: float = float("inf")
    step_seconds: float | None = None
    case_seconds: float | None = None


@dataclass(frozen=True)
class PastRun:
    """A run that was asked for: its spec without the unlabelled cases, and what its journal says.

    Attributes
    ----------
    labelled, held_out : frozenset of LabelledCase
        What it learnt from, and what it was measured on.
    then : str or None
        The run that begins when this one is done.
    retired : str
        How the classes changed since it learnt them, in words; its model is of no use then. Empty where they did not.
    chosen : Decision or None
        Who decided that its model is to be used; of all runs of a project, one at most.
    unread : str
        What of its journal cannot be read, in a sentence; empty where all of it can.
    """

    run: str
    task: str
    method: str
    preset: Literal["auto", "paper"]
    device: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    minutes: float | None = None
    start_from: str | None = None
    then: str | None = None
    labelled: frozenset[LabelledCase] = frozenset()
    held_out: frozenset[LabelledCase] = frozenset()
    plan: Plan | None = None
    pace: Pace = Pace()
    outcome: Outcome = field(default_factory=Outcome)
    has_model: bool = False
    chosen: Decision | None = None
    retired: str = ""
    unread: str = ""


def read_history(project: Project) -> tuple[PastRun, ...]:
    """The runs of a project, oldest first; those that cannot be read are left out (see `unreadable_runs`)."""
    runs = []
    for name in project.runs():
        try:
            runs.append(mark_retired(read_past_run(project.run_folder(name)), project.retired_runs))
        except MedSSLError:
            continue  # reserved and not written yet, or of a newer version
    return mark_chosen(sorted(runs, key=lambda run: run.pace.began), read_decisions(project.root))


def unreadable_runs(project: Project) -> dict[str, str]:
    """Runs that are there and cannot be read, each with why, oldest first; those only reserved are not among them."""
    found = {}
    for name in project.runs():
        folder = project.run_folder(name)
        try:
            _read_spec(folder, _changed(folder))
        except MedSSLError as error:
            if any((folder / left).exists() for left in (SPEC_NAME, JOURNAL_NAME, MODEL_NAME)):
                found[name] = str(error)
    return found


def mark_chosen(runs: Iterable[PastRun], decisions: Sequence[Decision]) -> tuple[PastRun, ...]:
    """The same runs; the one of the newest decision whose run still has a model says so. Pure.

    Parameters
    ----------
    runs : iterable of PastRun
    decisions : sequence of Decision
        Oldest first. One that leaves the choice to the program ends those before it.
    """
    runs = tuple(runs)
    models = {past.run for past in runs if past.has_model}
    newest = next((one for one in reversed(decisions) if one.run is None or one.run in models), None)
    if newest is None or newest.run is None:
        return runs
    return tuple(replace(past, chosen=newest) if past.run == newest.run else past for past in runs)


def mark_retired(past: PastRun, retired: Mapping[str, str]) -> PastRun:
    """The same run; it says so where it learnt classes that changed since. What knows no classes is never retired.

    Parameters
    ----------
    past : PastRun
    retired : mapping of str to str
        `Project.retired_runs`.
    """
    info = CATALOG.get(past.method)
    return past if info is None or not info.segments else replace(past, retired=retired.get(past.run, ""))


def read_past_run(folder: Path) -> PastRun:
    """The run of a folder.

    Raises
    ------
    SpecError
        When there is none, or it is unreadable.
    """
    changed = _changed(folder)
    journal = folder / JOURNAL_NAME
    there = journal.is_file()
    pace, outcome, unread = _read_journal(journal, journal.stat().st_size) if there else (Pace(), Outcome(), "")
    has_model = (folder / MODEL_NAME).is_file()
    return replace(_read_spec(folder, changed), pace=pace, outcome=outcome, has_model=has_model, unread=unread)


def _changed(folder: Path) -> int:
    try:
        return (folder / SPEC_NAME).stat().st_mtime_ns
    except OSError:
        return 0  # to be told in the words of `read_spec`


@lru_cache(maxsize=256)
def _read_spec(folder: Path, changed: int) -> PastRun:
    """What a spec of that age says; it names every case, so it is not read each time."""
    spec = read_spec(folder)
    return PastRun(
        run=spec.run,
        task=spec.task,
        method=spec.method,
        preset=spec.preset,
        device=spec.device,
        settings=spec.settings,
        minutes=spec.budget.minutes,
        start_from=spec.start_from,
        then=spec.then,
        labelled=frozenset(spec.labelled),
        held_out=frozenset(spec.held_out),
        plan=spec.plan,
    )


def measure(events: Iterable[RunEvent]) -> Pace:
    """How fast a run went. The gaps between its lives, when it was paused, do not count."""
    began = float("inf")
    seconds = steps = 0.0
    said: list[float] = []
    cases: list[float] = []
    last: Stepped | None = None
    for event in events:
        match event:
            case RunStarted():
                began, last = event.at, None
            case Stepped():
                said.append(event.step_seconds)
                if last is not None and event.step > last.step:
                    seconds += event.at - last.at
                    steps += event.step - last.step
                last = event
            case Proposed() if event.seconds > 0:
                cases.append(event.seconds)
    step_seconds = seconds / steps if steps else max(said, default=0.0)
    return Pace(began, step_seconds or None, sum(cases) / len(cases) if cases else None)


@lru_cache(maxsize=256)
def _read_journal(journal: Path, size: int) -> tuple[Pace, Outcome, str]:
    """What a journal of that size tells; a journal only grows."""
    reader = JournalReader(journal)
    events = reader.read()
    return measure(events), tell_outcome(events), say_damaged(journal, reader.damaged)
