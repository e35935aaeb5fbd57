"""Reading every file of a project, to say which is not what was written; slow, asked for by `check`."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ..disk import damaged, names_in, put_right, unseal
from ..errors import DamagedFileError
from ..imaging import file_sha256
from .damage import Damage, damage_of
from .integrity import find_damage

if TYPE_CHECKING:
    from .case import Case
    from .project import Project

_CHUNK = 1 << 20
#: Folders whose files can be made again, or live for as long as a process.
_PASSING = {"cache", "leases"}


def find_all(project: Project) -> tuple[Damage, ...]:
    """All files of a project that are not what was written, with their case or run; runs' own files are not among them.

    Raises
    ------
    ProjectError
        If the audit set is damaged.
    """
    known = find_damage(project)
    told = {one.path for one in known}
    more = (one for case in project.cases() for one in _of_case(case))
    return (*known, *(one for one in (*more, *single_bits(project.root)) if one.path not in told))


def records(root: Path) -> Iterator[Path]:
    """The JSON records of a project, those of its runs among them."""
    for path in sorted(root.rglob("*.json")):
        inside = path.relative_to(root).parts
        if inside[0] in _PASSING or any(part.startswith(".") for part in inside):
            continue
        if inside[0] != "runs" or path.name == "spec.json":
            yield path


def single_bits(root: Path) -> Iterator[Damage]:
    """Records in which one bit has changed: they are read as they were written, and can be put right."""
    for path in records(root):
        try:
            data = path.read_bytes()
        except OSError:
            continue  # of those that matter, `find_damage` tells
        try:
            unseal(data)
        except ValueError:
            if put_right(data) is not None:
                lost = "Nothing is lost: its checksum tells which."
                yield Damage(
                    path, "one bit of it has changed", lost, "`napari-medssl check PROJECT --repair` mends it."
                )


def _of_case(case: Case) -> Iterator[Damage]:
    if case.fault is None:
        yield from case.damaged_labels()
    for revision in case.revisions():
        if not _has_sum(revision.path, revision.sha256):
            lost = "These labels cannot be used; earlier ones are untouched."
            yield _changed(revision.path, lost, case.name)
        if revision.origin_map_path.exists() and not is_whole_gzip(revision.origin_map_path):
            lost = "Where the voxels of these labels come from is not known; the labels are untouched."
            yield _changed(revision.origin_map_path, lost, case.name)
    for proposal in case.proposals():
        if proposal.sha256 and not _has_sum(proposal.labels_path, proposal.sha256):
            yield _changed(proposal.labels_path, f"What {proposal.run} proposed cannot be shown.", case.name)
        for path in proposal.maps.values():
            if not is_whole_gzip(path):
                yield _changed(path, f"The map of what {proposal.run} proposed cannot be shown.", case.name)


def _changed(path: Path, lost: str, case: str) -> Damage:
    return damage_of(damaged(path, why="its checksum does not match"), lost, case=case)


def _has_sum(path: Path, sha256: str) -> bool:
    try:
        return file_sha256(path) == sha256
    except (OSError, DamagedFileError):
        return False


def is_whole_gzip(path: Path) -> bool:
    """Whether a compressed file can be read to its end and matches its checksum."""
    try:
        with gzip.open(path) as file:
            while file.read(_CHUNK):
                pass
    except (OSError, EOFError, zlib.error):
        return False
    return True


def labels_of(folder: Path, id: str) -> Path | None:
    """The label file of a revision; None where there is none."""
    return next((folder / f"{id}{e}" for e in (".nii.gz", ".png") if f"{id}{e}" in names_in(folder)), None)
