"""Which case a person looks at while a run trains: a small file in the run's folder, as `stop.json` is.

The run shows how the proposal of that case grows (`training/preview.py`). Only the last request counts.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from ..disk import read_json_or_none, write_json
from ..errors import BadFileError, RunError

LOOK_NAME = "look.json"
PREVIEWS = "preview"


def ask_look(folder: Path, case: str | None) -> None:
    """Ask the run of a folder to show how the proposal of a case grows; with None, of no case any more.

    Raises
    ------
    RunError
        When the request cannot be written.
    """
    try:
        if case is None:
            (folder / LOOK_NAME).unlink(missing_ok=True)
        else:
            write_json(folder / LOOK_NAME, {"case": case})
    except (BadFileError, OSError) as error:
        raise RunError(f"Run {folder.name} cannot be asked for a preview of {case}. {error}") from error


def looked_at(folder: Path) -> str | None:
    """The case that is looked at; None where it is none."""
    with suppress(OSError):
        case = (read_json_or_none(folder / LOOK_NAME) or {}).get("case")
        return case if isinstance(case, str) else None
    return None
