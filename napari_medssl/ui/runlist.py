"""The runs of a project as a table on the Train page, and the model in use: pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import PurePath

from ..runs.champion import Role, candidates, chosen_run, model_before, model_to_use, tell_roles
from ..runs.guard import is_model
from ..runs.history import PastRun
from ..runs.outlook import Stock
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


@dataclass(frozen=True)
class ModelView:
    """The model in use, the candidates, and the way back.

    Attributes
    ----------
    text : str
        Which one it is, and who decided.
    news : tuple of str
        What there is to say of candidates, a sentence each.
    better : str
        The candidate to use instead: the newest that did better; empty without one.
    back : str
        The run to go back to; empty without one.
    is_chosen : bool
        Whether a person chose, so that the choice can be left to the program again.
    """

    text: str = ""
    news: tuple[str, ...] = ()
    better: str = ""
    back: str = ""
    is_chosen: bool = False


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
    shown, roles = [], tell_roles(project.stock.runs)
    busy = status is not None and not status.is_over
    for run in reversed(project.runs):
        if run.name == followed and status is not None and status.started is not None:
            run = _newer(run, status)
        if run.task == "train":
            role, why = roles.get(run.name, ("", ""))
            past = project.stock.past(run.name)
            can_use = past is not None and is_model(past) and role != "in use"
            can_resume = not busy and run.state in RESUMABLE and (run.state != "failed" or run.checkpoint)
            line = _line(run, role, why)
            shown.append(replace(line, can_use=can_use, can_resume=can_resume))
    return tuple(shown)


def model_view(stock: Stock) -> ModelView:
    """The model in use, the candidates, and the way back."""
    runs = stock.runs
    model, newer, before = model_to_use(runs), candidates(runs), model_before(runs)
    if model is None:
        return ModelView()
    better = next((one.run for one in newer if one.standing == "better"), "")
    return ModelView(
        text=f"In use: {model.run} ({_decided(model)}).",
        news=tuple(one.text for one in newer),
        better=better,
        back="" if before is None else before.run,
        is_chosen=chosen_run(runs) is not None,
    )


def _decided(model: PastRun) -> str:
    if model.chosen is None:
        return "the newest that did not do worse"
    when = f" on {model.chosen.time[:10]}" if model.chosen.time else ""
    return f"{model.chosen.author or 'a person'} chose it{when}"


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


def _line(run: RunFacts, role: Role, why: str) -> RunLine:
    verdict = run.verdict
    standing = verdict.standing if verdict is not None and verdict.standing is not None else ""
    worse = verdict is not None and verdict.is_worse
    broken = run.state in ("failed", "lost")
    said = [f"{run.name}: {STATES.get(run.state, run.state)}. {run.message}".strip()]
    if run.steps:
        said.append(f"{count(run.steps, 'step')} in {duration(run.seconds)}.")
    if run.begins_with:
        said.append(f"It began with what {PurePath(run.begins_with).name} learnt.")
    if verdict is not None:
        said.append(verdict.text)
    if worse:
        said.append("It is used only where you choose it.")
    if why and why not in said:
        said.append(why)
    return RunLine(
        name=run.name,
        state=STATES.get(run.state, run.state),
        dice="" if run.dice is None else f"{run.dice:.3f}",
        beside=standing,
        role=role,
        length=duration(run.seconds) if run.seconds else "",
        begins_with=PurePath(run.begins_with).name,
        is_worse=worse,
        tip="\n".join(said),
        error=run.message if broken else "",
        log=run.log,
    )
