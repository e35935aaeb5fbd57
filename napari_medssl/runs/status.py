"""A run's status is a pure fold over its events: nothing else is remembered, so a replay gives the same picture."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any, Literal

from .events import (
    CheckpointSaved,
    PhaseStarted,
    Previewed,
    Proposed,
    RunEvent,
    RunFinished,
    RunStarted,
    Stepped,
    Validated,
    Warned,
)
from .pace import gap
from .trail import Trail, plus

State = Literal["waiting", "running", "completed", "stopped", "paused", "discarded", "failed", "lost"]


@dataclass(frozen=True)
class CurvePoint:
    """One point of a curve: `step`, seconds that the run has lived (pauses left out), value."""

    step: int
    seconds: float
    value: float


@dataclass(frozen=True)
class RunStatus:
    """Everything a screen shows of one run.

    `state` is "lost" only when a driver found the process dead without a last event. `phases` are the titles;
    `phase_index` counts into them. `loss` and `dice` are the curves to draw; `best_dice` is that of the model which
    is deployed. `waits_for` is the run after which this one, not begun yet, comes. `phase_step` is the step at
    which the phase began; `lived` the seconds that the run had lived when its process was last started, `life`
    those since; `step_seconds` how long a step takes now; `preview` the newest look at how the proposal of a case
    grows.
    """

    state: State = "waiting"
    started: RunStarted | None = None
    phase: str = ""
    phase_title: str = ""
    phase_index: int = 0
    phase_step: int = 0
    step: int = 0
    step_seconds: float = 0.0
    progress: float = 0.0
    eta_seconds: float | None = None
    losses: Mapping[str, float] | None = None
    loss: Sequence[CurvePoint] = ()
    dice: Sequence[CurvePoint] = ()
    last_validated: Validated | None = None
    best_dice: float | None = None
    checkpoint: str | None = None
    model: str | None = None
    proposed: Sequence[Proposed] = ()
    warnings: Sequence[str] = ()
    begins_with: str = ""
    preview: Previewed | None = None
    lived: float = 0.0
    life: float = 0.0
    message: str = ""
    last_event_at: float = 0.0
    finished: RunFinished | None = None
    waits_for: str = ""

    @property
    def is_over(self) -> bool:
        """Whether nothing more will come."""
        return self.state not in ("waiting", "running")

    @property
    def seconds(self) -> float:
        """How long it has lived until its last word, pauses left out."""
        return self.lived + self.life


def step(status: RunStatus, event: RunEvent) -> RunStatus:
    """The status after one more event; the curves of the one before are not copied."""
    begins = status.started is None or isinstance(event, RunStarted)
    life = 0.0 if begins else status.life + gap(status.last_event_at, event.at)
    return replace(status, last_event_at=event.at, life=life, **_changes(status, event, status.lived + life))


def _changes(status: RunStatus, event: RunEvent, seconds: float) -> dict[str, Any]:
    """The fields that an event changes which comes when the run has lived that long."""
    match event:
        case RunStarted():
            # a run that lost its process goes on from its last checkpoint: what came after is done, and said, again
            loss, dice = (
                Trail(p for p in curve if p.step <= event.resumed_step) for curve in (status.loss, status.dice)
            )
            return dict(
                started=event,
                lived=max((p.seconds for p in (*loss, *dice)), default=0.0),
                preview=None,
                state="running",
                finished=None,
                message="",
                step=event.resumed_step,
                loss=loss,
                dice=dice,
                proposed=Trail(),
                warnings=Trail(),
            )
        case PhaseStarted():
            return dict(
                phase=event.phase,
                phase_title=event.title,
                phase_index=event.index,
                phase_step=event.step,
                state="running",
                begins_with=event.begins_with or status.begins_with,  # said once, and true for all of the run
            )
        case Stepped():
            point = CurvePoint(event.step, seconds, event.losses.get("total", float("nan")))
            return dict(
                step=event.step,
                progress=event.progress,
                eta_seconds=event.eta_seconds,
                losses=event.losses,
                step_seconds=event.step_seconds,
                loss=plus(status.loss, point),
            )
        case Validated():
            point = CurvePoint(event.step, seconds, event.mean)
            # the model of the last best measurement is the one on disk; one that a lost life made later is not
            best = event.mean if event.best or status.best_dice is None else status.best_dice
            return dict(dice=plus(status.dice, point), last_validated=event, best_dice=best)
        case CheckpointSaved():
            model = event.path if event.deployed else status.model
            return dict(checkpoint=event.path, model=model)
        case Proposed():
            return dict(proposed=plus(status.proposed, event))
        case Previewed():
            return dict(preview=event)
        case Warned():
            return dict(warnings=plus(status.warnings, event.message))
        case RunFinished():
            return dict(
                state=event.reason,
                step=event.step or status.step,
                finished=event,
                message=event.message,
                model=event.model or status.model,
                eta_seconds=None,
                progress=1.0 if event.reason == "completed" else status.progress,
            )
    return {}


def fold(events: Iterable[RunEvent], start: RunStatus | None = None) -> RunStatus:
    """The status after all of `events`, from `start` (a new run when None)."""
    return reduce(step, events, start or RunStatus())


def wait_again(status: RunStatus) -> RunStatus:
    """The status of a run that ended and whose new process has not said anything yet."""
    return replace(status, state="waiting", message="", finished=None)


def lose(status: RunStatus, message: str) -> RunStatus:
    """The status of a run whose process died without a last event."""
    return replace(status, state="lost", message=message, eta_seconds=None)
