"""Runs in this process, to the end of the line that they stand in."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from . import drivers
from .events import RunEvent
from .line import take_turn
from .process import announced
from .status import RunStatus
from .stop import withdraw_stop

if TYPE_CHECKING:
    from ..project import Project

#: Consumes the events of a run of that name and gives its last status.
Follow = Callable[[str, Iterable[RunEvent]], RunStatus]


def run_to_the_end(project: Project, run: str, follow: Follow) -> list[tuple[str, RunStatus]]:
    """Run what the spec of `run` says to its end, then the runs behind it in line; each with its last status.

    Other programs see it in its folder meanwhile, and can stop it.

    Raises
    ------
    RunError
        When it already runs; and whatever `follow` raises.
    """
    done: list[tuple[str, RunStatus]] = []
    following: str | None = run
    while following is not None:
        now, folder = following, project.run_folder(following)
        with announced(folder):
            if not done:
                withdraw_stop(folder)  # of an earlier life; from here on every wish to stop counts
            status = follow(now, drivers.InlineDriver().run(project.root, now, heed=True))
            following = take_turn(project.root, now, status.state)
        done.append((now, status))
    project.refresh()
    return done
