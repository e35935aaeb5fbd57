"""Which label files belong to which case of a project, and which values are in them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import BadFileError, ProjectError
from ..imaging import UNSEEN, read_mask_values
from .files import gather_labels
from .matching import match_files
from .strange import leave_out

if TYPE_CHECKING:
    from .project import Project


@dataclass(frozen=True)
class LabelFiles:
    """Label files of a project's cases.

    Attributes
    ----------
    of : dict of str to tuple of Path
        By the name of the case, in the project's order; several where there is one file per structure.
    refused : tuple of (Path, str)
        Files that could be of several cases, each with a sentence that names them.
    skipped : tuple of (Path, str)
        Files of no case, each with why.
    """

    of: dict[str, tuple[Path, ...]]
    refused: tuple[tuple[Path, str], ...] = ()
    skipped: tuple[tuple[Path, str], ...] = ()


def find_labels(
    project: Project, paths: Path | str | Iterable[Path | str], without: Collection[str] = ()
) -> LabelFiles:
    """Which label files belong to which case.

    Parameters
    ----------
    without : collection of str
        Names of files and folders that are not to be taken, as of structures that the project does not have.

    Raises
    ------
    BadFileError
        If a folder has no label files.
    ProjectError
        If no file belongs to a case; it says why the first one does not. Or if a name fits no file.
    """
    scans = {case.name: case.images for case in project.cases()}
    gathered = gather_labels(paths, {image for images in scans.values() for image in images})
    matches = match_files(gathered.files, scans, [one.name for one in project.classes])
    if not matches.of:
        if matches.ambiguous:
            raise ProjectError(matches.ambiguous[0][1])
        raise ProjectError(
            f"{gathered.files[0] if gathered.files else 'The labels'}: none of these labels belongs to a case. Name "
            "each file like its scan (a trailing _image, _label, _seg or _0000 does not matter), or put it into the "
            "folder of its scan."
        )
    kept, left = leave_out(matches.of, without)
    return LabelFiles(kept, matches.ambiguous, (*matches.unmatched, *gathered.left, *left))


def match_labels(project: Project, paths: Path | str | Iterable[Path | str]) -> dict[str, Path]:
    """The first label file of each case by the case's name, in the project's order; files of no case are left out.

    Raises
    ------
    BadFileError
        If a folder has no label files.
    ProjectError
        If no file belongs to a case.
    """
    return {name: files[0] for name, files in find_labels(project, paths).of.items()}


def label_values(
    paths: Path | str | Iterable[Path | str], mapping: Mapping[int, int] | None = None, other: int | None = None
) -> tuple[int, ...]:
    """The class values that occur in label files and folders, ascending; unreadable files are passed over.

    Raises
    ------
    BadFileError
        If a folder has no label files.
    """
    found: set[int] = set()
    for path in gather_labels(paths).files:
        try:
            values = read_mask_values(path)
        except BadFileError:
            continue
        named = mapping or {}
        found.update(named.get(value, value if other is None or value == 0 else other) for value in values)
    return tuple(sorted(value for value in found if 0 < value < UNSEEN))
