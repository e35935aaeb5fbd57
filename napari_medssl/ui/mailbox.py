"""Where other threads leave word for the event loop; a timer empties it.

Word of the same subject replaces what is still waiting, so that a run that speaks a thousand times a second costs the
screen no more than one that speaks twice.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable

Message = Callable[[], None]


class Mailbox:
    """Messages are calls to make on the event loop's thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[Hashable, Message] = {}
        self._count = 0

    def post(self, message: Message, subject: Hashable | None = None) -> None:
        """Leave a message; from any thread. One with the same `subject` that still waits is replaced."""
        with self._lock:
            self._count += 1
            self._waiting[("", self._count) if subject is None else subject] = message

    def drain(self) -> int:
        """Make the calls that wait, oldest first, and return their number. On the event loop's thread only.

        Where one fails, those behind it wait for the next time: a save that was done is not forgotten.
        """
        with self._lock:
            waiting, self._waiting = self._waiting, {}
        count = len(waiting)
        try:
            while waiting:
                waiting.pop(next(iter(waiting)))()
        finally:
            if waiting:
                with self._lock:
                    self._waiting = {**waiting, **self._waiting}
        return count
