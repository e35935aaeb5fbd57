"""Each stroke is on the disk within moments, long before the next draft. No Qt."""

from __future__ import annotations

import secrets
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
MOST_TOGETHER = 1 << 24  # voxels of a record
MOST_DUE = 1 << 28  # voxels that wait for a disk which refuses them; the oldest go first

Log = StrokeLog | Leftover


class StrokeKeeper:
    """Notes what is drawn on one case; a revision that holds it makes an end of its log.

    A piece belongs to the log that was open when it was drawn, however long the disk takes to note it: a save takes
    in the logs of what was drawn before its copy of the labels was made, and only these end with it.

    Parameters
    ----------
    jobs : Jobs
        Strokes have a lane of their own, which nothing slow holds up.
    shown : ShownCase
    author, window : str
        Who draws, and the name of this window's lease.
    failed : callable
        Told of a stroke that could not be noted; it is tried again with the next one.

    Attributes
    ----------
    session : str
        Of this window on this case; revisions that it saves bear it.
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
        self.session = shown.recovered.session or secrets.token_hex(4)
        # on the screen's thread: of what is drawn now; and what is in no revision yet, of windows that are gone, too
        self._open = self._new_log()
        self._full: list[Log] = list(shown.recovered.again)
        self._pending: deque[tuple[StrokeLog, Piece]] = deque()  # from the screen's thread to the lane
        self._asked = False
        # in the lane
        self._base = shown.revision
        self._due: deque[tuple[StrokeLog, Piece]] = deque()
        self._said = False
        if shown.recovered.damaged:
            jobs.submit("strokes", self._put_aside, lambda _: None, failed)

    def wrote(self, labels: NDArray[np.uint8], place: Place) -> None:
        """Note what now stands at a place of the labels on screen."""
        log = self._open
        self._pending.extend((log, self._back(start, values)) for start, values in boxes(labels, place))
        if not self._asked:  # one that waits notes all there is: more would only hold up what comes behind them
            self._asked = True
            self._jobs.submit("strokes", self._note, lambda _: None, self._not_noted)

    def taken(self) -> tuple[Log, ...]:
        """The logs that a save of a copy of the labels takes in; the copy is made on the screen's thread, right now."""
        self._full.append(self._open)
        self._open = self._new_log()
        return tuple(self._full)

    def saved(self, taken: tuple[Log, ...], revision: str | None) -> None:
        """A save is done that took in these logs; `revision` is new, or None where nothing had changed."""
        self._full = [log for log in self._full if log not in taken]

        def work() -> None:
            self._base = revision or self._base
            self._due = deque(item for item in self._due if item[0] not in taken)
            for log in taken:
                log.discard()

        self._jobs.submit("strokes", work, lambda _: None, self._not_noted)

    # --- in the lane

    def _note(self) -> None:
        self._asked = False  # first: what is drawn from here on asks again
        while self._pending:
            self._due.append(self._pending.popleft())
        try:
            while self._due:
                log, together = self._due[0][0], self._together()
                if log.is_empty:
                    log.base = self._base
                log.append(together)
                for _ in together:
                    self._due.popleft()
        except Exception:
            while sum(piece.values.size for _, piece in self._due) > MOST_DUE:
                self._due.popleft()
            raise
        self._said = False

    def _put_aside(self) -> None:
        for log in self._shown.recovered.damaged:
            log.discard()

    def _together(self) -> list[Piece]:
        """What came while the one before was written is one record, if it is of one log."""
        together: list[Piece] = []
        size, first = 0, self._due[0][0]
        for log, piece in self._due:
            size += piece.values.size
            if log is not first or (together and size > MOST_TOGETHER):
                break
            together.append(piece)
        return together

    # --- within

    def _new_log(self) -> StrokeLog:
        shape = self._shown.display.grid.shape
        return StrokeLog(self._folder, shape, self._shown.revision, self._author, self._window, self.session)

    def _back(self, start: tuple[int, ...], values: NDArray[np.uint8]) -> Piece:
        return Piece(*self._shown.display.box_back(start, values))

    def _not_noted(self, error: Exception) -> None:
        if not self._said:  # once, until strokes can be noted again: drafts are saved all the same, and say more
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
