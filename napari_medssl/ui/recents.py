"""The projects a person opened last: a small file in that person's data folder, beside the sample project."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ..disk import make_folder, read_json_or_none, write_json
from ..errors import MedSSLError

KEPT = 8
FILE_NAME = "recent.json"


@dataclass(frozen=True)
class Recent:
    """A project that was open; `there` says whether it can still be found."""

    root: str
    name: str
    there: bool = True


def data_folder() -> Path:
    """Where a person's own things live: the sample project, the list of recent projects."""
    if os.name == "nt":
        base = Path(os.environ.get("LOCALAPPDATA", Path.home()))
    else:
        base = Path(os.environ.get("XDG_DATA_HOME", Path.home() / ".local" / "share"))
    return base / "napari-medssl"


def read_recent(folder: Path | None = None) -> tuple[Recent, ...]:
    """The recent projects, newest first; none where the list is gone or damaged."""
    listed = None
    with suppress(OSError):
        listed = read_json_or_none((folder or data_folder()) / FILE_NAME)
    found = (listed or {}).get("projects")
    entries = [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
    return tuple(
        Recent(str(one["root"]), str(one.get("name", "")), (Path(str(one["root"])) / "project.json").is_file())
        for one in entries[:KEPT]
        if "root" in one
    )


def remember(root: Path, name: str, folder: Path | None = None) -> tuple[Recent, ...]:
    """Put a project first in the list; where that cannot be written, it is only not remembered."""
    folder = folder or data_folder()
    before = [one for one in read_recent(folder) if one.root != str(root)]
    now = (Recent(str(root), name), *before)[:KEPT]
    with suppress(OSError, MedSSLError):
        make_folder(folder)
        write_json(folder / FILE_NAME, {"projects": [{"root": one.root, "name": one.name} for one in now]})
    return now


def forget(root: str, folder: Path | None = None) -> tuple[Recent, ...]:
    """Strike a project off the list; the project itself is not touched."""
    folder = folder or data_folder()
    now = tuple(one for one in read_recent(folder) if one.root != root)
    with suppress(OSError, MedSSLError):
        make_folder(folder)
        write_json(folder / FILE_NAME, {"projects": [{"root": one.root, "name": one.name} for one in now]})
    return now
