"""`project.json`: what a project is about, and which versions can read it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ..disk import make_folder, names_in, read_record, write_json
from ..errors import DamagedFileError, ProjectError, UnreadableFileError
from ..locking import exclusive
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
    broken = ProjectError(f"{path}: this project file is damaged. Restore it from a backup.")
    with one_clear_line("The project cannot be opened", path):
        try:
            settings = read_record(path)
        except UnreadableFileError as error:
            raise ProjectError(str(error)) from error
        except DamagedFileError as error:
            raise broken from error
    if settings is None or settings.get("format") != _FORMAT:
        if settings is not None:
            raise broken
        raise ProjectError(
            f"{root}: there is no project here. Open another folder, or make one with `napari-medssl new`."
        )
    schema = settings.get("schema")
    if not isinstance(schema, int) or schema > SCHEMA:
        raise ProjectError(
            f"{root}: a newer version of napari-medssl made this project (schema {schema}; this version reads up to "
            f"{SCHEMA}). Update it: pip install --upgrade napari-medssl"
        )
    try:
        _check_types(settings)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, ProjectError) as error:
        raise broken from error
    return settings


def _check_types(settings: Mapping[str, Any]) -> None:
    """Make sure that each field is what it should be; a `TypeError` or one of its kind where it is not."""
    if not isinstance(settings["name"], str) or not isinstance(settings["classes"], list):
        raise TypeError("no name, or no classes")
    for values in settings["classes"]:
        ClassInfo.from_json(values)
    channels = settings["channels"]
    if not isinstance(channels, list) or not channels or not all(isinstance(one, str) for one in channels):
        raise TypeError("no channels")
    changes = settings.get("changes", [])
    if not isinstance(changes, list):
        raise TypeError("no changes")
    for change in changes:
        if not isinstance(change["runs"], list) or not isinstance(change["words"], str) or "id" not in change:
            raise TypeError("a change that is none")


def change_settings(root: Path, change: Callable[[dict[str, Any]], Mapping[str, Any]]) -> dict[str, Any]:
    """Change fields of `project.json` as it is on disk now, all in one step.

    Parameters
    ----------
    change : callable
        Given what is in it, gives the fields that change; nobody else changes any meanwhile.

    Raises
    ------
    ProjectError
        If it cannot be read or written.
    """
    name = read_settings(root)["name"]
    with one_clear_line(f"Project {name}: the change was not saved", root), exclusive(root / PROJECT_NAME):
        settings = read_settings(root)
        settings |= change(settings)
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
