"""Each stroke is on the disk within moments, long before the next draft. No Qt."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..project.strokes import Leftover, Piece, StrokeLog
from .editing import Place
from .jobs import Jobs
from .loading import ShownCase

if TYPE_CHECKING:
    from ..project import Project

LARGEST = 1 << 20  # voxels of a box that is noted whole; a larger one is noted plane by plane, where it was changed


class StrokeKeeper:
    """Notes what is drawn on one case; a revision that holds it makes an end of its log.

    Parameters
    ----------
    jobs : Jobs
        Strokes have a lane of their own, which nothing slow holds up.
    shown : ShownCase
    author, window : str
        Who draws, and the name of this window's lease.
    failed : callable
        Told of a stroke that could not be noted.
    """

    def __init__(
        self,
        jobs: Jobs,
        project: Project,
        shown: ShownCase,
        author: str,
        window: str,
        failed: Callable[[Exception], None],
    ) -> None:
        self._jobs, self._shown, self._failed = jobs, shown, failed
        self._folder = project.case(shown.name).strokes_folder
        self._author, self._window = author, window
        self._base = shown.revision
        self._log = self._new_log()
        # logs whose strokes the next save takes in; of windows that are gone, too
        self._full: list[StrokeLog | Leftover] = list(shown.recovered.again)
        self._pending: deque[Piece] = deque()
        self._said = False

    def wrote(self, labels: NDArray[np.uint8], place: Place) -> None:
        """Note what now stands at a place of the labels on screen."""
        self._pending.extend(self._back(start, values) for start, values in boxes(labels, place))
        self._jobs.submit("strokes", self._note, lambda _: None, self._not_noted)

    def taken(self) -> None:
        """A save has begun: what is drawn from here on is for a log of its own."""
        self._jobs.submit("strokes", self._turn_over, lambda _: None, self._not_noted)

    def saved(self, revision: str | None) -> None:
        """The save is done; `revision` is new, or None where nothing had changed."""

        def work() -> None:
            self._base = revision or self._base
            for log in self._full:
                log.discard()
            self._full = []
            if self._log.is_empty:
                self._log = self._new_log()  # of what is drawn on that revision

        self._jobs.submit("strokes", work, lambda _: None, self._not_noted)

    # --- in the lane

    def _note(self) -> None:
        together = []  # what came while the one before was written is one record
        while self._pending:
            together.append(self._pending.popleft())
        if together:
            self._log.append(together)

    def _turn_over(self) -> None:
        self._full.append(self._log)
        self._log = self._new_log()

    # --- within

    def _new_log(self) -> StrokeLog:
        return StrokeLog(self._folder, self._shown.display.grid.shape, self._base, self._author, self._window)

    def _back(self, start: tuple[int, ...], values: NDArray[np.uint8]) -> Piece:
        return Piece(*self._shown.display.box_back(start, values))

    def _not_noted(self, error: Exception) -> None:
        if not self._said:  # once: drafts are saved all the same, and say more
            self._said = True
            self._failed(error)


def boxes(labels: NDArray[np.uint8], place: Place) -> Iterable[tuple[tuple[int, ...], NDArray[np.uint8]]]:
    """Boxes of the labels that hold a place: where they begin, and views of what is in them.

    Parameters
    ----------
    labels : array of uint8
    place : tuple
        A slice (or one index) per axis, or an array of indices per axis.
    """
    if any(isinstance(axis, slice) for axis in place):
        whole_axes = [axis if isinstance(axis, slice) else slice(axis, axis + 1) for axis in place]
        ends = [axis.indices(n) for axis, n in zip(whole_axes, labels.shape, strict=True)]
        low, high = [a for a, _, _ in ends], [b for _, b, _ in ends]
        planes = range(low[0], high[0])
    else:
        axes = [np.asarray(axis).ravel() for axis in place]
        if not axes[0].size:
            return
        low, high = [int(axis.min()) for axis in axes], [int(axis.max()) + 1 for axis in axes]
        planes = np.unique(axes[0]).tolist()
    rest = tuple(slice(a, b) for a, b in zip(low[1:], high[1:], strict=True))
    whole = labels[(slice(low[0], high[0]), *rest)]
    if whole.size <= LARGEST:
        yield tuple(low), whole
    else:
        for plane in planes:
            yield (plane, *low[1:]), labels[(slice(plane, plane + 1), *rest)]
