"""Two methods at once, each in a process of its own with one compute thread: the same wall-clock for both."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from ..plain import plain
from ..runs.events import Warned
from ..runs.status import RunStatus
from ..terminal.following import bar_text, eta_text, failure
from ..terminal.screen import Screen

if TYPE_CHECKING:
    from ..project import Project
    from ..runs.drivers import Handle

LOOK = 0.2  # seconds between looks at the journals


def train_side_by_side(
    projects: Mapping[str, Project], minutes: float, seed: int, start_from: Mapping[str, str], screen: Screen
) -> dict[str, tuple[str, RunStatus]]:
    """Train each method on its own copy of the project, at the same time, and wait for both.

    Parameters
    ----------
    projects : mapping
        Method to project.
    minutes : float
        Time budget of each.
    start_from : mapping
        Method to the run it goes on from; may lack methods.

    Returns
    -------
    dict
        Method to the run's name and last status.

    Raises
    ------
    RunError
        When one of them failed; the other is asked to stop.
    """
    from ..runs.drivers import ProcessDriver
    from ..runs.request import make_spec

    handles: dict[str, Handle] = {}
    try:
        for method, project in projects.items():
            spec = make_spec(
                project, method, minutes=minutes, seed=seed, settings={"threads": 1}, start_from=start_from.get(method)
            )
            handles[method] = ProcessDriver().start(project.root, spec.run)
        _watch(handles, screen)
    except BaseException:
        for handle in handles.values():  # Ctrl+C, or one of two failed: leave nothing running behind
            if handle.is_alive():
                handle.stop("discard")
        raise
    ends = {method: (handle.run, handle.status()) for method, handle in handles.items()}
    for method, (run, status) in ends.items():
        if status.state != "completed":
            raise failure(status.message or f"{method}: run {run} ended as {status.state}.")
    for project in projects.values():
        project.refresh()
    return ends


def _watch(handles: Mapping[str, Handle], screen: Screen) -> None:
    """Show both until both are over."""
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

    console = screen.console(progress=True)
    columns = (TextColumn("{task.description}"), BarColumn(30), TaskProgressColumn(), TextColumn("{task.fields[eta]}"))
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as bar:
        tasks = {method: bar.add_task(method, total=1.0, eta="") for method in handles}
        waiting = True
        while waiting:
            time.sleep(LOOK)
            waiting = any(handle.is_alive() for handle in handles.values())  # before the journals: no last word is lost
            for method, handle in handles.items():
                for event in handle.events():
                    if isinstance(event, Warned):
                        bar.console.print(plain(f"{method}: {event.message}"), markup=False)
                status = handle.status()
                if status.state in ("failed", "lost"):
                    raise failure(status.message or f"{method}: run {handle.run} is {status.state}.")
                text = plain(f"{method}: {bar_text(status)}")
                bar.update(tasks[method], completed=status.progress, description=text, eta=eta_text(status.eta_seconds))
