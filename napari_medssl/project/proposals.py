"""Proposals: what a run's model thinks of a case. They can never replace what a person drew.

`labels.nii.gz` (or `.png`) and the maps are written first and `proposal.json` last; without it there is no proposal.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..disk import damaged, make_folder, names_in, read_record, sweep, write_json
from ..errors import DamagedFileError, ProjectError, UnreadableFileError
from ..imaging import Grid, Labels, file_sha256, read_labels, read_map, write_labels, write_map
from ..locking import exclusive
from .damage import Damage, damage_of
from .names import check_name, natural_key

PROPOSAL_NAME = "proposal.json"


@dataclass(frozen=True)
class Proposal:
    """A run's proposal for a case.

    Parameters
    ----------
    run, case : str
        Whose, and of what.
    labels_path : Path
        The proposed mask, on the case's grid.
    maps : mapping of str to Path
        Voxel maps by name: "entropy", "disagreement", "flips", each 0 to 1.
    score : float
        Uncertainty of the whole case (`inference.uncertainty.case_score`).
    time : str
        When, ISO 8601 in UTC.
    info : mapping
        What the run adds: seconds, device, volumes per class …
    order : int
        Counts on over the proposals of the case; 0 in older ones.
    """

    run: str
    case: str
    labels_path: Path
    maps: Mapping[str, Path]
    score: float
    time: str
    info: Mapping[str, Any]
    sha256: str = ""
    order: int = 0

    def read_labels(self) -> Labels:
        """The proposed mask.

        Raises
        ------
        BadFileError
            If its file is gone or damaged.
        """
        return read_labels(self.labels_path)

    def read_map(self, name: str) -> NDArray[np.float32]:
        """A voxel map, of the case's shape.

        Raises
        ------
        ProjectError
            If the proposal has no map of that name.
        BadFileError
            If its file is gone or damaged.
        """
        if name not in self.maps:
            there = ", ".join(self.maps) or "none"
            raise ProjectError(
                f"Case {self.case}: run {self.run} left no map {name!r}; there: {there}. Predict it again."
            )
        return read_map(self.maps[name])


def read_proposal(folder: Path, case: str) -> Proposal | None:
    """The proposal in a folder; None where there is none (yet).

    Raises
    ------
    DamagedFileError
        If its record is damaged, or its labels are not there.
    """
    values = read_record(folder / PROPOSAL_NAME)
    if values is None:
        return None
    try:
        labels = folder / Path(values["labels"]).name
        maps = {str(name): folder / Path(file).name for name, file in values["maps"].items()}
        score, time, info = float(values["score"]), str(values["time"]), dict(values["info"])
        sha256, order = str(values["sha256"]), int(values.get("order", 0))
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise damaged(folder / PROPOSAL_NAME, why="it is no record of a proposal") from error
    if not labels.exists():
        raise DamagedFileError(labels, "the labels of a proposal are not there", "predict the case again")
    maps = {name: path for name, path in maps.items() if path.exists()}
    return Proposal(folder.name, case, labels, maps, score, time, info, sha256, order)


def has_proposal(folder: Path, without: Collection[str] = ()) -> bool:
    """Whether there is a proposal of a run that is not among those; cheap, a list of cases asks it of every one."""
    with suppress(PermissionError):  # see `Case.lost_proposals`
        runs = (run for run in names_in(folder) if run not in without)
        return any(os.path.exists(os.path.join(folder, run, PROPOSAL_NAME)) for run in runs)
    return False


def read_proposals(folder: Path, case: str, retired: Collection[str]) -> tuple[list[Proposal], tuple[Damage, ...]]:
    """The proposals of a case, oldest first, but for those of `retired` runs; and what of them cannot be read."""
    try:
        runs = names_in(folder)
    except OSError as error:
        unread = UnreadableFileError(folder, error)
        return [], (damage_of(unread, "None of its proposals is shown.", case=case),)
    found, lost = [], []
    for run in runs:
        try:
            proposal = None if run in retired else read_proposal(folder / run, case)
        except DamagedFileError as error:
            told = damage_of(error, f"What {run} proposed is not shown; an older proposal may be.", case=case)
            again = replace(told, todo=f"Predict the case again with {run}.")
            lost.append(told if isinstance(error, UnreadableFileError) else again)
            continue
        if proposal is not None:
            found.append(proposal)
    return in_order(found), tuple(lost)


def in_order(proposals: Iterable[Proposal]) -> list[Proposal]:
    """The proposals of a case, oldest first: as they were counted, before them those that were not, by their time."""
    by_run = sorted(proposals, key=lambda one: natural_key(one.run))
    return sorted(by_run, key=lambda one: (one.order, "" if one.order else one.time))


def _next_order(folder: Path) -> int:
    """The number of the next proposal of a case; counted, since a clock may go back."""
    taken = [0]
    for run in names_in(folder):
        with suppress(OSError, DamagedFileError, TypeError, ValueError):
            taken.append(int((read_record(folder / run / PROPOSAL_NAME) or {}).get("order", 0)))
    return 1 + max(taken)


def choose_proposal(proposals: Sequence[Proposal], avoid: Collection[str] = ()) -> Proposal | None:
    """The proposal to show: the newest that is not of one of the runs to avoid, or of those where there is no other.

    Parameters
    ----------
    proposals : sequence of Proposal
        Oldest first.
    avoid : collection of str
        Runs known to do worse than others; see `runs.guard.set_aside`.
    """
    better = [one for one in proposals if one.run not in avoid]
    return next(reversed(better or list(proposals)), None)


def write_proposal(
    folder: Path, case: str, labels: Labels, maps: Mapping[str, NDArray[Any]], score: float, info: Mapping[str, Any]
) -> Proposal:
    """Write a proposal; an earlier one of the same run is withdrawn first, so that no reader meets a mixture.

    Raises
    ------
    BadFileError, OSError
        If it cannot be written; nothing of it is left then.
    """
    name = f"labels{label_ending(labels.grid)}"
    files: dict[str, str] = {}
    try:
        make_folder(folder)
        (folder / PROPOSAL_NAME).unlink(missing_ok=True)
        write_labels(folder / name, labels)
        for key, array in maps.items():
            files[key] = f"{check_name(key, 'map')}.nii.gz"
            write_map(folder / files[key], np.asarray(array), labels.grid)
        values: dict[str, Any] = {
            "labels": name,
            "maps": files,
            "score": float(score),
            "time": datetime.now(UTC).isoformat(),
            "info": dict(info),
            "sha256": file_sha256(folder / name),
        }
        with exclusive(folder.parent / "order"):
            values["order"] = _next_order(folder.parent)
            write_json(folder / PROPOSAL_NAME, values)
    except BaseException:
        if not (folder / PROPOSAL_NAME).exists():
            _take_back(folder, (name, *files.values()))
        raise
    sweep(folder)
    proposal = read_proposal(folder, case)
    if proposal is None:
        raise ProjectError(
            f"Case {case}: the proposal of {folder.name} was removed while it was saved. Predict it again."
        )
    return proposal


def _take_back(folder: Path, names: Iterable[str]) -> None:
    """Remove what was written of a proposal, and nothing else that lies in its folder."""
    with suppress(OSError):
        for name in names:
            (folder / name).unlink(missing_ok=True)
        folder.rmdir()


def label_ending(grid: Grid) -> str:
    """How the label files of a grid end."""
    return ".png" if grid.unit == "pixel" else ".nii.gz"
