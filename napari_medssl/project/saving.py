"""Saving what a person drew: the checks, and the order of writing that makes it all or nothing."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..disk import make_folder, sweep
from ..errors import BadFileError, ProjectError
from ..imaging import Labels, file_sha256, stretches, write_labels
from ..locking import exclusive
from .classes import ClassInfo, foreign_values, refuse_values, voxel_counts
from .origins import ORIGIN_CODES, Comparison, compare, origins_from_proposal
from .proposals import Proposal, label_ending
from .revisions import Origin, Revision, commit_revision, new_revision_id, newest_revision, taken_ids

#: Of a save that does not care what was saved before it.
ANYTHING = "anything"
#: Seconds to wait while another window saves the same case: a large mask takes a while.
PATIENCE = 60.0


class NewerRevision(ProjectError):
    """Somebody else has saved newer labels than those that the saver knew.

    Attributes
    ----------
    revision : Revision or None
        The newest one: `author` and `time` say who and when. None where the one that the saver knew is gone.
    """

    def __init__(self, case: str, revision: Revision | None) -> None:
        self.revision = revision
        if revision is None:
            said = f"{case}: the labels that yours were drawn on are not there any more. Open the case again."
        else:
            when = f"{revision.time[:16].replace('T', ' ')} UTC"
            said = (
                f"{case}: {revision.author or 'somebody'} saved newer labels at {when}. Look at them first, or say "
                "that yours are to be the newest; both are kept."
            )
        super().__init__(said)


@dataclass(frozen=True)
class Provenance:
    """How labels came about; see `Case.save_labels`."""

    author: str
    origin: Origin
    minutes: float
    parent: str | None
    run: str | None
    complete: bool
    note: str
    dice_to_proposal: float | None
    strokes: int | None = None
    session: str = ""
    beside: str = ""


def check_array(
    where: str, array: NDArray[Any], shape: tuple[int, ...], classes: Collection[ClassInfo]
) -> NDArray[np.uint8]:
    """Return labels as uint8.

    Parameters
    ----------
    where : str
        Beginning of an error: "Case 3".
    array : integer or boolean array of shape `shape`
        The labels.

    Raises
    ------
    ProjectError
        If shape or dtype do not fit, or values are no class, naming them.
    """
    array = np.asarray(array)
    if array.shape != shape:
        raise ProjectError(
            f"{where}: labels of shape {array.shape} do not fit the scan's {shape}. Draw them on this scan."
        )
    if array.dtype.kind not in "bui":
        raise ProjectError(f"{where}: labels are whole numbers, not {array.dtype}. Round them first.")
    if array.dtype.kind != "b" and array.dtype != np.uint8 and (array.min() < 0 or array.max() > 255):
        found = [np.unique(piece[(piece < 0) | (piece > 255)])[:10] for (piece,) in stretches(array)]
        outside = np.unique(np.concatenate(found))[:10].tolist()
        raise refuse_values(where, outside, classes)
    labels: NDArray[np.uint8] = array.astype(np.uint8, copy=False)
    foreign = foreign_values(labels, classes)
    if foreign:
        raise refuse_values(where, foreign, classes)
    return labels


def check_origins(where: str, origins: NDArray[Any], shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Return the origin of each voxel as uint8.

    Raises
    ------
    ProjectError
        If shape or codes do not fit.
    """
    whole = origins.dtype.kind in "bui"
    if origins.shape != shape or not (whole and 0 <= int(origins.min()) <= int(origins.max()) <= len(ORIGIN_CODES)):
        raise ProjectError(f"{where}: the origins do not fit the labels. Use codes 0 to 4, one per voxel.")
    return origins.astype(np.uint8)


def compare_with(proposal: Proposal | None, labels: NDArray[np.uint8]) -> tuple[Comparison, NDArray[np.uint8] | None]:
    """What was changed in a proposal, and where each voxel comes from; nothing where the proposal cannot be read.

    A person's work is saved whether or not the machine's can still be read.
    """
    try:
        before = None if proposal is None else proposal.read_labels().array
    except BadFileError:
        before = None
    if before is None or before.shape != labels.shape:
        return Comparison(None, {}), None
    return compare(before, labels), origins_from_proposal(before, labels)


def write_revision(
    folder: Path,
    labels: Labels,
    origins: NDArray[np.uint8] | None,
    changes: dict[str, int],
    provenance: Provenance,
    over: str | None = ANYTHING,
) -> Revision:
    """Write labels, then origins, then the record that makes them count; after a failure nothing of it is left.

    One window at a time saves the labels of a case, so that the order of ids is the order of saves.

    Parameters
    ----------
    over : str or None
        Id of the newest revision that is expected; None: there is none.

    Raises
    ------
    NewerRevision
        If there is a newer one than `over`.
    BadFileError, OSError
        If something cannot be written.
    """
    make_folder(folder)
    with exclusive(folder / "revisions", PATIENCE):
        if over != ANYTHING:
            newest = newest_revision(folder)
            if over != (None if newest is None else newest.id):
                raise NewerRevision(f"Case {folder.parent.name}", newest)
        return _write(folder, labels, origins, changes, provenance)


def _write(
    folder: Path,
    labels: Labels,
    origins: NDArray[np.uint8] | None,
    changes: dict[str, int],
    provenance: Provenance,
) -> Revision:
    id, now = new_revision_id(taken_ids(folder))
    path = folder / f"{id}{label_ending(labels.grid)}"
    try:
        write_labels(path, labels)
        revision = Revision(
            id=id,
            path=path,
            time=now.isoformat(),
            changes=changes,
            voxels=voxel_counts(labels.array),
            sha256=file_sha256(path),
            **vars(provenance),
        )
        if origins is not None:
            write_labels(revision.origin_map_path, Labels(origins, labels.grid))
        commit_revision(revision)
    except BaseException:
        _take_back(folder, id)
        raise
    sweep(folder)
    return revision


def _take_back(folder: Path, id: str) -> None:
    if (folder / f"{id}.json").exists():
        return  # it was committed after all
    for leftover in folder.glob(f"{id}.*"):
        with suppress(OSError):
            leftover.unlink(missing_ok=True)
