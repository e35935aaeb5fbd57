"""The run on screen, in words. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from ..methods.catalog import method_info
from ..runs.guard import judge, wanted_comparison
from ..runs.outlook import Stock
from ..runs.status import CurvePoint, RunStatus
from ..runs.words import count, duration

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
    """A run as the Train page shows it.

    `progress` is None while nobody knows how long it takes. `verdict` says how it stands beside labels only, or how to
    know; `behind`, which run begins when this one is done.
    """

    visible: bool = False
    name: str = ""
    title: str = ""
    phase: str = ""
    progress: float | None = 0.0
    eta: str = ""
    begins_with: str = ""
    figures: str = ""
    verdict: str = ""
    is_worse: bool = False
    behind: str = ""
    tone: Level = "info"
    under_way: bool = False
    can_stop: bool = False
    can_resume: bool = False
    warnings: tuple[str, ...] = ()
    loss: tuple[CurvePoint, ...] = ()
    dice: tuple[CurvePoint, ...] = ()


def run_view(
    run: str | None, status: RunStatus | None, stopping: str | None, starting: bool, stock: Stock | None = None
) -> RunView:
    """How to show a run, given its newest status, what was asked of it and the runs there are."""
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
        behind=_behind(status, stock),
    )
    if status.is_over:
        verdict, worse = _verdict(run, stock)
        return replace(
            view,
            title=f"{ENDS.get(status.state, status.state)}: {run}",
            phase=status.message,
            progress=status.progress,
            tone="error" if status.state in ("failed", "lost") else "info",
            can_resume=status.state in ("paused", "lost"),
            verdict=verdict,
            is_worse=worse,
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


def _behind(status: RunStatus, stock: Stock | None) -> str:
    then = status.started.then if status.started is not None else None
    if then is None or status.state in ("completed", "stopped", "discarded"):
        return ""
    past = stock.past(then) if stock is not None else None
    length = f" ({duration(60 * past.minutes)})" if past is not None and past.minutes is not None else ""
    return f"Next: {then}{length}, which begins with what this one learns."


def _verdict(run: str, stock: Stock | None) -> tuple[str, bool]:
    """How a run stands beside labels only, or how to know; and whether it did worse."""
    past = stock.past(run) if stock is not None else None
    verdict = judge(past, stock.runs) if past is not None and stock is not None else None
    if past is None or stock is None or verdict is None:
        return "", False
    if verdict.is_worse:
        return f"⚠ {verdict.text} It is used only where you choose it.", True
    wish = wanted_comparison(past, stock)
    if wish is None:
        return verdict.text, False
    length = duration(60 * wish.minutes) if wish.minutes is not None else count(wish.steps or 0, "step")
    method = method_info(wish.method).title
    return f"To know whether the unlabelled scans helped: train “{method}” from scratch for {length}, too.", False


def _figures(status: RunStatus) -> str:
    figures = []
    if status.losses:
        figures.append(f"loss {status.losses.get('total', float('nan')):.3f}")
    if status.best_dice is not None:
        figures.append(f"Dice {status.best_dice:.3f} on held-out cases")
    if status.proposed:
        figures.append(f"{len(status.proposed)} proposals")
    return " · ".join(figures)
