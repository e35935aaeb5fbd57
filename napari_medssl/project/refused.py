"""Files that an import refused: kept in the project with the reason, until they are taken or forgotten."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, get_args

from ..disk import damaged, keep_copy, read_record, write_json
from ..errors import DamagedFileError
from ..locking import exclusive
from .refusals import one_clear_line

REFUSED_NAME = "refused.json"
Kind = Literal["scan", "labels"]


@dataclass(frozen=True)
class Refused:
    """A file that was not taken, with the whole sentence why."""

    path: str
    reason: str
    kind: Kind
    time: str


def read_refused(root: Path) -> tuple[Refused, ...]:
    """The refused files of the project in a folder, in the order they came; a damaged list counts as none."""
    with suppress(DamagedFileError):
        return load_refused(root)
    return ()


def load_refused(root: Path) -> tuple[Refused, ...]:
    """The refused files of the project in a folder, in the order they came.

    Raises
    ------
    DamagedFileError
        If the list is damaged.
    """
    path = root / REFUSED_NAME
    try:
        return tuple(
            Refused(str(one["path"]), str(one["reason"]), one["kind"], str(one["time"]))
            for one in (read_record(path) or {}).get("files", ())
            if one["kind"] in get_args(Kind)
        )
    except (TypeError, KeyError, AttributeError) as error:
        raise damaged(path, why="it is no list of files") from error


def note_refused(root: Path, refused: Iterable[tuple[Path, str]], kind: Kind, tried: Iterable[Path] = ()) -> None:
    """Keep what an import refused, and strike off what it took.

    Parameters
    ----------
    root : Path
        The project's folder.
    refused : iterable of (Path, str)
        Files with the sentence why.
    tried : iterable of Path
        All files the import looked at: what was refused before counts no more.

    Raises
    ------
    ProjectError
        If the list cannot be written.
    """
    now = datetime.now(UTC).isoformat()
    new = [Refused(str(path), reason, kind, now) for path, reason in refused]
    gone = {str(path) for path in tried} | {one.path for one in new}
    _change(root, gone, new)


def forget_refused(root: Path, paths: Collection[str]) -> None:
    """Strike files off the list; the files themselves are not touched.

    Raises
    ------
    ProjectError
        If the list cannot be written.
    """
    _change(root, set(paths), [])


def _change(root: Path, gone: Collection[str], new: list[Refused]) -> None:
    path = root / REFUSED_NAME
    if not new and not any(one.path in gone for one in read_refused(root)):
        return
    with one_clear_line("The list of refused files was not saved", path), exclusive(path):
        kept = [one for one in read_refused(root) if one.path not in gone]
        try:
            load_refused(root)
        except DamagedFileError:
            keep_copy(path)
        write_json(path, {"files": [asdict(one) for one in (*kept, *new)]})
