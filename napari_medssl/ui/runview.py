"""The run on screen, in words. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from ..runs.status import CurvePoint, RunStatus
from ..runs.words import duration

Level = Literal["info", "warning", "error"]
ENDS = {
    "completed": "Finished",
    "stopped": "Stopped, model kept",
    "paused": "Paused",
    "discarded": "Discarded",
    "failed": "Failed",
    "lost": "The training process died",
}
WISHES = {
    "keep": "Stopping after this step, then proposing …",
    "pause": "Pausing after this step …",
    "discard": "Discarding after this step …",
}


@dataclass(frozen=True)
class RunView:
    """A run as the Train page shows it. `progress` is None while nobody knows how long it takes."""

    visible: bool = False
    name: str = ""
    title: str = ""
    phase: str = ""
    progress: float | None = 0.0
    eta: str = ""
    begins_with: str = ""
    figures: str = ""
    tone: Level = "info"
    under_way: bool = False
    can_stop: bool = False
    can_resume: bool = False
    warnings: tuple[str, ...] = ()
    loss: tuple[CurvePoint, ...] = ()
    dice: tuple[CurvePoint, ...] = ()


def run_view(run: str | None, status: RunStatus | None, stopping: str | None, starting: bool) -> RunView:
    """How to show a run, given its newest status and what was asked of it."""
    if starting and status is None:
        return RunView(
            visible=True, title="Starting …", phase="Starting the training process", progress=None, under_way=True
        )
    if status is None or run is None:
        return RunView()
    view = RunView(
        visible=True,
        name=run,
        begins_with=status.begins_with,
        figures=_figures(status),
        warnings=status.warnings,
        loss=status.loss,
        dice=status.dice,
    )
    if status.is_over:
        return replace(
            view,
            title=f"{ENDS.get(status.state, status.state)}: {run}",
            phase=status.message,
            progress=status.progress,
            tone="error" if status.state in ("failed", "lost") else "info",
            can_resume=status.state in ("paused", "lost"),
        )
    waiting = status.state == "waiting" or (status.progress == 0 and status.step == 0)
    phase = status.phase_title or "Starting the training process"
    if status.proposed:
        phase = f"{phase}: {len(status.proposed)} of {status.proposed[-1].total}"
    return replace(
        view,
        title=f"Training {run}",
        phase=WISHES[stopping] if stopping else phase,
        progress=None if waiting else min(1.0, status.progress),
        eta="" if status.eta_seconds is None or waiting else f"about {duration(status.eta_seconds)} left",
        under_way=True,
        can_stop=stopping is None,
    )


def _figures(status: RunStatus) -> str:
    figures = []
    if status.losses:
        figures.append(f"loss {status.losses.get('total', float('nan')):.3f}")
    if status.best_dice is not None:
        figures.append(f"Dice {status.best_dice:.3f} on held-out cases")
    if status.proposed:
        figures.append(f"{len(status.proposed)} proposals")
    return " · ".join(figures)
