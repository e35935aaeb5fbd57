"""The runs of a project as a table on the Train page: pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import PurePath

from ..runs.champion import Role
from ..runs.status import RunStatus
from ..runs.words import count, duration
from .facts import ProjectFacts, RunFacts

STATES = {
    "waiting": "waiting",
    "running": "training",
    "completed": "finished",
    "stopped": "stopped",
    "paused": "paused",
    "discarded": "discarded",
    "failed": "failed",
    "lost": "died",
    "unreadable": "cannot be read",
}
RESUMABLE = ("paused", "lost", "failed")


@dataclass(frozen=True)
class RunLine:
    """A run in the table.

    Attributes
    ----------
    role : str
        "in use", "candidate", "set aside" or "".
    beside : str
        How it stands beside labels only, in a word.
    length : str
        How long it lived.
    begins_with : str
        The run whose model it began with.
    is_worse : bool
        Whether it is marked.
    tip : str
        All there is to say of it.
    error, log : str
        What went wrong, if anything did, and where its process left details.
    """

    name: str
    state: str
    dice: str = ""
    beside: str = ""
    role: Role = ""
    length: str = ""
    begins_with: str = ""
    is_worse: bool = False
    tip: str = ""
    error: str = ""
    log: str = ""
    can_use: bool = False
    can_resume: bool = False

    @property
    def in_use(self) -> bool:
        """Whether its model is used where nobody names one."""
        return self.role == "in use"


def run_lines(
    project: ProjectFacts, followed: str | None = None, status: RunStatus | None = None
) -> tuple[RunLine, ...]:
    """The trainings of a project, newest first.

    Parameters
    ----------
    project : ProjectFacts
    followed, status
        The run on the screen and its newest status: it is further than when the project was looked at.
    """
    shown = []
    busy = status is not None and not status.is_over
    for run in reversed(project.runs):
        if run.name == followed and status is not None and status.started is not None:
            run = _newer(run, status)
        if run.task == "train":
            can_resume = not busy and run.state in RESUMABLE and (run.state != "failed" or run.checkpoint)
            shown.append(replace(_line(run), can_resume=can_resume))
    return tuple(shown)


def _newer(run: RunFacts, status: RunStatus) -> RunFacts:
    return replace(
        run,
        state=status.state,
        dice=status.best_dice,
        message=status.message,
        steps=status.step,
        seconds=status.seconds,
        checkpoint=run.checkpoint or status.checkpoint is not None,
    )


def _line(run: RunFacts) -> RunLine:
    verdict = run.verdict
    standing = verdict.standing if verdict is not None and verdict.standing is not None else ""
    worse = verdict is not None and verdict.is_worse
    broken = run.state in ("failed", "lost", "unreadable")
    said = [f"{run.name}: {STATES.get(run.state, run.state)}. {run.message}".strip()]
    if run.steps:
        said.append(f"{count(run.steps, 'step')} in {duration(run.seconds)}.")
    if run.begins_with:
        said.append(f"It began with what {PurePath(run.begins_with).name} learnt.")
    if verdict is not None:
        said.append(verdict.text)
    if worse:
        said.append("It is used only where you choose it.")
    if run.why:
        said.append(run.why)
    return RunLine(
        name=run.name,
        state=STATES.get(run.state, run.state),
        dice="" if run.dice is None else f"{run.dice:.3f}",
        beside=standing,
        role=run.role,
        length=duration(run.seconds) if run.seconds else "",
        begins_with=PurePath(run.begins_with).name,
        is_worse=worse,
        tip="\n".join(said),
        error=run.message if broken else "",
        log=run.log,
        can_use=run.has_model and run.role != "in use",
    )
