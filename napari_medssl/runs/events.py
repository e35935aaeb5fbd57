"""What a run says while it lives: a stream of typed, frozen, JSON-serialisable values.

Exactly one `RunStarted` comes first and exactly one `RunFinished` last, whatever happens in between. Events hold
numbers, strings and paths, never arrays.
"""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ClassVar, Literal

from .shapes import misfit

#: Later events stand in `at` as many seconds behind this as went by; sleep of the computer counts where that is known.
_forward = partial(time.clock_gettime, time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic
_BEGIN = time.time() - _forward()

FinishReason = Literal["completed", "stopped", "paused", "discarded", "failed"]


@dataclass(frozen=True, kw_only=True)
class RunEvent:
    """One thing that happened.

    Attributes
    ----------
    at : float
        When, in seconds since the epoch. Within one process it only goes forward, also where the clock is put right.
    """

    kind: ClassVar[str] = ""
    at: float = field(default_factory=lambda: _BEGIN + _forward())


@dataclass(frozen=True, kw_only=True)
class RunStarted(RunEvent):
    """The run has begun (again, when `resumed_step` is above 0).

    `phases` are titles in order; `total_steps` is None while only a time budget bounds the run; `then` is the run that
    begins when this one is done. `turn` counts the beginnings of runs in the project, so that their order needs no
    clock; 0 in older journals.
    """

    kind: ClassVar[str] = "run-started"
    run: str
    task: str
    method: str
    phases: tuple[str, ...] = ()
    total_steps: int | None = None
    minutes: float | None = None
    device: str = "cpu"
    threads: int = 1
    labelled: int = 0
    unlabelled: int = 0
    held_out: int = 0
    resumed_step: int = 0
    then: str | None = None
    turn: int = 0


@dataclass(frozen=True, kw_only=True)
class PhaseStarted(RunEvent):
    """A phase (of training, or the proposing at the end) begins.

    `begins_with`, of the first phase of a run that begins with another's model, says for a person what was taken over
    and what is new.
    """

    kind: ClassVar[str] = "phase-started"
    phase: str
    title: str
    index: int
    step: int = 0
    begins_with: str = ""


@dataclass(frozen=True, kw_only=True)
class Stepped(RunEvent):
    """Training has come as far as `step`.

    Attributes
    ----------
    losses : mapping
        Mean of each named loss term since the last such event; "total" among them.
    progress : float
        Part of the whole run that is done, 0 to 1, announced by the engine.
    eta_seconds : float
        Expected time to the end of the run.
    step_seconds, wait_share : float
        Mean duration of a step, and the part of it spent waiting for data.
    """

    kind: ClassVar[str] = "stepped"
    step: int
    phase: str
    losses: Mapping[str, float]
    progress: float
    eta_seconds: float
    learning_rate: float = 0.0
    step_seconds: float = 0.0
    wait_share: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Validated(RunEvent):
    """The model was measured on labelled cases that it never trains on.

    `dice` maps class names to the mean Dice over `cases` cases; `mean` is their mean; `best` says that no earlier
    measurement was higher, so that this is the model that is deployed for now. `by_case` maps the names of the cases to
    their mean Dice over classes, so that two runs can be compared case by case; older journals do not have it.
    """

    kind: ClassVar[str] = "validated"
    step: int
    dice: Mapping[str, float]
    mean: float
    cases: int
    best: bool
    by_case: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class CheckpointSaved(RunEvent):
    """A loadable state is on disk; `path` is relative to the run's folder."""

    kind: ClassVar[str] = "checkpoint-saved"
    step: int
    path: str
    deployed: bool = False


@dataclass(frozen=True, kw_only=True)
class Proposed(RunEvent):
    """A case has a new proposal; `score` is its uncertainty (see `inference.uncertainty.case_score`)."""

    kind: ClassVar[str] = "proposed"
    case: str
    score: float
    index: int
    total: int
    seconds: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Previewed(RunEvent):
    """What the model would propose now for the case that a person looks at; `path` is relative to the run's folder.

    `seconds` is what it took.
    """

    kind: ClassVar[str] = "previewed"
    case: str
    step: int
    path: str
    seconds: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Warned(RunEvent):
    """Something a person should know; the run goes on."""

    kind: ClassVar[str] = "warned"
    message: str
    case: str | None = None


@dataclass(frozen=True, kw_only=True)
class RunFinished(RunEvent):
    """The end. `message` says in one sentence what happened; `model` is the deployed model, if there is one."""

    kind: ClassVar[str] = "run-finished"
    reason: FinishReason
    message: str = ""
    step: int = 0
    seconds: float = 0.0
    model: str | None = None


EVENT_TYPES: Mapping[str, type[RunEvent]] = {
    cls.kind: cls
    for cls in (
        RunStarted,
        PhaseStarted,
        Stepped,
        Validated,
        CheckpointSaved,
        Previewed,
        Proposed,
        Warned,
        RunFinished,
    )
}


_FIELDS = {kind: frozenset(field.name for field in dataclasses.fields(cls)) for kind, cls in EVENT_TYPES.items()}


class UnknownKindError(ValueError):
    """An event of a kind that only a newer version knows."""


def event_to_json(event: RunEvent) -> str:
    """One line of JSON for one event."""
    return json.dumps({"kind": event.kind, **dataclasses.asdict(event)}, allow_nan=True)


def event_from_json(line: str) -> RunEvent:
    """The event of one line; fields a newer version added are left out.

    Raises
    ------
    ValueError
        When the line is no JSON object of a known kind, or a field is not what it should be.
    """
    try:
        raw: Any = json.loads(line)
    except RecursionError:
        raise ValueError("it is nested too deep") from None
    if not isinstance(raw, dict):
        raise ValueError(f"no run event: {line[:80]!r}")
    return event_from_values(raw)


def event_from_values(raw: Mapping[str, Any]) -> RunEvent:
    """The event of a JSON object; fields a newer version added are left out.

    Raises
    ------
    UnknownKindError
        When it is of a kind that this version does not know.
    ValueError
        When it is no event.
    """
    kind = raw.get("kind")
    if not isinstance(kind, str):
        raise ValueError("no run event: it is of no kind")
    if kind not in EVENT_TYPES:
        raise UnknownKindError(f"no run event: of an unknown kind, {kind!r}")
    cls = EVENT_TYPES[kind]
    values = {k: tuple(v) if isinstance(v, list) else v for k, v in raw.items() if k in _FIELDS[kind]}
    wrong = misfit(cls, values)
    if wrong is not None:
        raise ValueError(f"no run event: {wrong} of a {kind} is not what it should be")
    make: Callable[..., RunEvent] = cls
    try:
        return make(**values)
    except TypeError as error:
        raise ValueError(f"no run event: {error}") from error
