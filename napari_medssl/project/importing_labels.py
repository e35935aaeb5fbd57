"""Bringing in labels that are there already: one mask for each case of what its files show, saved as a revision."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..errors import BadFileError, MedSSLError, NotSavedError, ProjectError, TooLargeError
from ..imaging import read_mask_values
from .images import is_read_as_stored
from .importing import ImportReport, OnProgress
from .joining import Joined, OtherGridError, join_labels, keep_others
from .label_files import LabelFiles, find_labels
from .meaning import Meaning, read_meaning, structure_of, uses_unseen
from .refused import note_refused
from .saving import ANYTHING, NewerRevision
from .strange import refuse_strange, strange_structures

if TYPE_CHECKING:
    from .case import Case
    from .classes import ClassInfo
    from .project import Project


@dataclass(frozen=True)
class Meant:
    """What the values of label files mean.

    Attributes
    ----------
    values : dict of Path to tuple of int
        Those that occur in each file that can be read.
    meanings : dict of Path to Meaning
    unusable : dict of Path to MedSSLError
        Files of which it cannot be said, each with why.
    strange : dict of Path to str
        Those of them that show a structure that the project does not have, and its name.
    """

    values: dict[Path, tuple[int, ...]] = field(default_factory=dict)
    meanings: dict[Path, Meaning] = field(default_factory=dict)
    unusable: dict[Path, MedSSLError] = field(default_factory=dict)
    strange: dict[Path, str] = field(default_factory=dict)

    @property
    def spoken_of(self) -> frozenset[int]:
        """The classes that any of the files speaks of."""
        return frozenset().union(*(one.classes for one in self.meanings.values()))


@dataclass
class LeftOut:
    """Files that were not taken: as in `ImportReport`."""

    refused: list[tuple[Path, str]] = field(default_factory=list)
    skipped: list[tuple[Path, str]] = field(default_factory=list)
    offers: list[tuple[Path, str]] = field(default_factory=list)


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
    leave_out: Collection[str] = (),
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
    leave_out : collection of str
        Names of files and folders that are not to be taken.

    Raises
    ------
    BadFileError
        If a folder has no label files.
    ProjectError
        If no file belongs to a case, a case that was asked for has no file or does not exist.
    NotSavedError
        If the project cannot be written to; what was imported before stays.
    """
    found = find_labels(project, paths, leave_out)
    files = {name: found.of[name] for name in _choose(project, found, cases)}
    meant = read_meanings(project, files, mapping, other)
    return save_each(
        project, found, files, meant, author, on_progress, bring_over=bring_over, replace=replace
    )  # fmt: skip


def save_each(
    project: Project,
    found: LabelFiles,
    files: Mapping[str, Sequence[Path]],
    meant: Meant,
    author: str,
    on_progress: OnProgress | None = None,
    *,
    bring_over: bool,
    replace: bool,
    over: Mapping[str, str | None] | None = None,
) -> ImportReport:
    """Save the files of some cases as revisions, as `import_labels` does, where it is known what they mean.

    Parameters
    ----------
    found : LabelFiles
        Those of all cases.
    files : mapping of str to sequence of Path
        Those to save, by the name of the case.
    over : mapping of str to str or None, optional
        The newest revision of each case that the person knows of: newer ones are not replaced. By default all are.

    Raises
    ------
    ProjectError
        If the project cannot be written to.
    """
    spoken_of, added, notes = None if replace else meant.spoken_of, list[str](), list[str]()

    def save(case: Case, joined: Joined) -> bool:
        known = ANYTHING if over is None else over[case.name]
        saved = _save(case, joined, spoken_of, project.classes, author, notes, known)
        added.extend([case.name] if saved else [])
        return saved

    left = join_each(project, files, meant, save, bring_over, on_progress)
    refused, skipped = (*found.refused, *left.refused), (*found.skipped, *left.skipped)
    note_refused(project.root, refused, "labels", [file for several in files.values() for file in several])
    return ImportReport(tuple(added), refused, skipped, tuple(notes), tuple(left.offers))


