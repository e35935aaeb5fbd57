"""Files written so that a reader, a crash, a full disk or a second window never sees half of one.

The only place that renames files. Everything that is not appended to a journal is written through `replacing`.
"""

from __future__ import annotations

import errno
import json
import os
import re
import secrets
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from .errors import BadFileError, DamagedFileError, UnreadableFileError
from .sealing import is_sealed as is_sealed
from .sealing import put_right as put_right
from .sealing import seal as seal
from .sealing import unseal as unseal
from .sealing import unseal_or_put_right as unseal_or_put_right

_DAY = 86_400.0
_NO_TEXT = re.compile("[\ud800-\udfff]")
_LONGEST_BEGIN = 200  # bytes of a name that its temporary one begins with: 255 are all that a name can have
_WRITABLE = "choose a folder that can be written to, or ask for the right to write there"
_REMEDIES = {
    errno.ENOSPC: "free some space on that disk and try again",
    errno.EDQUOT: "free some space in your quota and try again",
    errno.EROFS: _WRITABLE,
    errno.EACCES: _WRITABLE,
    errno.EPERM: _WRITABLE,
    errno.ENOENT: "make the folder first, or mount the drive it is on",
    errno.ENOTDIR: "a part of this path is a file; choose a folder",
    errno.EEXIST: "a file has this name; choose a folder",
    errno.ENAMETOOLONG: "choose a shorter name",
}


def remedy(error: OSError) -> str:
    """What to do about a failed write, as a clause."""
    return _REMEDIES.get(error.errno or 0, "check the disk and try again")


@contextmanager
def replacing(path: Path, *, new: bool = False, durable: bool = True) -> Iterator[Path]:
    """Write a file under a temporary name; at the end of the block it gets its own: fsync, rename, fsync of the folder.

    Whatever stood at `path` before stays whole until the new file is on the disk, and for good where the block fails.
    The temporary name starts with a dot, so that no listing takes it for an image.

    Parameters
    ----------
    path : Path
        Where the file goes.
    new : bool
        Only under a name that nothing has yet; of two writers at once, one wins.
    durable : bool
        False: do not wait for the disk. A power cut may then leave the file empty.

    Yields
    ------
    Path
        Where to write it.

    Raises
    ------
    BadFileError
        If it cannot be written: disk full, read-only, no such folder. `path` is untouched then.
    FileExistsError
        If the name of a `new` file is taken.
    """
    begin = os.fsencode(path.name)[:_LONGEST_BEGIN].decode(errors="ignore")
    temporary = path.with_name(f".{begin}.{secrets.token_hex(4)}.tmp")
    try:
        try:
            yield temporary
            if durable:
                _sync_file(temporary)
            (_rename_new if new else os.replace)(temporary, path)
        finally:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
        if durable:
            sync_folder(path.parent)
    except FileExistsError:
        raise
    except OSError as error:
        raise BadFileError(path, f"it cannot be written ({error.strerror or error})", remedy(error)) from error


def write_atomically(path: Path, pieces: Iterable[bytes]) -> None:
    """Write bytes through `replacing`.

    Raises
    ------
    BadFileError
        If they cannot be written. `path` is untouched then.
    """
    with replacing(path) as temporary, temporary.open("xb") as file:
        for piece in pieces:
            file.write(piece)


def write_json(path: Path, values: Any, indent: int | None = 1, *, new: bool = False, durable: bool = True) -> None:
    """Write a JSON object, sealed with a checksum, through `replacing`.

    Raises
    ------
    BadFileError
        If it cannot be written.
    FileExistsError
        If the name of a `new` file is taken.
    """
    separators = (",", ":") if indent is None else None
    words = json.dumps(values, indent=indent, separators=separators, ensure_ascii=False)
    if _NO_TEXT.search(words):  # paths that are not UTF-8 are kept in escapes, and are the same when read
        words = json.dumps(values, indent=indent, separators=separators)
    text = seal(words) + "\n"
    with replacing(path, new=new, durable=durable) as temporary, temporary.open("xb") as file:
        file.write(text.encode())


def read_json(path: Path | str) -> dict[str, Any] | None:
    """The JSON object of a file, its checksum verified; None where there is no such file.

    Raises
    ------
    DamagedFileError
        If the file is there and no whole object of ours is in it.
    OSError
        If the file is there and cannot be read.
    """
    return _read_by(unseal, path)


def read_record(path: Path | str) -> dict[str, Any] | None:
    """As `read_json`; where a single bit has changed, what was written before it did (see `sealing.put_right`).

    For what work depends on. The file itself stays as it is: `napari-medssl check` names it, and `--repair` mends it.

    Raises
    ------
    DamagedFileError
        If the file is there and no whole object of ours is in it.
    UnreadableFileError
        If the file is there and cannot be read.
    """
    try:
        return _read_by(unseal_or_put_right, path)
    except OSError as error:
        raise UnreadableFileError(path, error) from error


def _read_by(reading: Callable[[bytes], dict[str, Any]], path: Path | str) -> dict[str, Any] | None:
    data = _read(path)
    if data is None:
        return None
    try:
        return reading(data)
    except ValueError as error:
        raise damaged(path, data) from error


