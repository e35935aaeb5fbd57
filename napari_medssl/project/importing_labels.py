"""Bringing in labels that are there already: which case each is of, what its values mean, and one mask of several."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..errors import BadFileError, MedSSLError, ProjectError, TooLargeError
from ..imaging import UNSEEN, read_mask_values
from .files import gather_labels
from .images import is_read_as_stored
from .importing import ImportReport, OnProgress
from .joining import Joined, OtherGridError, join_labels, keep_others
from .matching import match_files
from .meaning import Meaning, read_meaning, structure_of, uses_unseen
from .refused import note_refused

if TYPE_CHECKING:
    from .case import Case
    from .classes import ClassInfo
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


def import_labels(
    project: Project,
    paths: Path | str | Iterable[Path | str],
    cases: int | Collection[str] | None = None,
    mapping: Mapping[int, int] | None = None,
    author: str = "",
    on_progress: OnProgress | None = None,
    *,
    other: int | None = None,
    bring_over: bool = False,
    replace: bool = False,
) -> ImportReport:
    """Save label files as revisions of the cases they belong to (see `matching`).

    A file per structure is joined with the others of its case. Structures that the newest labels show and that none of
    the files speaks of are kept.

    Parameters
    ----------
    project : Project
        Where to.
    paths : paths
        Label files and folders with them (see `files.gather_labels`).
    cases : int or collection of str, optional
        Only the first so many cases that have a label file, or only these cases.
    mapping : mapping of int to int, optional
        Class value (or 0 or 255) for values in the files, which may be any whole numbers; other values stay as they
        are.
    author : str
        Who drew them.
    on_progress : callable, optional
        Called with (done, total).
    other : int, optional
        What all values that `mapping` does not name, but 0, become.
    bring_over : bool
        Whether labels that are turned, reversed or cut out of the grid of their scan are brought over to it, each
        voxel to where it is in the patient. Otherwise they are refused, and offered in the report.
    replace : bool
        Whether structures that the files do not speak of become background.

    Raises
    ------
    BadFileError
        If a folder has no label files.
    ProjectError
        If no file belongs to a case, a case that was asked for has no file or does not exist, or the project cannot
        be written to.
    """
    found = find_labels(project, paths)
    wanted = _choose(project, found, cases)
    files = {name: found.of[name] for name in wanted}
    meanings, unusable = _meanings(project, files, mapping, other)
    spoken_of = frozenset().union(*(one.classes for one in meanings.values()))
    added: list[str] = []
    refused, skipped, notes, offers = [*found.refused], [*found.skipped], list[str](), list[tuple[Path, str]]()
    for done, name in enumerate(wanted):
        if on_progress is not None:
            on_progress(done, len(wanted))
        case, bad = project.case(name), [(file, unusable[file]) for file in files[name] if file in unusable]
        try:
            if bad:
                raise bad[0][1]
            joined = join_labels(case, files[name], meanings, project.classes, bring_over)
            saved = _save(case, joined, None if replace else spoken_of, project.classes, author, notes)
        except MemoryError:
            refused.append((files[name][0], str(TooLargeError(files[name][0]))))
            continue
        except (BadFileError, ProjectError) as error:
            culprit = bad[0][0] if bad else error.path if isinstance(error, BadFileError) else files[name][0]
            refused.append((culprit, str(error)))
            skipped += [
                (file, f"{culprit}, of case {name} too, cannot be used") for file in files[name] if file != culprit
            ]
            if isinstance(error, OtherGridError) and error.placement is not None:
                offers.append((culprit, error.placement.words))
            continue
        skipped += joined.skipped
        if saved:
            added.append(name)
        else:
            skipped += [(file, f"case {name} has these labels already") for file in joined.files]
    if on_progress is not None:
        on_progress(len(wanted), len(wanted))
    note_refused(project.root, refused, "labels", [file for name in wanted for file in files[name]])
    return ImportReport(tuple(added), tuple(refused), tuple(skipped), tuple(notes), tuple(offers))


def find_labels(project: Project, paths: Path | str | Iterable[Path | str]) -> LabelFiles:
    """Which label files belong to which case.

    Raises
    ------
    BadFileError
        If a folder has no label files.
    ProjectError
        If no file belongs to a case; it says why the first one does not.
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
    return LabelFiles(matches.of, matches.ambiguous, (*matches.unmatched, *gathered.left))


def truth_reader(
    project: Project,
    found: LabelFiles,
    wanted: Collection[str],
    mapping: Mapping[int, int] | None = None,
    other: int | None = None,
) -> Callable[[str], Joined]:
    """A function that reads the label files of a case as one mask in the project's values; nothing is saved.

    It raises MedSSLError where they cannot be used.
    """
    files = {name: found.of[name] for name in wanted}
    meanings, unusable = _meanings(project, files, mapping, other)

    def read(name: str) -> Joined:
        for file in files[name]:
            if file in unusable:
                raise unusable[file]
        return join_labels(project.case(name), files[name], meanings, project.classes, bring_over=True, only_whole=True)

    return read


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


def _meanings(
    project: Project, files: Mapping[str, tuple[Path, ...]], mapping: Mapping[int, int] | None, other: int | None
) -> tuple[dict[Path, Meaning], dict[Path, MedSSLError]]:
    """What the values of the files mean, and the files of which that cannot be said, each with why."""
    values: dict[Path, tuple[int, ...]] = {}
    unusable: dict[Path, MedSSLError] = {}
    for name, several in files.items():
        as_stored = is_read_as_stored(project.case(name).image_refs)
        for file in several:
            try:
                values[file] = read_mask_values(file, as_stored=as_stored)
            except BadFileError as error:
                unusable[file] = error
    used = uses_unseen(values)
    folders = {image.parent for case in project.cases() for image in case.images}
    meanings: dict[Path, Meaning] = {}
    for name, several in files.items():
        for file in several:
            if file not in values:
                continue
            structure = structure_of(file, project.classes, folders)
            try:
                meanings[file] = read_meaning(
                    file, values[file], project.classes,
                    unseen_is_used=used, structure=structure, mapping=mapping, other=other, case=name,
                )  # fmt: skip
            except ProjectError as error:
                unusable[file] = error
    return meanings, unusable


def _save(
    case: Case,
    joined: Joined,
    spoken_of: frozenset[int] | None,
    classes: Sequence[ClassInfo],
    author: str,
    notes: list[str],
) -> bool:
    """Save a mask as a revision, unless the newest one is the same."""
    array, kept = joined.labels.array, ""
    if spoken_of is not None:
        array, kept = keep_others(case, array, spoken_of, classes)
    before = case.read_labels()
    if before is not None and np.array_equal(before.array, array):
        return False
    note = "from " + ", ".join(map(str, joined.files))
    case.save_labels(array, author=author, origin="imported", note=note)
    notes += [*joined.notes, *filter(None, [kept])]
    return True


def _choose(project: Project, found: LabelFiles, cases: int | Collection[str] | None) -> list[str]:
    if cases is None:
        return list(found.of)
    if isinstance(cases, int):
        if not 0 <= cases <= len(found.of):
            raise ProjectError(f"Labels of {cases} cases were asked for, but files fit {len(found.of)}. Ask for fewer.")
        return list(found.of)[:cases]
    names = [project.case(name).name for name in ([cases] if isinstance(cases, str) else cases)]
    without = [name for name in names if name not in found.of]
    if without:
        raise ProjectError(f"There is no label file for: {', '.join(without)}. Name each file like its scan.")
    return names
