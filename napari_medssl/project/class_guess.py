"""Which classes a project should have, by the label files that are to be brought in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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
) -> list[ClassInfo]:
    """Classes for label files: one per structure where each has files of its own, else one per value.

    Raises
    ------
    BadFileError
        If a folder has no label files.
    """
    given = [Path(paths)] if isinstance(paths, Path | str) else [Path(path) for path in paths]
    names = [] if mapping or other is not None else _structures(project, given)
    if names:
        return [ClassInfo(value, name) for value, name in enumerate(names, 1)]
    return [ClassInfo(value, f"class {value}") for value in label_values(given, mapping, other)]


def _structures(project: Project, paths: list[Path]) -> list[str]:
    """Names of structures, where several files of a case are masks of one each, named after it; else none."""
    scans = {case.name: case.images for case in project.cases()}
    several = [(name, files) for name, files in find_labels(project, paths).of.items() if len(files) > 1]
    found: dict[str, None] = {}
    for name, files in several:
        stems = {stem for image in scans[name] for stem in scan_stems(image)}
        for file in files:
            name_of = file.parent.name if stems.intersection(label_stems(file)) else bare(file)
            if is_label_folder(name_of) or not _is_binary(file):
                return []
            found.setdefault(name_of)
    return sorted(found)


def _is_binary(file: Path) -> bool:
    try:
        return len(set(read_mask_values(file)) - {0}) <= 1
    except BadFileError:
        return True  # it will be refused when it is read
