"""Bringing in scans and labels that are there already. One bad file is reported; the others go on."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..errors import BadFileError, ProjectError
from ..imaging import UNSEEN, Labels, case_stem, ending, find_images, is_image_path, read_grid, read_labels
from .classes import foreign_values, present_values, refuse_values
from .names import folded, safe_name

if TYPE_CHECKING:
    from .case import Case
    from .project import Project

#: called with how many files are done, and of how many
OnProgress = Callable[[int, int], None]
_LABEL_NAME = re.compile(r".+_(label|labels|seg|mask)$", re.IGNORECASE)
_CHANNEL_NAME = re.compile(r"(.+)_(\d{4})$")
_KINDS = "NIfTI (.nii, .nii.gz, .hdr/.img), PNG, TIFF or JPEG"


@dataclass(frozen=True)
class ImportReport:
    """What an import did.

    Parameters
    ----------
    added : tuple of str
        Cases that were added, or that got labels.
    refused : tuple of (Path, str)
        Files that could not be used, each with the whole sentence why and what to do.
    skipped : tuple of (Path, str)
        Files that were rightly left alone, each with why.
    """

    added: tuple[str, ...] = ()
    refused: tuple[tuple[Path, str], ...] = ()
    skipped: tuple[tuple[Path, str], ...] = ()


def import_images(
    project: Project,
    paths: Path | str | Iterable[Path | str],
    on_progress: OnProgress | None = None,
    patients: Mapping[str, str] | None = None,
) -> ImportReport:
    """Add a case for each scan.

    Parameters
    ----------
    project : Project
        Where to. While it has no cases and the default channel, it takes on the first scan's channels (red, green,
        blue, say).
    paths : paths
        Files and folders. Of a folder, the scans lying in it, else those one level below; files named like labels
        (…_label, …_seg, …_mask) are left out. In a project of several channels, files named …_0000, …_0001 are
        the channels of one case.
    on_progress : callable, optional
        Called with (done, total).
    patients : mapping, optional
        Patient of each case name; by default each case is a patient of its own.

    Returns
    -------
    ImportReport
        A file that is a case already is skipped, so that a folder can be imported again when scans were added.

    Raises
    ------
    BadFileError
        If a folder has no scans.
    ProjectError
        If the project cannot be written to; what was added before stays.
    """
    files = list(_gather(paths, _scans_in))
    scans, refused = _group_channels(project, files)
    known = {ref.path for case in project.cases() for ref in case.image_refs}
    taken = {folded(case.name) for case in project.cases()}
    added: list[str] = []
    skipped: list[tuple[Path, str]] = []
    for done, images in enumerate(scans):
        if on_progress is not None:
            on_progress(done, len(scans))
        first = next(iter(images.values()))
        if str(first) in known:
            skipped.append((first, "this scan is a case already"))
            continue
        name = _free_name(_stem(first, len(images) > 1), first.parent.name, taken)
        try:
            _adopt_channels(project, first, len(images))
            source = images if len(images) > 1 else first
            project.add_case(source, name=name, patient=(patients or {}).get(name))
        except BadFileError as error:
            refused.append((first, str(error)))
            continue
        known.update(str(path) for path in images.values())
        taken.add(folded(name))
        added.append(name)
    if on_progress is not None:
        on_progress(len(scans), len(scans))
    return ImportReport(tuple(added), tuple(refused), tuple(skipped))


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
    matched, skipped = _match(project, list(_gather(paths, _labels_in)))
    wanted = _choose(project, matched, cases)
    added: list[str] = []
    refused: list[tuple[Path, str]] = []
    for done, name in enumerate(wanted):
        if on_progress is not None:
            on_progress(done, len(wanted))
        case, path = project.case(name), matched[name]
        try:
            labels = _fitting_labels(project, case, path, mapping or {})
        except (BadFileError, ProjectError) as error:
            refused.append((path, str(error)))
            continue
        before = case.read_labels()
        if before is not None and np.array_equal(before.array, labels.array):
            skipped.append((path, f"case {name} has these labels already"))
            continue
        case.save_labels(labels.array, author=author, origin="imported", note=f"from {path}")
        added.append(name)
    if on_progress is not None:
        on_progress(len(wanted), len(wanted))
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
    return _match(project, list(_gather(paths, _labels_in)))[0]


def values_in(paths: Path | str | Iterable[Path | str]) -> tuple[int, ...]:
    """The class values that occur in label files and folders, ascending; unreadable files are passed over.

    Raises
    ------
    BadFileError
        If a folder has no label files.
    """
    found: set[int] = set()
    for path in _gather(paths, _labels_in):
        try:
            found.update(present_values(read_labels(path).array))
        except BadFileError:
            continue
    return tuple(sorted(found - {0, UNSEEN}))


def _gather(paths: Path | str | Iterable[Path | str], look_in: Callable[[Path], list[Path]]) -> Iterable[Path]:
    """Files by absolute path, each once, in the order given."""
    several = [paths] if isinstance(paths, Path | str) else list(paths)
    seen: dict[Path, None] = {}
    for one in several:
        path = Path(one).expanduser().absolute()
        for file in look_in(path) if path.is_dir() else [path]:
            seen.setdefault(file)
    return seen


def _scans_in(folder: Path) -> list[Path]:
    """Scans lying in a folder, else those in its own folders (a folder per patient)."""
    found = [path for path in find_images(folder) if not _is_named_label(path)]
    if not found:
        below = sorted(sub for sub in folder.iterdir() if sub.is_dir() and not sub.name.startswith("."))
        found = [path for sub in below for path in find_images(sub) if not _is_named_label(path)]
    if not found:
        remedy = f"choose a folder with {_KINDS} files (convert DICOM to NIfTI first)"
        raise BadFileError(folder, "there are no scans in this folder", remedy)
    return found


def _labels_in(folder: Path) -> list[Path]:
    found = find_images(folder)
    if not found:
        raise BadFileError(folder, "there are no labels in this folder", f"choose a folder with {_KINDS} files")
    return [path for path in found if _is_named_label(path)] or found


def _bare(path: Path) -> str:
    """The file name less its ending."""
    return path.name[: -len(ending(path))] if ending(path) else path.stem


def _is_named_label(path: Path) -> bool:
    return _LABEL_NAME.fullmatch(_bare(path)) is not None


def _stem(path: Path, several: bool) -> str:
    channel = _CHANNEL_NAME.fullmatch(_bare(path)) if several else None
    return channel[1] if channel else case_stem(path)


def _group_channels(project: Project, files: list[Path]) -> tuple[list[dict[str, Path]], list[tuple[Path, str]]]:
    """Files of a case by channel; a case in one file is under its first channel."""
    channels = project.channels
    groups: dict[tuple[Path, str], dict[str, Path]] = {}
    for path in files:
        match = _CHANNEL_NAME.fullmatch(_bare(path)) if len(channels) > 1 and is_image_path(path) else None
        if match is not None and int(match[2]) < len(channels):
            groups.setdefault((path.parent, match[1]), {})[channels[int(match[2])]] = path
        else:
            groups[path, ""] = {channels[0]: path}
    scans: list[dict[str, Path]] = []
    refused: list[tuple[Path, str]] = []
    for (_, stem), images in groups.items():
        missing = [channel for channel in channels if channel not in images] if stem else []
        if missing:
            first = next(iter(images.values()))
            rule = f"the other files of case {stem} are missing: {', '.join(missing)}"
            remedy = f"put the files _0000 to _{len(channels) - 1:04d} into one folder"
            refused.append((first, str(BadFileError(first, rule, remedy))))
        else:
            scans.append(images)
    return scans, refused


def _adopt_channels(project: Project, path: Path, files: int) -> None:
    """Let the first scan of an empty project with the default channel say what channels there are."""
    if files > 1 or project.channels != ("image",) or project.cases():
        return
    header = read_grid(path)
    if header.channels > 1:
        colours = header.grid.unit == "pixel" and header.channels == 3
        names = ("red", "green", "blue") if colours else tuple(f"channel {n}" for n in range(header.channels))
        project.set_channels(names)


def _free_name(stem: str, parent: str, taken: Collection[str]) -> str:
    """A case name nobody has: the stem, else with its folder before it, else with a number behind it."""
    name = safe_name(stem)
    if folded(name) in taken:
        name = safe_name(f"{parent}_{stem}")
    number, free = 2, name
    while folded(free) in taken:
        free = safe_name(f"{name[:90]}-{number}")
        number += 1
    return free


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
    labels = read_labels(path)
    difference = case.grid.mismatch(labels.grid)
    if difference is not None:
        rule = f"these labels are not on the grid of case {case.name} ({case.images[0]}): {difference} (scan, labels)"
        remedy = "resample them onto the scan"
        if case.grid.shape == labels.grid.shape:
            remedy += ", or, if each voxel does belong to its scan's voxel, copy the scan's header into the label file"
        raise BadFileError(path, rule, remedy)
    table = np.arange(256, dtype=np.uint8)
    for value, becomes in mapping.items():
        table[value] = becomes
    array = table[labels.array] if mapping else labels.array
    foreign = foreign_values(array, project.classes)
    if foreign:
        raise refuse_values(f"{path} (case {case.name})", foreign, project.classes)
    return Labels(array, case.grid)
