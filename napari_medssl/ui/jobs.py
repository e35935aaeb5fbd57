"""Work off the event loop: one thread per lane, so that saves keep their order and never wait for a load."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol, TypeVar

from .mailbox import Mailbox

T = TypeVar("T")
KEPT = ("disk", "strokes")  # lanes whose work is done to the end


class Jobs(Protocol):
    """Runs work somewhere, and the answer on the thread of the screen."""

    def submit(
        self, lane: str, work: Callable[[], T], done: Callable[[T], None], failed: Callable[[Exception], None]
    ) -> None: ...

    def close(self) -> None: ...


class ThreadJobs:
    """Lanes are threads; answers come through the mailbox."""

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox
        self._lanes: dict[str, ThreadPoolExecutor] = {}
        self._closed = False

    def submit(
        self, lane: str, work: Callable[[], T], done: Callable[[T], None], failed: Callable[[Exception], None]
    ) -> None:
        """Queue work in a lane: "disk" and "strokes" (in order, never dropped), "look", "run", "inside", "check",
        "prefetch", "thumbnails", "tools", "looked", "help". After the end, only the former is done, at once: what the
        last save left.
        """

        def job() -> None:
            try:
                result = work()
            except Exception as error:
                problem = error  # the name `error` ends with this block
                self._mailbox.post(lambda: failed(problem))
            else:
                self._mailbox.post(lambda: done(result))

        if self._closed:
            if lane in KEPT:
                job()
            return
        if lane not in self._lanes:
            self._lanes[lane] = ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"medssl-{lane}")
        self._lanes[lane].submit(job)

    def close(self) -> None:
        """Let what a person drew reach the disk; drop what only looks."""
        self._closed = True
        for name, lane in self._lanes.items():
            lane.shutdown(wait=name in KEPT, cancel_futures=name not in KEPT)
        self._lanes.clear()
