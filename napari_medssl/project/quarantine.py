"""Cases whose scan could not be read: noted beside the case, and only for the files as they were then.

A note lapses by itself when a file changes or comes back, so that a mended scan needs nobody to say so.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from ..disk import read_json_or_none, write_json
from ..errors import MedSSLError

NOTE_NAME = "unreadable.json"


def note_unreadable(folder: Path, images: Sequence[Path], reason: str) -> None:
    """Note that a case's scan cannot be read; a project that cannot be written to goes without.

    Parameters
    ----------
    folder : Path
        The case's folder.
    images : sequence of Path
        Its image files.
    reason : str
        The whole sentence.
    """
    values = {"reason": reason, "time": datetime.now(UTC).isoformat(), "files": _stamps(images)}
    with suppress(OSError, MedSSLError):
        write_json(folder / NOTE_NAME, values)


def withdraw_note(folder: Path) -> None:
    """The scan could be read after all."""
    with suppress(OSError):
        (folder / NOTE_NAME).unlink(missing_ok=True)


def has_note(folder: Path) -> bool:
    """Whether there is a note at all; cheap, every reading asks."""
    return os.path.exists(os.path.join(folder, NOTE_NAME))


def why_unreadable(folder: Path, images: Sequence[Path]) -> str | None:
    """Why the scan could not be read; None where nobody noted anything, or the files are others now."""
    if not has_note(folder):
        return None
    with suppress(OSError):
        values = read_json_or_none(folder / NOTE_NAME)
        if values is not None and values.get("files") == _stamps(images):
            return str(values.get("reason", "its scan cannot be read"))
    return None


def _stamps(images: Sequence[Path]) -> list[list[object]]:
    """Path, size and time of each file; what is not there has neither."""
    found: list[list[object]] = []
    for path in images:
        try:
            now = path.stat()
            found.append([str(path), now.st_size, now.st_mtime_ns])
        except OSError:
            found.append([str(path), None, None])
    return found
