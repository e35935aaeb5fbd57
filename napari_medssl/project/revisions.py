"""Label revisions: what people drew, append-only.

`<id>.nii.gz` (or `.png` on raster grids) is written first and `<id>.json` last; a revision counts once both are there.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal, get_args

from ..disk import damaged, names_in, read_record, write_json
from ..errors import DamagedFileError

Origin = Literal["drawn", "accepted", "imported", "corrected"]
ORIGINS: tuple[str, ...] = get_args(Origin)
_COUNTED = re.compile(r"(.*)_n(\d{9})[0-9a-f]{6}")
_STAMP = "%Y%m%dT%H%M%S%fZ"


@dataclass(frozen=True)
class Revision:
    """One committed state of a case's labels.

    Parameters
    ----------
    id : str
        Time in UTC and a few random letters; later ones sort after earlier ones.
    path : Path
        The label file.
    author, time : str
        Who, and when (ISO 8601, UTC).
    origin : str
        "drawn", "accepted" (a proposal as it was), "corrected" (a proposal with changes) or "imported".
    complete : bool
        Whether the author was done; a draft otherwise.
    minutes : float
        Working time on it, as measured while it was drawn.
    parent, run : str or None
        The revision it was made from; the run whose proposal it was made from.
    dice_to_proposal : float or None
        Mean Dice over classes between that proposal and this, 0 to 1.
    changes : mapping
        Voxels that differ from that proposal: "added", "removed", "relabelled"; empty without one.
    voxels : mapping
        Voxels of each value that occurs.
    sha256 : str
        Of the label file's bytes.
    strokes : int or None
        Strokes, fills and polygons since the revision before; None where they were not counted.
    session : str
        Of the window on this case that saved it, where one did: its logs of strokes bear it, too.
    beside : str
        The revision of somebody else that it was kept beside: it stays in the history, and never counts as the newest.
        "" for all others.
    """

    id: str
    path: Path
    author: str
    time: str
    origin: str
    complete: bool
    minutes: float
    parent: str | None
    run: str | None
    note: str
    dice_to_proposal: float | None
    changes: Mapping[str, int]
    voxels: Mapping[int, int]
    sha256: str
    strokes: int | None = None
    session: str = ""
    beside: str = ""

    @property
    def origin_map_path(self) -> Path:
        """Where the origin of each voxel is, where it was kept (see `origins`)."""
        return self.path.with_name(f"{self.id}.origin.nii.gz")


def revision_ids(folder: Path) -> list[str]:
    """Ids in a `labels` folder, oldest first, unopened."""
    return sorted(name[: -len(".json")] for name in names_in(folder, ".json"))


def taken_ids(folder: Path) -> list[str]:
    """Ids in a `labels` folder, those of label files without a record among them, oldest first."""
    names = names_in(folder)
    records = {name.removesuffix(".json") for name in names if name.endswith(".json")}
    return sorted((records | {label_id(name) for name in names}) - {""})


def read_revision(folder: Path, id: str) -> Revision | None:
    """A committed revision; None where there is none, or its files are not whole (see `load_revision`)."""
    try:
        return load_revision(folder, id)
    except DamagedFileError:
        return None


def load_revision(folder: Path, id: str) -> Revision | None:
    """A committed revision; None where there is none of that id.

    Raises
    ------
    DamagedFileError
        If its record is damaged, or its label file is not there.
    """
    record = os.path.join(folder, f"{id}.json")
    values = read_record(record)
    if values is None:
        return None
    try:
        path = folder / os.path.basename(values["file"])
        revision = Revision(
            id=id,
            path=path,
            author=str(values["author"]),
            time=str(values["time"]),
            origin=str(values["origin"]),
            complete=bool(values["complete"]),
            minutes=float(values["minutes"]),
            parent=_word_or_none(values["parent"]),
            run=_word_or_none(values["run"]),
            note=str(values["note"]),
            dice_to_proposal=None if values["dice_to_proposal"] is None else float(values["dice_to_proposal"]),
            changes={str(what): int(count) for what, count in values["changes"].items()},
            voxels={int(value): int(count) for value, count in values["voxels"].items()},
            sha256=str(values["sha256"]),
            strokes=None if values.get("strokes") is None else int(values["strokes"]),  # older ones have none
            session=str(values.get("session", "")),
            beside=str(values.get("beside", "")),
        )
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise damaged(record, why="it is no record of labels") from error
    if not os.path.exists(path):
        rule = "the labels that it tells of are not there"
        raise DamagedFileError(path, rule, "restore them from a backup, or see `napari-medssl check`")
    return revision


def _word_or_none(value: Any) -> str | None:
    return None if value is None else str(value)


def label_id(name: str) -> str:
    """The revision that a file name is the labels of; "" for other files."""
    for ending in (".nii.gz", ".png"):
        id = name.removesuffix(ending)
        if id != name and "." not in id:
            return id
    return ""


def newest_revision(folder: Path) -> Revision | None:
    """The newest committed revision of a `labels` folder that counts; None where there is none."""
    found = (read_revision(folder, id) for id in reversed(revision_ids(folder)))
    return next((one for one in found if one is not None and not one.beside), None)


def commit_revision(revision: Revision) -> None:
    """Write the JSON that makes a revision count; its label file is there already.

    Raises
    ------
    BadFileError
        If it cannot be written.
    """
    write_json(revision.path.parent / f"{revision.id}.json", revision_to_json(revision))


def revision_to_json(revision: Revision) -> dict[str, Any]:
    """What `<id>.json` holds."""
    values = {name: getattr(revision, name) for name in Revision.__dataclass_fields__ if name not in ("id", "path")}
    return {"file": revision.path.name, **values}


def new_revision_id(existing: list[str]) -> tuple[str, datetime]:
    """An id that sorts after all there are, even where a clock went back, or one stood at the year 9999."""
    now = datetime.now(UTC)
    last, some = max(existing, default=""), secrets.token_hex(3)
    id = f"{now:{_STAMP}}-{some}"
    if id <= last:
        with suppress(ValueError, OverflowError):
            after = datetime.strptime(last.partition("-")[0], _STAMP) + timedelta(microseconds=1)
            id = f"{after:{_STAMP}}-{some}"
    if id <= last:  # no later time, or no id of ours: count on; "_" sorts after the "." of a name's end
        counted = _COUNTED.fullmatch(last)
        base, number = (counted[1], int(counted[2])) if counted else (last, 0)
        id = f"{base}_n{number + 1:09d}{some}"
    return id, now
