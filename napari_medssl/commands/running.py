"""Run something in this process, with a bar, so that Ctrl+C stops it and keeps what was learnt."""

from __future__ import annotations

import signal
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from ..runs.status import RunStatus
from ..terminal.following import follow
from ..terminal.screen import Screen

if TYPE_CHECKING:
    from ..project import Project
    from ..runs.events import RunEvent


def run_here(project: Project, run: str, screen: Screen, *, quiet: bool = False) -> dict[str, Any]:
    """Run what the spec of `run` says to its end, then the runs behind it in line; the last result as JSON values.

    Ctrl+C asks the run to stop and keep; a second one interrupts. Other programs see it in its folder meanwhile and can
    stop it as well. The results of the runs before the last are in "before".

    Raises
    ------
    RunError
        When it failed; `RunFault` when by a fault of the program.
    """
    from ..runs.here import run_to_the_end

    begun: list[str] = []

    def one(now: str, events: Iterable[RunEvent]) -> RunStatus:
        if begun and not quiet:
            screen.note(f"{begun[-1]} is done; going on with {now}.")
        begun.append(now)
        with _stop_on_signals(project.run_folder(now), screen):
            return follow(screen, events, quiet=quiet)

    done = [summary(name, status) for name, status in run_to_the_end(project, run, one)]
    return done[-1] | ({"before": done[:-1]} if len(done) > 1 else {})


def summary(run: str, status: RunStatus) -> dict[str, Any]:
    """A run's end as JSON values."""
    validated = status.last_validated
    return {
        "run": run,
        "state": status.state,
        "method": status.started.method if status.started else None,
        "steps": status.step,
        "seconds": round(status.finished.seconds, 2) if status.finished else None,
        "loss": (status.losses or {}).get("total"),
        "best_dice": status.best_dice,
        "held_out_dice": dict(validated.dice) if validated else None,
        "model": status.model,
        "proposed": [{"case": p.case, "score": p.score} for p in status.proposed],
        "begins_with": status.begins_with,
        "warnings": list(status.warnings),
        "message": status.message,
    }


@contextmanager
def _stop_on_signals(folder: Path, screen: Screen) -> Iterator[None]:
    """Turn the first Ctrl+C into "stop and keep", and the wish of the system to end us into "pause"."""
    from ..runs.stop import request_stop

    def interrupted(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        screen.note("Stopping after this step and keeping what was learnt; Ctrl+C again to break off.")
        request_stop(folder, "keep")

    try:
        before = {
            signal.SIGINT: signal.signal(signal.SIGINT, interrupted),
            signal.SIGTERM: signal.signal(signal.SIGTERM, lambda *_: request_stop(folder, "pause")),
        }
    except ValueError:  # not the main thread: somebody else handles signals
        before = {}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
