"""Records made anew from what is left: of labels that are whole, and of a case whose scan is the one that was added.

What cannot be known is said to be unknown, and labels come back as a draft, so that a person looks at them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..disk import write_json
from ..errors import BadFileError
from ..imaging import file_sha256, read_labels
from .classes import ClassInfo, foreign_values, voxel_counts
from .images import ImageRef, look_at_images
from .revisions import Revision, commit_revision

if TYPE_CHECKING:
    from .case import Case
    from .project import Project

NOTE = "the record of these labels was lost and made anew: who drew them is not known"
_MEMBER = re.compile(r'"(patient|excluded|images|grid|added|history|flagged|comment)":\s*')


def rebuild_revision(case: Case, path: Path, id: str, classes: Iterable[ClassInfo]) -> Revision | None:
    """Make the record of labels whose file is whole; None where the file does not fit the case.

    Nothing is known of who drew them and whether they are complete, so they count as an imported draft.
    """
    try:
        labels = read_labels(path)
        array = labels.array.reshape(case.grid.shape)
    except (BadFileError, ValueError):
        return None
    if case.grid.unit == "mm" and case.grid.mismatch(labels.grid) is not None:
        return None
    if foreign_values(array, classes):
        return None
    revision = Revision(
        id=id,
        path=path,
        author="",
        time=datetime.fromtimestamp(path.stat().st_mtime, UTC).isoformat(),
        origin="imported",
        complete=False,
        minutes=0.0,
        parent=None,
        run=None,
        note=NOTE,
        dice_to_proposal=None,
        changes={},
        voxels=voxel_counts(array),
        sha256=file_sha256(path),
    )
    commit_revision(revision)
    return revision


def salvage_record(project: Project, text: str) -> dict[str, Any] | None:
    """The record of a case from what is left of its text; None where its scan cannot be told for certain.

    The scan must be there and have the checksum that the text tells; its grid is read from it anew.
    """
    found: dict[str, Any] = {}
    for member in _MEMBER.finditer(text):
        try:
            value, _ = json.JSONDecoder().raw_decode(text, member.end())
        except (ValueError, RecursionError):
            continue
        found.setdefault(member[1], value)
    try:
        refs = [ImageRef.from_json(values) for values in found["images"]]
        for ref in refs:
            ref.check_types()
        paths = [ref.locate(project.root) for ref in refs]
        seen, grid = look_at_images(paths, project.root, project.channels, refs[0].volume)
        patient = found["patient"]
    except (KeyError, TypeError, IndexError, AttributeError, BadFileError):
        return None
    same = [one.sha256 for one in seen] == [one.sha256 for one in refs]
    if not same or not isinstance(patient, str) or not isinstance(found.get("history", []), list):
        return None
    entry = {"time": datetime.now(UTC).isoformat(), "author": "", "field": "record", "from": "damaged", "to": "rebuilt"}
    return {
        "excluded": None,
        "added": "",
        **found,
        "grid": grid.to_json(),
        "history": [*found.get("history", ()), entry],
    }


def write_salvaged(path: Path, record: dict[str, Any]) -> None:
    """Write a record that was put together.

    Raises
    ------
    BadFileError
        If it cannot be written.
    """
    write_json(path, record, indent=None)
