"""What the earlier runs of a project tell about the next one: their networks and how fast they went. No torch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ..disk import names_in
from ..errors import MedSSLError
from ..methods.catalog import CATALOG
from ..project.champions import Decision, read_decisions
from ..project.inventory import read_inventory
from .digest import read_digest
from .journal import JOURNAL_NAME, say_damaged, say_short, say_unread
from .outcome import Outcome
from .pace import Pace
from .spec import SPEC_NAME, LabelledCase, Plan, read_spec

if TYPE_CHECKING:
    from ..project import Project

MODEL_NAME = "model.safetensors"


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
        What of its journal cannot be read or is missing, in a sentence; empty where all of it is there.
    is_short : bool
        Whether its journal is shorter than the run wrote it.
    lost_model : bool
        Whether it left a model that is gone, and nobody said to forget it.
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
    pace: Pace = field(default_factory=Pace)
    outcome: Outcome = field(default_factory=Outcome)
    has_model: bool = False
    chosen: Decision | None = None
    retired: str = ""
    unread: str = ""
    is_short: bool = False
    lost_model: bool = False

    @property
    def trouble(self) -> str:
        """What of it cannot be read or is gone, in a sentence or two; empty where it is whole."""
        model = (
            f"Run {self.run}: its model is gone; restore it from a backup, or train again." if self.lost_model else ""
        )
        return f"{self.unread} {model}".strip()


def read_history(project: Project) -> tuple[PastRun, ...]:
    """The runs of a project, oldest first; those that cannot be read are left out (see `unreadable_runs`)."""
    runs = []
    for name in project.runs():
        try:
            runs.append(mark_retired(read_past_run(project.run_folder(name)), project.retired_runs))
        except (MedSSLError, PermissionError):
            continue  # reserved and not written yet, or of a newer version
    return mark_chosen(sorted(runs, key=lambda run: run.pace.order), read_decisions(project.root))


def next_turn(runs: Path) -> int:
    """The `RunStarted.turn` of a run that begins now.

    Parameters
    ----------
    runs : Path
        The folder of all runs.
    """
    turns = [0]
    for name in names_in(runs):
        with suppress(OSError):
            turns.append(read_digest(runs / name / JOURNAL_NAME).pace.turn)
    return 1 + max(turns)


def unreadable_runs(project: Project) -> dict[str, str]:
    """Runs that are there and cannot be read, each with why, oldest first; those only reserved are not among them."""
    found = {}
    for name in project.runs():
        folder = project.run_folder(name)
        try:
            _read_spec(folder, _changed(folder))
        except MedSSLError as error:
            if _is_begun(folder):
                found[name] = str(error)
    return found


def _is_begun(folder: Path) -> bool:
    try:
        return any((folder / left).exists() for left in (SPEC_NAME, JOURNAL_NAME, MODEL_NAME))
    except PermissionError:
        return True


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
    journal = folder / JOURNAL_NAME
    told, noted = read_digest(journal), read_inventory(folder.parent.parent)
    ended, has_model = noted.runs.get(folder.name), (folder / MODEL_NAME).is_file()
    left_one = told.outcome.trained or (ended is not None and ended.model)
    short = say_short(journal, 0 if ended is None else ended.journal)
    return replace(
        _read_spec(folder, _changed(folder)),
        pace=told.pace,
        outcome=told.outcome,
        has_model=has_model,
        unread=short or say_unread(journal) or say_damaged(journal, told.damaged),
        is_short=bool(short),
        lost_model=left_one and not has_model and folder.name not in noted.forgotten,
    )


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
