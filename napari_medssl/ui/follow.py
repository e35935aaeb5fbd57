"""A thread that follows a run's journal and leaves its newest status in the mailbox."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial

from ..runs.drivers import Handle
from ..runs.status import RunStatus
from .mailbox import Mailbox

INTERVAL = 0.2


class Follower:
    """Follows one run until it is over or `close` is called; the run itself goes on."""

    def __init__(self, handle: Handle, mailbox: Mailbox, on_status: Callable[[str, RunStatus], None]) -> None:
        self.handle = handle
        self._mailbox = mailbox
        self._on_status = on_status
        self._enough = threading.Event()
        self._thread = threading.Thread(target=self._follow, name=f"medssl-follow-{handle.run}", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop looking."""
        self._enough.set()
        self._thread.join(timeout=2)

    def _follow(self) -> None:
        while not self._enough.is_set():
            self.handle.events()
            status = self.handle.status()
            self._mailbox.post(partial(self._on_status, self.handle.run, status), ("run", self.handle.run))
            if status.is_over:
                return
            self._enough.wait(INTERVAL)
