"""Bringing in labels that are there already, by the names of their files."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..errors import BadFileError, ProjectError, TooLargeError
from ..imaging import UNSEEN, Labels, case_stem, read_labels, way_out
from .classes import foreign_values, present_values, refuse_values
from .files import gather, labels_in
from .images import is_read_as_stored
from .importing import ImportReport, OnProgress
from .names import folded, safe_name
from .refused import note_refused

if TYPE_CHECKING:
    from .case import Case
    from .project import Project


def import_labels(
    project: Project,
    paths: Path | str | Iterable[Path | str],
    cases: int | Collection[str] | None = None,
    mapping: Mapping[int, int] | None = None,
    author: str = "",
    on_progress: OnProgress | None = None,
) -> ImportReport:
    """Save label files as revisions of the cases they belong to, by file stem.

    Parameters
    ----------
    project : Project
        Where to.
    paths : paths
        Label files and folders with them. Where a folder has files named …_label, …_labels, …_seg or …_mask, only
        those are taken.
    cases : int or collection of str, optional
        Only the first so many cases that have a label file, or only these cases.
    mapping : mapping of int to int, optional
        Class value (or 0 or 255) for values in the files; other values stay as they are.
    author : str
        Who drew them.
    on_progress : callable, optional
        Called with (done, total).

    Raises
    ------
    BadFileError
        If a folder has no label files.
    ProjectError
        If no file belongs to a case, a case that was asked for has no file or does not exist, or the project cannot
        be written to.
    """
    matched, skipped = _match(project, list(gather(paths, labels_in)))
    wanted = _choose(project, matched, cases)
    added: list[str] = []
    refused: list[tuple[Path, str]] = []
    for done, name in enumerate(wanted):
        if on_progress is not None:
            on_progress(done, len(wanted))
        case, path = project.case(name), matched[name]
        try:
            labels = _fitting_labels(project, case, path, mapping or {})
            before = case.read_labels()
        except (BadFileError, ProjectError) as error:
            refused.append((path, str(error)))
            continue
        except MemoryError:
            refused.append((path, str(TooLargeError(path))))
            continue
        if before is not None and np.array_equal(before.array, labels.array):
            skipped.append((path, f"case {name} has these labels already"))
            continue
        case.save_labels(labels.array, author=author, origin="imported", note=f"from {path}")
        added.append(name)
    if on_progress is not None:
        on_progress(len(wanted), len(wanted))
    note_refused(project.root, refused, "labels", [matched[name] for name in wanted])
    return ImportReport(tuple(added), tuple(refused), tuple(skipped))


def match_labels(project: Project, paths: Path | str | Iterable[Path | str]) -> dict[str, Path]:
    """Label files by the name of the case each belongs to, in the project's order; files of no case are left out.

    Raises
    ------
    BadFileError
        If a folder has no label files.
    ProjectError
        If no file belongs to a case.
    """
    return _match(project, list(gather(paths, labels_in)))[0]


def label_values(paths: Path | str | Iterable[Path | str]) -> tuple[int, ...]:
    """The class values that occur in label files and folders, ascending; unreadable files are passed over.

    Raises
    ------
    BadFileError
        If a folder has no label files.
    """
    found: set[int] = set()
    for path in gather(paths, labels_in):
        try:
            found.update(present_values(read_labels(path).array))
        except BadFileError:
            continue
    return tuple(sorted(found - {0, UNSEEN}))


def _match(project: Project, files: list[Path]) -> tuple[dict[str, Path], list[tuple[Path, str]]]:
    """Label file of each case, by the case's name, in the project's order."""
    cases = {folded(case.name): case.name for case in project.cases()}
    matched: dict[str, Path] = {}
    skipped: list[tuple[Path, str]] = []
    for path in files:
        stem = case_stem(path)
        bare = re.sub(r"(?<=.)_(labels|mask)$", "", stem, flags=re.IGNORECASE)
        keys = (folded(safe_name(name)) for name in (stem, bare, f"{path.parent.name}_{stem}"))
        name = next((cases[key] for key in keys if key in cases), None)
        if name is None:
            skipped.append((path, f"there is no case named {stem}"))
        elif name in matched:
            skipped.append((path, f"{matched[name]} is for case {name} too"))
        else:
            matched[name] = path
    if not matched:
        raise ProjectError(
            f"{files[0] if files else 'The labels'}: none of these labels belongs to a case. Name each file like its "
            "scan (a trailing _image, _label, _seg or _0000 does not matter)."
        )
    return {case.name: matched[case.name] for case in project.cases() if case.name in matched}, skipped


def _choose(project: Project, matched: Mapping[str, Path], cases: int | Collection[str] | None) -> list[str]:
    if cases is None:
        return list(matched)
    if isinstance(cases, int):
        if not 0 <= cases <= len(matched):
            raise ProjectError(f"Labels of {cases} cases were asked for, but files fit {len(matched)}. Ask for fewer.")
        return list(matched)[:cases]
    names = [project.case(name).name for name in ([cases] if isinstance(cases, str) else cases)]
    without = [name for name in names if name not in matched]
    if without:
        raise ProjectError(f"There is no label file for: {', '.join(without)}. Name each file like its scan.")
    return names


def _fitting_labels(project: Project, case: Case, path: Path, mapping: Mapping[int, int]) -> Labels:
    """Labels of a file, in the project's values, on the case's grid.

    Raises
    ------
    BadFileError, ProjectError
        If they do not fit.
    """
    labels = read_labels(path, as_stored=is_read_as_stored(case.image_refs))
    difference = case.grid.mismatch(labels.grid)
    if difference is not None:
        rule = f"these labels are not on the grid of case {case.name} ({case.images[0]}): {difference} (scan, labels)"
        raise BadFileError(path, rule, way_out(case.grid, labels.grid))
    table = np.arange(256, dtype=np.uint8)
    for value, becomes in mapping.items():
        table[value] = becomes
    array = table[labels.array] if mapping else labels.array
    foreign = foreign_values(array, project.classes)
    if foreign:
        raise refuse_values(f"{path} (case {case.name})", foreign, project.classes)
    return Labels(array, case.grid)
