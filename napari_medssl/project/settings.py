"""`project.json`: what a project is about, and which versions can read it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ..disk import make_folder, names_in, read_json_or_none, write_json
from ..errors import ProjectError
from .classes import ClassInfo, check_classes
from .refusals import one_clear_line

SCHEMA = 1
PROJECT_NAME = "project.json"
_FORMAT = "napari-medssl project"
_CLUTTER = {"Thumbs.db", "desktop.ini"}  # what Windows leaves in folders


def new_settings(root: Path, classes: Iterable[ClassInfo], channels: Iterable[str], name: str | None) -> dict[str, Any]:
    """Make the `project.json` of a new project, in a new or empty folder.

    Raises
    ------
    ProjectError
        If there is a project or anything else in the folder, or it cannot be written to.
    """
    if (root / PROJECT_NAME).exists():
        raise ProjectError(f"{root}: there is a project here already. Open it, or choose another folder.")
    settings = {
        "format": _FORMAT,
        "schema": SCHEMA,
        "name": name or root.name,
        "created": datetime.now(UTC).isoformat(),
        "classes": [one.to_json() for one in check_classes(classes)],
        "channels": list(check_channels(channels)),
    }
    with one_clear_line("The project was not made", root):
        if root.exists() and not root.is_dir():
            raise ProjectError(f"{root}: this is a file. Choose a new or empty folder.")
        if set(names_in(root)) - _CLUTTER:
            raise ProjectError(
                f"{root}: the folder is not empty, and a project wants one of its own. Choose a new or empty folder; "
                "the scans can stay where they are."
            )
        make_folder(root)
        try:
            write_json(root / PROJECT_NAME, settings, new=True)
        except FileExistsError:
            raise ProjectError(f"{root}: somebody made a project here just now. Open it.") from None
    return settings


def read_settings(root: Path) -> dict[str, Any]:
    """The `project.json` in a folder.

    Raises
    ------
    ProjectError
        If there is none, it is damaged, or a newer version wrote it.
    """
    path = root / PROJECT_NAME
    with one_clear_line("The project cannot be opened", path):
        settings = read_json_or_none(path)
    if settings is None or settings.get("format") != _FORMAT:
        if path.exists():
            raise ProjectError(f"{path}: this project file is damaged. Restore it from a backup.")
        raise ProjectError(f"{root}: there is no project here. Open another folder, or make one (napari-medssl new).")
    schema = settings.get("schema")
    if not isinstance(schema, int) or schema > SCHEMA:
        raise ProjectError(
            f"{root}: a newer version of napari-medssl made this project (schema {schema}; this version reads up to "
            f"{SCHEMA}). Update it: pip install --upgrade napari-medssl."
        )
    return settings


def change_settings(root: Path, values: Mapping[str, Any]) -> dict[str, Any]:
    """Change fields of `project.json` as it is on disk now, all in one step.

    Raises
    ------
    ProjectError
        If it cannot be read or written.
    """
    settings = {**read_settings(root), **values}
    with one_clear_line(f"Project {settings['name']}: the change was not saved", root):
        write_json(root / PROJECT_NAME, settings)
    return settings


def check_channels(channels: Iterable[str]) -> tuple[str, ...]:
    """Return the channel names.

    Raises
    ------
    ProjectError
        If there are none, or two share a name.
    """
    names = tuple(channels)
    if not names or len(set(names)) != len(names) or not all(name.strip() for name in names):
        raise ProjectError(f"The channels need names of their own, at least one, not {', '.join(names) or 'none'}.")
    return names