def damaged(path: Path | str, data: bytes = b" ", why: str = "") -> DamagedFileError:
    """The error for a file of ours that holds something else than what was written."""
    rule = "it is damaged, cut short or edited by hand"
    rule += f" ({why})" if why else "" if data else " (it is empty)"
    return DamagedFileError(path, rule, "restore it from a backup, or see `napari-medssl check`")


def _read(path: Path | str) -> bytes | None:
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
    return data


def read_json_or_none(path: Path | str) -> dict[str, Any] | None:
    """As `read_json`; None, too, where the file is damaged: for what can be made anew and nobody would miss.

    Raises
    ------
    OSError
        If the file is there and cannot be read.
    """
    try:
        return read_json(path)
    except DamagedFileError:
        return None


def set_aside(path: Path) -> Path | None:
    """Keep a damaged file under another name in its folder, and no more under its own.

    Returns
    -------
    Path or None
        `<name>.damaged-<time>-<random>`; None where there was no file.

    Raises
    ------
    BadFileError
        If it cannot be renamed; it stays where it is then.
    """
    kept = _name_aside(path)
    try:
        os.rename(path, kept)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _not_kept(path, error) from error
    sync_folder(path.parent)
    return kept


def keep_copy(path: Path) -> Path | None:
    """Keep a damaged file under a second name in its folder, before another one is written in its place.

    It has its own name until then: where that cannot be written, or the process ends in between, nothing is gone.

    Returns
    -------
    Path or None
        As of `set_aside`.

    Raises
    ------
    BadFileError
        If it cannot be kept.
    """
    kept = _name_aside(path)
    try:
        try:
            os.link(path, kept)
        except FileNotFoundError:
            return None
        except OSError:  # a disk that knows no links
            write_atomically(kept, [path.read_bytes()])
    except OSError as error:
        raise _not_kept(path, error) from error
    sync_folder(path.parent)
    return kept


def may_read(path: Path | str) -> bool:
    """Whether a file can be opened to read it; what is not there counts."""
    try:
        os.close(os.open(path, os.O_RDONLY))
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return True


def _name_aside(path: Path) -> Path:
    if not may_read(path):  # nobody knows that it is damaged
        raise UnreadableFileError(path, PermissionError(errno.EACCES, os.strerror(errno.EACCES)))
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    return path.with_name(f"{path.name}.damaged-{stamp}-{secrets.token_hex(2)}")


def _not_kept(path: Path, error: OSError) -> BadFileError:
    return BadFileError(path, f"it cannot be kept aside ({error.strerror or error})", remedy(error))


def remove_if(path: Path, is_it: Callable[[Path], bool]) -> bool:
    """Remove a file, but not another one that somebody put in its place meanwhile.

    Parameters
    ----------
    path : Path
    is_it : callable
        Given the file under a temporary name, says whether it is the one to remove; else it gets its name back.

    Returns
    -------
    bool
        Whether nothing is left under that name.

    Raises
    ------
    BadFileError
        If it cannot be removed.
    """
    aside = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        os.rename(path, aside)
        if is_it(aside):
            aside.unlink()
            return True
        with suppress(FileExistsError):
            _rename_new(aside, path)
        aside.unlink(missing_ok=True)
    except FileNotFoundError:
        return not path.exists()
    except OSError as error:
        raise BadFileError(path, f"it cannot be removed ({error.strerror or error})", remedy(error)) from error
    return False


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
        left = [entry for entry in os.scandir(folder) if is_temporary(entry.name)]
        age = ages_in(folder)
        for entry in left:
            if age(Path(entry.path)) > _DAY:
                with suppress(OSError):
                    os.unlink(entry.path)


def is_temporary(name: str) -> bool:
    """Whether `replacing` gives such names to what is not finished."""
    return name.startswith(".") and name.endswith(".tmp")


def ages_in(folder: Path) -> Callable[[Path], float]:
    """A function that tells how many seconds ago a file near a folder was changed, by the clock of their disk.

    A share has a clock of its own, and that of this computer may be wrong. A time to come is as far off as one that is
    past: the clock was put back since, and such a file must not count as new until then. The clock is asked once, and
    only where there is a file; one that is not there was changed just now.
    """
    now: list[float] = []

    def age(path: Path) -> float:
        try:
            changed = path.stat().st_mtime
        except OSError:
            return 0.0
        if not now:
            now.append(clock_of(folder))
        return abs(now[0] - changed)

    return age


def clock_of(folder: Path) -> float:
    """What the clock of the disk says where a folder lies, in seconds since the epoch."""
    probe = folder / f".clock.{secrets.token_hex(4)}.tmp"
    try:
        probe.touch()
        return probe.stat().st_mtime
    except OSError:  # it cannot be written to
        return time.time()
    finally:
        with suppress(OSError):
            probe.unlink(missing_ok=True)


def _sync_file(path: Path) -> None:
    with path.open("rb+") as file:  # for writing: Windows refuses otherwise
        os.fsync(file.fileno())


def link_new(path: Path, name: Path) -> None:
    """Give a file a second name, in one step.

    Raises
    ------
    FileExistsError
        If the name is taken.
    OSError
        If there are no links on that disk, or it cannot be written to.
    """
    os.link(path, name)


def move_over(path: Path, name: Path) -> None:
    """Give a file the name of another one, which is no more, in one step; the disk is not waited for.

    Raises
    ------
    OSError
        If it cannot be renamed.
    """
    os.replace(path, name)


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
