"""Writing a file so that a reader, a crash or a full disk never sees half of it."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from napari_medssl.errors import BadFileError

_REMEDIES = {
    errno.ENOSPC: "free some space on that disk and save again",
    errno.EDQUOT: "free some space in your quota and save again",
    errno.EROFS: "choose a folder that can be written to",
    errno.EACCES: "choose a folder that can be written to",
    errno.EPERM: "choose a folder that can be written to",
    errno.ENOENT: "make the folder first, or mount the drive it is on",
}


def write_atomically(path: Path, pieces: Iterable[bytes]) -> None:
    """Write `pieces` to `path`: temporary name in the same folder, fsync, rename, fsync of the folder.

    Whatever stood at `path` before stays whole until the new file is on the disk. The temporary name starts with a
    dot, so that no listing takes it for an image.

    Raises
    ------
    BadFileError
        If it cannot be written: disk full, read-only, no such folder. `path` is untouched then.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        try:
            with temporary.open("xb") as file:
                for piece in pieces:
                    file.write(piece)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        except BaseException:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise
        _sync_folder(path.parent)
    except OSError as error:
        remedy = _REMEDIES.get(error.errno or 0, "check the disk and save again")
        raise BadFileError(path, f"it cannot be written ({error.strerror or error})", remedy) from error


def _sync_folder(folder: Path) -> None:
    """Make the rename itself durable. Windows has no such call, and some network shares refuse it."""
    if os.name == "nt":
        return
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
