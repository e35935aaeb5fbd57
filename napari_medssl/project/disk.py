"""JSON on disk, written so that a crash, a full disk or a second window never sees half of it."""

from __future__ import annotations

import errno
import json
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from ..errors import BadFileError, ProjectError
from ..imaging.formats.atomic import write_atomically

_DAY = 86_400.0
_REMEDIES = {
    errno.ENOSPC: "Free some space on that disk and try again",
    errno.EDQUOT: "Free some space in your quota and try again",
    errno.EROFS: "Choose a folder that can be written to, or ask for the right to write there",
    errno.EACCES: "Choose a folder that can be written to, or ask for the right to write there",
    errno.EPERM: "Choose a folder that can be written to, or ask for the right to write there",
}


@contextmanager
def one_clear_line(what: str, path: Path) -> Iterator[None]:
    """Turn a failed write into a `ProjectError` that says what was not done, where, why, and what to do.

    Parameters
    ----------
    what : str
        The sentence's beginning: "Case 3: the labels were not saved".
    path : Path
        The folder or file to name where the error names none.

    Raises
    ------
    ProjectError
        For any `OSError`, and for a `BadFileError` that stems from one.
    """
    try:
        yield
    except BadFileError as error:
        if not isinstance(error.__cause__, OSError):
            raise
        raise _clear(what, error.path, error.__cause__) from error
    except OSError as error:
        raise _clear(what, Path(error.filename) if isinstance(error.filename, str) else path, error) from error


def _clear(what: str, path: Path, error: OSError) -> ProjectError:
    remedy = _REMEDIES.get(error.errno or 0, "Check the disk and try again")
    return ProjectError(f"{what}: {path}: {error.strerror or error}. {remedy}; what was saved before is untouched.")


def make_folder(path: Path) -> None:
    """Make a folder and its parents, durably; fine where it is there already."""
    if path.is_dir():
        return
    make_folder(path.parent)
    path.mkdir(exist_ok=True)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make new names in a folder durable. Windows has no such call, and some network shares refuse it."""
    if os.name == "nt":
        return
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def write_json(path: Path, values: Any, indent: int | None = 1) -> None:
    """Write JSON in one step: whatever stood there is replaced whole or not at all.

    Raises
    ------
    BadFileError
        If it cannot be written.
    """
    write_atomically(path, [_encode(values, indent)])


def write_new_json(path: Path, values: Any, indent: int | None = 1) -> None:
    """Write JSON in one step under a name that nothing has yet; of two writers at once, one wins.

    Raises
    ------
    FileExistsError
        If the name is taken.
    OSError
        If it cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        with temporary.open("xb") as file:
            file.write(_encode(values, indent))
            file.flush()
            os.fsync(file.fileno())
        _rename_new(temporary, path)
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
    sync_folder(path.parent)


def _rename_new(temporary: Path, path: Path) -> None:
    """Rename, unless the new name is taken. `os.link` decides in one step where the disk knows hard links."""
    if os.name == "nt":
        temporary.rename(path)  # refuses a taken name there
        return
    try:
        os.link(temporary, path)
    except FileExistsError:
        raise
    except OSError:
        if path.exists():
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path)) from None
        os.replace(temporary, path)


def read_json(path: Path | str) -> dict[str, Any] | None:
    """The JSON object of a file; None where there is no such file, or no whole object in it (a sync still under way).

    Raises
    ------
    OSError
        If the file is there and cannot be read.
    """
    try:
        # os.open instead of open(): a listing reads ten thousand of these, and this is twice as fast
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
    except (FileNotFoundError, NotADirectoryError):
        return None
    try:
        data = b""
        while chunk := os.read(handle, 1 << 16):
            data += chunk
    finally:
        os.close(handle)
    try:
        values = json.loads(data.decode())
    except ValueError:
        return None
    return values if isinstance(values, dict) else None


def names_in(folder: Path | str, ending: str = "") -> list[str]:
    """Names in a folder that end so, hidden ones left out; none where there is no such folder."""
    try:
        found = os.listdir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return []
    return [name for name in found if name.endswith(ending) and not name.startswith(".")]


def sweep(folder: Path) -> None:
    """Remove temporary files that a crash left in a folder more than a day ago; nothing with a name of its own."""
    with suppress(OSError):
        for entry in os.scandir(folder):
            if entry.name.startswith(".") and entry.name.endswith(".tmp"):
                with suppress(OSError):
                    if time.time() - entry.stat().st_mtime > _DAY:
                        os.unlink(entry.path)


def _encode(values: Any, indent: int | None) -> bytes:
    separators = (",", ":") if indent is None else None
    return (json.dumps(values, indent=indent, separators=separators, ensure_ascii=False) + "\n").encode()
