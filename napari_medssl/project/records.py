"""`case.json`: what a case is, and who decided what about it when."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ..disk import read_json_or_none, write_json
from ..imaging import Grid
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


def change_record(path: Path, known: Mapping[str, Any], what: str, value: Any, author: str) -> dict[str, Any]:
    """Change one field of a record as it is on disk now, and keep who changed what in its history.

    Parameters
    ----------
    known : mapping
        The record as it was read, where the file is gone.

    Raises
    ------
    BadFileError
        If it cannot be written.
    """
    record = dict(read_json_or_none(path) or known)
    entry = {"time": datetime.now(UTC).isoformat(), "author": author, "field": what, "from": record.get(what)}
    record["history"] = [*record.get("history", ()), {**entry, "to": value}]
    record[what] = value
    write_json(path, record, indent=None)
    return record
