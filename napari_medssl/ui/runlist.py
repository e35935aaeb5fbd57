"""The runs of a project as a list on the Train page: pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..runs.status import RunStatus
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
}


@dataclass(frozen=True)
class RunLine:
    """A run in the list.

    Attributes
    ----------
    beside : str
        How it stands beside labels only, in a word.
    is_worse : bool
        Whether it is marked.
    in_use : bool
        Whether its model is used where nobody names one.
    tip : str
        All there is to say of it.
    """

    name: str
    state: str
    dice: str = ""
    beside: str = ""
    is_worse: bool = False
    in_use: bool = False
    tip: str = ""


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
    for run in reversed(project.runs):
        if run.name == followed and status is not None and status.started is not None:
            run = replace(run, state=status.state, dice=status.best_dice, message=status.message)
        if run.task == "train":
            shown.append(_line(run, project.model))
    return tuple(shown)


def _line(run: RunFacts, model: str | None) -> RunLine:
    verdict = run.verdict
    standing = verdict.standing if verdict is not None and verdict.standing is not None else ""
    worse = verdict is not None and verdict.is_worse
    said = [f"{run.name}: {STATES.get(run.state, run.state)}. {run.message}".strip()]
    if verdict is not None:
        said.append(verdict.text)
    if worse:
        said.append("It is used only where you choose it.")
    if run.name == model:
        said.append("Its model is used where you choose no other.")
    return RunLine(
        name=run.name,
        state=STATES.get(run.state, run.state),
        dice="" if run.dice is None else f"{run.dice:.3f}",
        beside=standing,
        is_worse=worse,
        in_use=run.name == model,
        tip="\n".join(said),
    )
