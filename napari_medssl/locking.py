"""One writer at a time for a file that is read, changed and written back, across threads, processes and computers."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from .disk import make_folder, remedy
from .errors import BadFileError

if TYPE_CHECKING:
    from filelock import BaseFileLock

#: Seconds to wait for another writer: a change takes milliseconds, on a slow network share a second.
PATIENCE = 20.0


@contextmanager
def exclusive(path: Path, patience: float = PATIENCE) -> Iterator[None]:
    """Be the only one who changes `path` during the block.

    The lock is the operating system's, on `.<name>.lock` beside the file: it ends with its process, whatever happened,
    so that there is no stale lock to tell from a living one.

    Parameters
    ----------
    path : Path
        The file that is changed; its folder is made where there is none.
    patience : float
        Seconds to wait for another writer.

    Raises
    ------
    BadFileError
        If somebody else holds it for longer, or the folder cannot be written to.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(_lock_path(path), timeout=patience)
    try:
        make_folder(path.parent)
        lock.acquire()
    except Timeout as error:
        rule = f"another program has been writing to it for {patience:.0f} s"
        raise BadFileError(path, rule, "close other windows on this project, or try again") from error
    except OSError as error:
        raise BadFileError(path, f"it cannot be written ({error.strerror or error})", remedy(error)) from error
    try:
        yield
    finally:
        lock.release()


#: Seconds in which whoever only looks at a lock lets go of it again.
A_LOOK = 1.0


def long_lock(path: Path) -> BaseFileLock | None:
    """The lock of `path`, taken for as long as somebody owns it; None where another process has it.

    Raises
    ------
    OSError
        If it cannot be had: no right to write, no such folder.
    """
    from filelock import FileLock, Timeout

    # not of a thread: it may be let go of by another one than took it
    lock = FileLock(_lock_path(path), timeout=A_LOOK, thread_local=False)
    try:
        lock.acquire(poll_interval=0.02)
    except Timeout:
        return None
    return lock


def held_by_another(path: Path) -> bool | None:
    """Whether another process has the lock of `path`, found out without waiting; None where that cannot be told."""
    from filelock import FileLock, Timeout

    where = _lock_path(path)
    if not os.path.exists(where):
        return False  # nobody ever had it; to look must not make files
    try:
        with FileLock(where, timeout=0, thread_local=False):
            return False
    except Timeout:
        return True
    except OSError:  # read-only
        return None


def lock_is_there(path: Path) -> bool:
    """Whether the file of the lock of `path` is there: who deletes it takes the lock away from whoever has it."""
    return os.path.exists(_lock_path(path))


def forget_lock(path: Path) -> None:
    """Remove the file of a lock that nobody will ever want again."""
    with suppress(OSError):
        os.unlink(_lock_path(path))


def _lock_path(path: Path) -> str:
    return os.fspath(path.with_name(f".{path.name}.lock"))