def join_each(
    project: Project,
    files: Mapping[str, Sequence[Path]],
    meant: Meant,
    use: Callable[[Case, Joined], bool],
    bring_over: bool = False,
    on_progress: OnProgress | None = None,
) -> LeftOut:
    """Make one mask of the files of each case, one case after the other; one that cannot be used stops no other.

    Parameters
    ----------
    files : mapping of str to sequence of Path
        By the name of the case.
    use : callable
        Told a case and its mask; says whether there was anything new in it. What it raises counts as a refusal, but
        for a `NotSavedError`.
    bring_over : bool
        As for `import_labels`.
    on_progress : callable, optional
        Called with (done, total).

    Returns
    -------
    LeftOut
        What was not taken, and why.
    """
    left = LeftOut()
    for done, (name, several) in enumerate(files.items()):
        if on_progress is not None:
            on_progress(done, len(files))
        case, bad = project.case(name), [(file, meant.unusable[file]) for file in several if file in meant.unusable]
        try:
            if bad:
                raise bad[0][1]
            joined = join_labels(case, several, meant.meanings, project.classes, bring_over)
            new = use(case, joined)
        except MemoryError:
            left.refused.append((several[0], str(TooLargeError(several[0]))))
            continue
        except NotSavedError:  # the fault of the disk, not of this file: it ends the import, in its own words
            raise
        except NewerRevision as error:  # nothing is wrong with the files
            left.skipped += [(file, _newer(name, error)) for file in several]
            continue
        except (BadFileError, ProjectError) as error:
            culprit = bad[0][0] if bad else error.path if isinstance(error, BadFileError) else several[0]
            left.refused.append((culprit, str(error)))
            left.skipped += [
                (file, f"{culprit}, of case {name} too, cannot be used") for file in several if file != culprit
            ]
            if isinstance(error, OtherGridError) and error.placement is not None:
                left.offers.append((culprit, error.placement.words))
            continue
        left.skipped += joined.skipped
        if not new:
            left.skipped += [(file, f"case {name} has these labels already") for file in joined.files]
    if on_progress is not None:
        on_progress(len(files), len(files))
    return left


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
    meant = read_meanings(project, files, mapping, other)

    def read(name: str) -> Joined:
        for file in files[name]:
            if file in meant.unusable:
                raise meant.unusable[file]
        return join_labels(
            project.case(name), files[name], meant.meanings, project.classes, bring_over=True, only_whole=True
        )

    return read


def read_meanings(
    project: Project,
    files: Mapping[str, Sequence[Path]],
    mapping: Mapping[int, int] | None = None,
    other: int | None = None,
    on_progress: OnProgress | None = None,
) -> Meant:
    """Read which values are in the label files of some cases, and say what they mean.

    Parameters
    ----------
    on_progress : callable, optional
        Called with (done, total), in cases.
    """
    meant = Meant()
    for done, (name, several) in enumerate(files.items()):
        if on_progress is not None:
            on_progress(done, len(files))
        as_stored = is_read_as_stored(project.case(name).image_refs)
        for file in several:
            try:
                meant.values[file] = read_mask_values(file, as_stored=as_stored)
            except BadFileError as error:
                meant.unusable[file] = error
    used = uses_unseen(meant.values)
    scans = {case.name: case.images for case in project.cases()}
    strange = strange_structures(files, scans, meant.values, project.classes)
    folders = {image.parent for case in project.cases() for image in case.images}
    for name, several in files.items():
        for file in several:
            if file not in meant.values:
                continue
            if file in strange and other is None and set(meant.values[file]).isdisjoint({*(mapping or ())} - {0}):
                meant.strange[file] = strange[file]
                meant.unusable[file] = refuse_strange(file, name, strange[file], project.classes)
                continue
            structure = structure_of(file, project.classes, folders)
            try:
                meant.meanings[file] = read_meaning(
                    file, meant.values[file], project.classes,
                    unseen_is_used=used, structure=structure, mapping=mapping, other=other, case=name,
                )  # fmt: skip
            except ProjectError as error:
                meant.unusable[file] = error
    return meant


def _save(
    case: Case,
    joined: Joined,
    spoken_of: frozenset[int] | None,
    classes: Sequence[ClassInfo],
    author: str,
    notes: list[str],
    over: str | None,
) -> bool:
    """Save a mask as a revision, unless the newest one is the same."""
    array, kept = labels_to_save(case, joined, spoken_of, classes)
    if array is None:
        return False
    note = "from " + ", ".join(map(str, joined.files))
    case.save_labels(array, author=author, origin="imported", note=note, over=over)
    notes += [*joined.notes, *filter(None, [kept])]
    return True


def labels_to_save(
    case: Case, joined: Joined, spoken_of: frozenset[int] | None, classes: Sequence[ClassInfo]
) -> tuple[NDArray[np.uint8] | None, str]:
    """What would be saved of a mask, and what of the earlier labels stays in it, in words.

    Parameters
    ----------
    spoken_of : frozenset of int, optional
        The classes that the files speak of: others are kept. By default none is.

    Returns
    -------
    array : array of uint8 or None
        None where the newest labels are the same.
    kept : str
        "" where nothing was kept.
    """
    array, kept = joined.labels.array, ""
    if spoken_of is not None:
        array, kept = keep_others(case, array, spoken_of, classes)
    before = case.read_labels()
    return (None if before is not None and np.array_equal(before.array, array) else array), kept


def _newer(name: str, error: NewerRevision) -> str:
    newer = error.revision
    what = "newer labels of case" if newer is not None else "the labels of case"
    who = f"{newer.author or 'somebody'} saved" if newer is not None else "somebody deleted"
    return f"{who} {what} {name} meanwhile. Import it again to see what would change"


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
