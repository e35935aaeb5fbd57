"""Faults of the program that nobody caught: those of our own code go to the dock instead of a bare traceback."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType

PACKAGE = str(Path(__file__).resolve().parents[1])
WHAT_TO_DO = (
    "A fault of the program. What you drew is kept. Go on; if it happens again, close napari and open it anew. "
    "Copy diagnostics puts on the clipboard what helps to mend it, without names of patients."
)


def is_ours(error: BaseException | None) -> bool:
    """Whether our code was on the way when an error came up; errors that it came from count, too."""
    while error is not None:
        if any(str(Path(name).resolve()).startswith(PACKAGE) for name in _files(error.__traceback__)):
            return True
        error = error.__cause__ or error.__context__
    return False


def catch(told: Callable[[Exception], None]) -> Callable[[], None]:
    """Have our faults told; returns what ends that.

    Only napari's own hook is replaced, and is still called for everything that is not ours: where a debugger or a test
    has its own, it keeps it.
    """
    from napari.utils.notifications import notification_manager

    before = sys.excepthook
    if getattr(before, "__self__", None) is not notification_manager:
        return lambda: None

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if isinstance(error, Exception) and is_ours(error):
            told(error)
        else:
            before(kind, error, trace)

    sys.excepthook = hook

    def end() -> None:
        if sys.excepthook is hook:
            sys.excepthook = before

    return end


def show(copy: Callable[[], None]) -> None:
    """A notification with what to do, and a button that copies the diagnostics."""
    from napari.utils.notifications import Notification, NotificationSeverity, notification_manager

    actions = (("Copy diagnostics", lambda *_: copy()),)
    notification_manager.dispatch(Notification(WHAT_TO_DO, NotificationSeverity.ERROR, actions))


def _files(trace: TracebackType | None) -> Iterator[str]:
    while trace is not None:
        yield trace.tb_frame.f_code.co_filename
        trace = trace.tb_next
