"""Run something in this process, with a bar, so that Ctrl+C stops it and keeps what was learnt."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from ..runs.status import RunStatus
from .following import follow
from .screen import Screen

if TYPE_CHECKING:
    from ..project import Project
    from ..runs.events import RunEvent
    from ..runs.stop import How


def run_here(project: Project, run: str, screen: Screen, *, quiet: bool = False) -> dict[str, Any]:
    """Run what the spec of `run` says to its end and return the result as JSON values.

    Ctrl+C asks it to stop and keep; a second one interrupts. Other programs see it in its folder meanwhile and can
    stop it as well.

    Raises
    ------
    RunError
        When it failed; `RunFault` when by a fault of the program.
    """
    from ..runs.drivers import InlineDriver
    from ..runs.process import announced

    folder = project.run_folder(run)
    with announced(folder), _stop_on_signals(folder, screen) as asked:
        status = follow(screen, _asked_again(InlineDriver().run(project.root, run), folder, asked), quiet=quiet)
    project.refresh()
    return summary(run, status)


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
        "warnings": list(status.warnings),
        "message": status.message,
    }


def _asked_again(events: Iterator[RunEvent], folder: Path, asked: list[How]) -> Iterator[RunEvent]:
    """The same events; a wish to stop that came while the run was still starting, and was swept away, is repeated."""
    from ..runs.stop import request_stop

    for number, event in enumerate(events):
        if number == 0 and asked:
            request_stop(folder, asked[-1])
        yield event


@contextmanager
def _stop_on_signals(folder: Path, screen: Screen) -> Iterator[list[How]]:
    """Turn the first Ctrl+C into "stop and keep", and the wish of the system to end us into "pause".

    Gives the list of what was asked so far.
    """
    from ..runs.stop import request_stop

    asked: list[How] = []

    def ask(how: How) -> None:
        asked.append(how)
        request_stop(folder, how)

    def interrupted(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        screen.note("Stopping after this step and keeping what was learnt; Ctrl+C again to break off.")
        ask("keep")

    try:
        before = {
            signal.SIGINT: signal.signal(signal.SIGINT, interrupted),
            signal.SIGTERM: signal.signal(signal.SIGTERM, lambda *_: ask("pause")),
        }
    except ValueError:  # not the main thread: somebody else handles signals
        before = {}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
