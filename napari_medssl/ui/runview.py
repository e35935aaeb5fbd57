"""The run on screen, in words. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from ..methods.catalog import CATALOG, method_info
from ..runs.guard import judge, wanted_comparison
from ..runs.outlook import Stock
from ..runs.status import CurvePoint, RunStatus
from ..runs.trend import dice_trend, loss_trend
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
WISHES = {"keep": "Stopping", "pause": "Pausing", "discard": "Discarding"}
PROPOSING = "propose"  # the phase


@dataclass(frozen=True)
class RunView:
    """A run as the Train page shows it.

    `progress` is None while nobody knows how long it takes. `verdict` says how it stands beside labels only, or how to
    know; `behind`, which run begins when this one is done; `silence`, that it has said nothing for too long; `then`,
    what to do now that it is over. `can_grow` says whether the proposal of the case on the screen may be watched as it
    grows, `grows` whether it is, `growth` how far.
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
    silence: str = ""
    then: str = ""
    can_grow: bool = False
    grows: bool = True
    growth: str = ""
    tone: Level = "info"
    under_way: bool = False
    can_stop: bool = False
    can_resume: bool = False
    warnings: Sequence[str] = ()
    loss: Sequence[CurvePoint] = ()
    dice: Sequence[CurvePoint] = ()

    @property
    def ending(self) -> str:
        """How it ended and what to do next, for somebody who does not look at the page."""
        return " ".join(words for words in (f"{self.title}.", self.phase, self.then) if words)


def run_view(
    run: str | None,
    status: RunStatus | None,
    stopping: str | None,
    starting: bool,
    stock: Stock | None = None,
    *,
    silent: float | None = None,
    growing: bool = True,
    done: Collection[str] = (),
) -> RunView:
    """How to show a run.

    Parameters
    ----------
    run, status
        Its name and newest status.
    stopping : str or None
        What was asked of it and is not done yet: "keep", "pause" or "discard".
    starting : bool
        It was asked for, and its process is not there yet.
    stock : Stock, optional
        The runs there are.
    silent : float or None
        Seconds without a word of it, where that is longer than usual.
    growing : bool
        Whether a person wants to see the proposal grow.
    done : collection of str
        Cases that are labelled or left out by now: no proposal waits there.
    """
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
            can_resume=status.state in ("paused", "lost") or (status.state == "failed" and bool(status.checkpoint)),
            verdict=verdict,
            is_worse=worse,
            then=_then(status, done),
        )
    waiting = status.state == "waiting" or (status.progress == 0 and status.step == 0)
    phase = status.phase_title or "Starting the training process"
    if status.proposed:
        phase = f"{phase}: {len(status.proposed)} of {status.proposed[-1].total}"
    return replace(
        view,
        title=f"Training {run}",
        phase=_answer(stopping, status) if stopping else phase,
        silence=_silence(silent),
        can_grow=_segments(status) and status.phase != PROPOSING,
        grows=growing,
        growth=_growth(status) if growing else "",
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
        trend = "" if status.is_over or status.phase == PROPOSING else f": {loss_trend(status)}"
        figures.append(f"Loss {status.losses.get('total', float('nan')):.3f}{trend}")
    if status.best_dice is not None:
        trend = "" if status.phase == PROPOSING and not status.is_over else f": {dice_trend(status)}"
        figures.append(f"Dice {status.best_dice:.3f} on held-out cases{trend}")
    if status.proposed:
        figures.append(count(len(status.proposed), "proposal"))
    return "\n".join(figures)


def _answer(stopping: str, status: RunStatus) -> str:
    """What was asked for is under way, and when it will be done."""
    wish = WISHES[stopping]
    if status.started is None or not status.phase:
        return f"{wish} as soon as it has looked at the scans …"
    if status.phase == PROPOSING:
        return f"{wish} after this case{_about(max((p.seconds for p in status.proposed[-3:]), default=0.0))} …"
    then = ", then proposing" if stopping == "keep" and _segments(status) else ""
    return f"{wish} after this step{_about(status.step_seconds)}{then} …"


def _about(seconds: float) -> str:
    return f" (about {seconds:.0f} s)" if seconds >= 1 else ""


def _silence(silent: float | None) -> str:
    if silent is None:
        return ""
    return (
        f"⚠ No word for {duration(silent)}. The computer may be short of memory or busy with something else. Wait, or "
        "stop it; its log is among the runs below (More)."
    )


def _segments(status: RunStatus) -> bool:
    started = status.started
    if started is None or started.task != "train":
        return False
    info = CATALOG.get(started.method)
    return info is not None and info.segments


def _growth(status: RunStatus) -> str:
    return "" if status.preview is None else f"{status.preview.case} at step {status.preview.step:,}"


def _then(status: RunStatus, done: Collection[str]) -> str:
    """What to do now that a run is over."""
    cases = len({one.case for one in status.proposed} - set(done))
    match status.state:
        case "completed" | "stopped" if cases:
            return f"{count(cases, 'proposal')} {'is' if cases == 1 else 'are'} waiting: Alt+G opens the next case."
        case "completed" | "stopped" if status.started is not None and not _segments(status) and status.model:
            return "Label a few scans, then train on labels: it begins with what this run learnt."
        case "paused":
            return "Resume goes on exactly where it was."
        case "lost" | "failed" if status.checkpoint:
            return "Resume goes on from its last checkpoint. Its log is among the runs below (More)."
        case "failed":
            return "Mend that and train again. Its log is among the runs below (More)."
    return ""
