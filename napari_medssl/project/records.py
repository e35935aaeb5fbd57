"""`case.json`: what a case is, and who decided what about it when."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ..disk import damaged, read_record, write_json
from ..imaging import Grid
from ..locking import exclusive
from .images import ImageRef

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
