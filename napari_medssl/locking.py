"""One writer at a time for a file that is read, changed and written back, across threads, processes and computers.

A lock is the operating system's, on `.<name>.lock` beside the file: it ends with its process, whatever happened, so
that there is no stale lock to tell from a living one. On network shares where the system refuses it, a file takes its
place (see `soft_locks`), and `.no-os-locks` in the folder says so: whoever has the system's lock there takes the file
as well, so that a computer whose locks work and one whose locks do not keep each other out. What remains open is the
very first time in a folder: who had the system's lock already then knows of no file.
"""

from __future__ import annotations

import errno
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from . import soft_locks
from .disk import make_folder, remedy
from .errors import BadFileError
from .soft_locks import SoftLock

if TYPE_CHECKING:
    from filelock import BaseFileLock

#: Seconds to wait for another writer: a change takes milliseconds, on a slow network share a second.
PATIENCE = 20.0

#: Seconds in which whoever only looks at a lock lets go of it again.
A_LOOK = 1.0

NO_LOCKS_NAME = ".no-os-locks"
_NEVER = {errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS}  # this file system knows no locks
_NOT_NOW = {errno.ENOLCK}  # or the service that keeps them does not answer
_WINDOWS_NEVER = {1, 50}  # ERROR_INVALID_FUNCTION, ERROR_NOT_SUPPORTED


class Lock:
    """A lock that this process has, until it is released; any thread may do that."""

    def __init__(self, path: Path, system: BaseFileLock | None, soft: SoftLock | None) -> None:
        self._path = path
        self._system = system
        self._soft = soft

    @property
    def is_of_system(self) -> bool:
        """Whether the operating system vouches for it: then no other process of this computer has it."""
        return self._system is not None

    @property
    def is_there(self) -> bool:
        """Whether its files are: who deletes them takes the lock away from whoever has it."""
        if self._system is not None and not os.path.exists(_lock_path(self._path)):
            return False
        return self._soft is None or self._soft.is_ours()

    def release(self) -> None:
        """Let go of it."""
        try:
            if self._soft is not None:
                self._soft.release()
        finally:
            if self._system is not None:
                self._system.release()


@contextmanager
def exclusive(path: Path, patience: float = PATIENCE) -> Iterator[None]:
    """Be the only one who changes `path` during the block.

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
    try:
        make_folder(path.parent)
        lock = _take(path, patience)
        holder = soft_locks.look(_soft_path(path))[0] if lock is None else None
    except OSError as error:
        raise BadFileError(path, f"it cannot be written ({error.strerror or error})", remedy(error)) from error
    if lock is None:
        rule = f"{holder or 'another program'} has been writing to it for {patience:.0f} s"
        todo = "close other windows on this project, or try again"
        if holder is not None:
            todo += f". If that program runs no more, delete {holder.path}"
        raise BadFileError(path, rule, todo)
    try:
        yield
    finally:
        lock.release()


def long_lock(path: Path) -> Lock | None:
    """The lock of `path`, taken for as long as somebody owns it; None where another process has it.

    Raises
    ------
    OSError
        If it cannot be had: no right to write, no such folder.
    """
    return _take(path, A_LOOK, poll=0.02)


def held_by_another(path: Path) -> bool | None:
    """Whether another process has the lock of `path`, found out without waiting; None where that cannot be told.

    False is proof for processes of this computer only.
    """
    try:
        sign = soft_locks.look(_soft_path(path))[1]
    except OSError:
        return None
    if sign == "alive":
        return True
    free = False if sign == "gone" else None
    where = _lock_path(path)
    if not os.path.exists(where):
        return free  # nobody ever had it; to look must not make files
    from filelock import Timeout

    try:
        with _system_lock(path, 0):
            return free
    except Timeout:
        return True
    except OSError as error:  # read-only; or no process of this computer can have what the system does not know
        return free if _is_refused(error) and error.errno not in _NOT_NOW else None


def lock_files(path: Path) -> list[Path]:
    """The files of the lock of `path` that are there, whether or not somebody has it."""
    return [file for file in (Path(_lock_path(path)), _soft_path(path)) if file.exists()]


def forget_lock(path: Path) -> None:
    """Remove the files of a lock that nobody will ever want again; those of one that somebody has stay."""
    soft_locks.clear(_soft_path(path))
    where = _lock_path(path)
    if not os.path.exists(where):
        return
    with suppress(OSError):  # held by somebody, or read-only
        try:
            with _system_lock(path, 0):
                os.unlink(where)  # while it is ours: whoever waits for it finds out that it is gone, and makes another
        except OSError as error:
            if not _is_refused(error) or error.errno in _NOT_NOW:
                raise
            os.unlink(where)


#: For people, of a folder where `has_system_locks` is False.
NO_LOCKS = (
    "The network share keeps no locks. Saving works, with files named ….held in their place. Where a computer crashes "
    f"while it saves, the others wait up to {soft_locks.SILENCE:.0f} seconds for it, once."
)


def has_system_locks(folder: Path) -> bool | None:
    """Whether the operating system keeps locks in a folder, on every computer that was there.

    None where nothing can be written there.
    """
    if (folder / NO_LOCKS_NAME).exists():
        return False
    if not folder.is_dir():
        return None
    probe = folder / f"{secrets.token_hex(4)}.tmp"
    try:
        with _system_lock(probe, 0):
            return True
    except OSError as error:
        return False if _is_refused(error) else None
    finally:
        with suppress(OSError):
            os.unlink(_lock_path(probe))


def _take(path: Path, patience: float, poll: float = 0.05) -> Lock | None:
    """The lock; None where another one has it for that many seconds."""
    from filelock import Timeout

    until = time.monotonic() + patience
    system: BaseFileLock | None = None
    try:
        wanted = _system_lock(path, patience)
        wanted.acquire(poll_interval=poll)
        system = wanted
    except Timeout:
        return None
    except OSError as error:
        if not _is_refused(error):
            raise
    note = path.with_name(NO_LOCKS_NAME)
    if system is None:
        with suppress(FileExistsError):
            note.touch(exist_ok=False)
    elif not os.path.exists(note):
        return Lock(path, system, None)
    soft = SoftLock(_soft_path(path))
    lock, got = Lock(path, system, soft), False
    try:
        got = soft.acquire(max(0.0, until - time.monotonic()))
    finally:
        if not got:
            lock.release()
    return lock if got else None


def _system_lock(path: Path, patience: float) -> BaseFileLock:
    from filelock import FileLock

    # not of a thread: it may be let go of by another one than took it
    return FileLock(_lock_path(path), timeout=patience, thread_local=False, fallback_to_soft=False)


def _is_refused(error: OSError) -> bool:
    """Whether there are no locks here, as opposed to no right to write, or no such folder."""
    return error.errno in _NEVER | _NOT_NOW or getattr(error, "winerror", None) in _WINDOWS_NEVER


def _lock_path(path: Path) -> str:
    return os.fspath(path.with_name(f".{path.name}.lock"))


def _soft_path(path: Path) -> Path:
    return path.with_name(f".{path.name}.held")
