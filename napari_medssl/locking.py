"""One writer at a time for a file that is read, changed and written back, across threads, processes and computers."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .disk import make_folder, remedy
from .errors import BadFileError

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

    lock = FileLock(os.fspath(path.with_name(f".{path.name}.lock")), timeout=patience)
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
