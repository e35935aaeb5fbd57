"""How the proposal of the case on the screen grows while a run trains. No Qt.

The run is told which case that is (`runs/look.py`); what it then leaves in its folder is read off the event loop and
shown as an outline that nobody draws on.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from ..imaging import read_labels
from ..methods.catalog import CATALOG
from ..runs.events import Previewed
from ..runs.look import ask_look
from .board import Board
from .display import Display
from .jobs import Jobs

if TYPE_CHECKING:
    from ..project import Project

log = logging.getLogger("napari_medssl")


@dataclass(frozen=True, eq=False)
class ShownPreview:
    """What a run would propose now, as shown: `labels` uint8 (plane, row, column)."""

    case: str
    run: str
    step: int
    labels: np.ndarray


class PreviewScreen(Protocol):
    """What is asked of the viewer."""

    def display(self) -> Display | None: ...

    def show_preview(self, preview: ShownPreview) -> None: ...

    def hide_preview(self) -> None: ...

    def wake_preview(self) -> None: ...


def load_preview(folder: Path, run: str, made: Previewed, display: Display) -> ShownPreview | None:
    """Read what a run left; None where it is not of this scan (any more).

    Raises
    ------
    MedSSLError
        When it is gone or damaged.
    """
    array = read_labels(folder / made.path).array
    if array.size != np.prod(display.grid.shape):
        return None
    labels = display.show(array.reshape(display.grid.shape)).astype(np.uint8, copy=False)
    return ShownPreview(made.case, run, made.step, labels)


class PreviewDesk:
    """At most one preview: of the case on the screen, by the run on the screen."""

    def __init__(self, board: Board, view: PreviewScreen, jobs: Jobs) -> None:
        self._board, self._view, self._jobs = board, view, jobs
        self._project: Project | None = None
        self._asked: tuple[str | None, str | None] = (None, None)
        self._read: tuple[str, str, int] | None = None
        self._on = False

    def take(self, project: Project) -> None:
        """Work on this project from now on."""
        self.leave()
        self._project = project
        self._read, self._on = None, False

    def leave(self) -> None:
        """Nobody looks any more: the run, which goes on, need not show anything."""
        run, case = self._asked
        self._asked = (None, None)
        if run is not None and case is not None:
            self._ask(run, None, "disk")  # the lane that is emptied before the window closes

    def want(self, wanted: bool) -> None:
        """Whether a person wants to see it grow."""
        self._board.set(growing=wanted)
        self.tick()

    def tick(self) -> None:
        """Tell the run what is looked at, fetch what it left, take away what is over."""
        facts = self._board.facts
        run, case = facts.run, self._wanted()
        now = (run if self._is_learning() else None, case)
        if now != self._asked:
            before, self._asked = self._asked, now
            if now[0] is not None and (case is not None or before[0] == now[0]):
                self._ask(now[0], case)
            self._hide()
        self._view.wake_preview()
        made = facts.status.preview if facts.status is not None else None
        if run is None or case is None or made is None or made.case != case:
            return
        if self._read != (run, case, made.step):
            self._read = (run, case, made.step)
            self._fetch(run, made)

    def _wanted(self) -> str | None:
        facts = self._board.facts
        seen = facts.case if facts.growing and facts.loading is None else None
        return seen.name if seen is not None and self._is_learning() else None

    def _is_learning(self) -> bool:
        """Whether a run is under way that may propose something."""
        status = self._board.facts.status
        if status is None or status.is_over or status.started is None:
            return False
        info = CATALOG.get(status.started.method)
        return status.started.task == "train" and info is not None and info.segments

    def _ask(self, run: str, case: str | None, lane: str = "run") -> None:
        if self._project is not None:
            folder = self._project.run_folder(run)
            self._jobs.submit(lane, lambda: ask_look(folder, case), lambda _: None, self._quietly)

    def _fetch(self, run: str, made: Previewed) -> None:
        display, project, wanted = self._view.display(), self._project, self._read
        if display is None or project is None:
            return
        folder = project.run_folder(run)

        def done(preview: ShownPreview | None) -> None:
            if preview is not None and self._read == wanted and self._wanted() == preview.case:
                self._view.show_preview(preview)
                self._on = True

        self._jobs.submit("look", lambda: load_preview(folder, run, made, display), done, self._quietly)

    def _hide(self) -> None:
        if self._on:
            self._view.hide_preview()
        self._on, self._read = False, None

    @staticmethod
    def _quietly(error: Exception) -> None:
        log.info("no preview: %s", error)  # the next one comes soon, or the proposal itself
