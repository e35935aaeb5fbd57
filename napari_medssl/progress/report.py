"""All of it together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .confusion import Confusion, read_confusion
from .effort import Effort, make_effort
from .learning import Round, make_rounds
from .records import read_finished

if TYPE_CHECKING:
    from ..project import Project


@dataclass(frozen=True, eq=False)
class Progress:
    """How the work of a project goes on."""

    name: str
    rounds: tuple[Round, ...]
    effort: tuple[Effort, ...]
    confusion: Confusion


def read_progress(project: Project, stop: Callable[[], bool] = lambda: False) -> Progress:
    """Read how the work goes on.

    Opens masks that were not counted before: not for the event loop.

    Parameters
    ----------
    stop : callable
        Once it says so, no more masks are opened.
    """
    finished = read_finished(project)
    return Progress(
        project.name,
        make_rounds(finished, project.runs()),
        make_effort(finished),
        read_confusion(project, finished, stop),
    )
