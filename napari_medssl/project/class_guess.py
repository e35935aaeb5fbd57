"""Which classes a project should have, by the label files that are to be brought in."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import BadFileError
from ..imaging import read_mask_values
from .classes import ClassInfo
from .filenames import bare, is_label_folder, label_stems, scan_stems
from .label_files import find_labels, label_values

if TYPE_CHECKING:
    from .project import Project


def classes_in(
    project: Project,
    paths: Path | str | Iterable[Path | str],
    mapping: Mapping[int, int] | None = None,
    other: int | None = None,
    without: Collection[str] = (),
) -> list[ClassInfo]:
    """Classes for label files: one per structure where each has files of its own, else one per value.

    Raises
    ------
    BadFileError
        If a folder has no label files.
    """
    given = [Path(paths)] if isinstance(paths, Path | str) else [Path(path) for path in paths]
    if not mapping and other is None:
        scans = {case.name: case.images for case in project.cases()}
        names = structures_in(scans, find_labels(project, given, without).of)
        if names:
            return [ClassInfo(value, name) for value, name in enumerate(names, 1)]
    return [ClassInfo(value, f"class {value}") for value in label_values(given, mapping, other)]


def structures_in(
    scans: Mapping[str, Sequence[Path]], labels: Mapping[str, Sequence[Path]], most: int | None = None
) -> list[str]:
    """Names of structures, where several files of a scan are masks of one each, named after it; else none.

    Parameters
    ----------
    scans, labels : mapping of str to sequence of Path
        The files of each scan, and its label files.
    most : int, optional
        Of how many scans the masks are read, to see that each shows one structure; by default of all.
    """
    several = [(name, files) for name, files in labels.items() if len(files) > 1]
    found: dict[str, None] = {}
    for number, (name, files) in enumerate(several):
        stems = {stem for image in scans[name] for stem in scan_stems(image)}
        for file in files:
            name_of = file.parent.name if stems.intersection(label_stems(file)) else bare(file)
            if is_label_folder(name_of) or ((most is None or number < most) and not _is_binary(file)):
                return []
            found.setdefault(name_of)
    return sorted(found)


def _is_binary(file: Path) -> bool:
    try:
        return len(set(read_mask_values(file)) - {0}) <= 1
    except BadFileError:
        return True  # it will be refused when it is read
