"""Show a run's events as they come: a bar with the time left, measurements, warnings."""

from __future__ import annotations

from collections.abc import Iterable

from ..errors import RunError
from ..plain import plain
from ..runs.events import PhaseStarted, Proposed, RunEvent, RunFinished, RunStarted, Validated, Warned
from ..runs.status import RunStatus, step
from .screen import Screen

FAULT = "A fault of the program"  # how a run begins its last word when nobody but us can mend it


class RunFault(RunError):
    """A run ended by a fault of the program; the message is the run's own."""


def follow(screen: Screen, events: Iterable[RunEvent], *, quiet: bool = False) -> RunStatus:
    """Consume a run's events and return its last status.

    Raises
    ------
    RunFault
        When it failed by a fault of the program.
    RunError
        When it failed in a way that a person can mend.
    """
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

    status = RunStatus()
    console = screen.console(progress=True)
    said = TextColumn("{task.description}", markup=False)
    columns = (said, BarColumn(30), TaskProgressColumn(), TextColumn("{task.fields[eta]}"))
    with Progress(*columns, console=console, disable=quiet or not console.is_terminal) as bar:
        task = bar.add_task("starting", total=1.0, eta="")
        for event in events:
            status = step(status, event)
            line = None if quiet else describe(event)
            if line:
                bar.console.print(plain(line), markup=False)
            bar.update(
                task,
                completed=status.progress,
                description=plain(bar_text(status)),
                eta=eta_text(status.eta_seconds),
            )
    if status.state == "failed":
        raise failure(status.message or "The run failed; its folder has the journal.")
    return status


def failure(message: str) -> RunError:
    """The error for a run that ended with `message`."""
    return RunFault(message) if message.startswith(FAULT) else RunError(message)


def describe(event: RunEvent) -> str | None:
    """One line for events worth one."""
    match event:
        case RunStarted():
            cases = f"{event.labelled} labelled, {event.unlabelled} unlabelled, {event.held_out} held out"
            again = f", going on at step {event.resumed_step}" if event.resumed_step else ""
            return f"{event.run}: {event.method} on {event.device}, {cases}{again}"
        case PhaseStarted():
            return f"{event.begins_with}\n{event.title} …".lstrip()
        case Validated():
            return f"step {event.step}: Dice {event.mean:.3f} on {event.cases} held-out cases"
        case Warned():
            return f"note: {event.message}"
        case RunFinished():
            return event.message or event.reason
    return None


def bar_text(status: RunStatus) -> str:
    """What the bar is labelled with: phase, step and loss, or the case being predicted."""
    if status.proposed and status.finished is None:
        last: Proposed = status.proposed[-1]
        return f"{status.phase_title} {last.index + 1}/{last.total} {last.case}"
    loss = (status.losses or {}).get("total")
    return f"{status.phase_title} step {status.step}" + ("" if loss is None else f" loss {loss:.3f}")


def eta_text(seconds: float | None) -> str:
    """Time left, for a bar."""
    if seconds is None:
        return ""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d} left" if hours else f"{minutes}:{rest:02d} left"
