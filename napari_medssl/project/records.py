"""`case.json`: what a case is, and who decided what about it when."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ..disk import damaged, names_in, read_record, write_json
from ..errors import DamagedFileError
from ..imaging import Grid
from ..locking import exclusive
from .images import ImageRef
from .inventory import Inventory

CASE_NAME = "case.json"


def new_record(images: Iterable[ImageRef], grid: Grid, patient: str) -> dict[str, Any]:
    """The record of a case that has just been added."""
    return {
        "patient": patient,
        "excluded": None,
        "images": [dataclasses.asdict(ref) for ref in images],
        "grid": grid.to_json(),
        "added": datetime.now(UTC).isoformat(),
        "history": [],
    }


def read_case_record(path: Path) -> tuple[dict[str, Any], Grid] | None:
    """What a `case.json` holds, and the grid in it; None where there is no such file.

    Raises
    ------
    DamagedFileError
        If it is damaged, or a field is not what it should be.
    OSError
        If it cannot be read.
    """
    record = read_record(path)
    if record is None:
        return None
    try:
        images = record["images"]
        if not isinstance(images, list) or not images:
            raise TypeError("no images")
        for values in images:
            ImageRef.from_json(values).check_types()
        if not isinstance(record.get("history", []), list):
            raise TypeError("no history")
        return record, Grid.from_json(record["grid"])
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise damaged(path, why="its images or its grid make no sense") from error


def is_gone(folder: Path) -> bool:
    """Whether neither the record nor labels of a case are left in its folder: a scan of its name may be added again."""
    try:
        return not (folder / CASE_NAME).exists() and not names_in(folder / "labels", ".json")
    except PermissionError:  # nobody can tell
        return False


def why_gone(path: Path, noted: Inventory) -> DamagedFileError | None:
    """What is wrong where there is no `case.json`; None where there is no such case, or not yet.

    Parameters
    ----------
    path : Path
        Where it should be.
    noted : Inventory
        What the project should hold.
    """
    name = path.parent.name
    if names_in(path.parent / "labels", ".json"):
        return DamagedFileError(path, "it is gone, and there are labels of this case", "restore it from a backup")
    if name in noted.forgotten_cases:
        return None
    left = next((what for what in ("strokes", "reviews", "proposals") if names_in(path.parent / what)), None)
    if left is None and name not in noted.cases:
        return None
    rule = f"it is gone, and there are {left} of this case" if left else "it is gone, and the project had this case"
    return DamagedFileError(
        path,
        rule,
        "restore it from a backup, or add its scan again; where the case was removed on purpose, "
        f"`napari-medssl check PROJECT --forget {name}` says so",
    )


def change_record(path: Path, known: Mapping[str, Any], what: str, value: Any, author: str) -> dict[str, Any]:
    """Change one field of a record as it is on disk now, and keep who changed what in its history.

    Parameters
    ----------
    known : mapping
        The record as it was read, where the file is gone.

    Raises
    ------
    DamagedFileError
        If the record is damaged: what others wrote into it is not known, so nothing is written over it.
    BadFileError
        If it cannot be written.
    """
    with exclusive(path):
        record = dict(read_record(path) or known)
        entry = {"time": datetime.now(UTC).isoformat(), "author": author, "field": what, "from": record.get(what)}
        record["history"] = [*record.get("history", ()), {**entry, "to": value}]
        record[what] = value
        write_json(path, record, indent=None)
    return record
