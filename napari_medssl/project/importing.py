"""Bringing in scans that are there already. One bad file is reported; the others go on."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import BadFileError
from ..imaging import case_stem, is_image_path, read_grid
from .channel_names import channel_hint
from .filenames import bare
from .files import gather_scans
from .names import folded, safe_name
from .refused import note_refused

if TYPE_CHECKING:
    from .project import Project

#: called with how many files are done, and of how many
OnProgress = Callable[[int, int], None]
_CHANNEL_NAME = re.compile(r"(.+)_(\d{4})")


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
        Files that were left alone, each with why: of no case, there already, no scans that can be read.
    notes : tuple of str
        What a person should know of what was taken, a sentence each.
    offers : tuple of (Path, str)
        Of the refused label files, those that could be brought over to the grid of their scan exactly (see
        `imaging.find_placement`), each with how it lies.
    """

    added: tuple[str, ...] = ()
    refused: tuple[tuple[Path, str], ...] = ()
    skipped: tuple[tuple[Path, str], ...] = ()
    notes: tuple[str, ...] = ()
    offers: tuple[tuple[Path, str], ...] = ()


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
        Files and folders. Of a folder, the scans lying in it, else those in the folders below (see
        `files.look_into`); labels are left out. In a project of several channels, files named …_0000, …_0001 are the
        channels of one case.
    on_progress : callable, optional
        Called with (done, total).
    patients : mapping, optional
        Patient by case name, or by the path of a scan's first file; by default each case is a patient of its own.

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
    gathered = gather_scans(paths, [one.name for one in project.classes])
    files = gathered.files
    scans, refused = _group_channels(project, files)
    known = {ref.path for case in project.cases() for ref in case.image_refs}
    taken = {folded(case.name) for case in project.cases()}
    of = patients or {}
    added: list[str] = []
    skipped: list[tuple[Path, str]] = list(gathered.left)
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
            project.add_case(source, name=name, patient=of.get(name, of.get(str(first))))
        except BadFileError as error:
            refused.append((first, str(error)))
            continue
        known.update(str(path) for path in images.values())
        taken.add(folded(name))
        added.append(name)
    if on_progress is not None:
        on_progress(len(scans), len(scans))
    note_refused(project.root, refused, "scan", files)
    hint = channel_hint(files) if len(project.channels) == 1 else ""
    return ImportReport(tuple(added), tuple(refused), tuple(skipped), (hint,) if hint and added else ())


def _stem(path: Path, several: bool) -> str:
    channel = _CHANNEL_NAME.fullmatch(bare(path)) if several else None
    return channel[1] if channel else case_stem(path)


def _group_channels(project: Project, files: list[Path]) -> tuple[list[dict[str, Path]], list[tuple[Path, str]]]:
    """Files of a case by channel; a case in one file is under its first channel."""
    channels = project.channels
    groups: dict[tuple[Path, str], dict[str, Path]] = {}
    for path in files:
        match = _CHANNEL_NAME.fullmatch(bare(path)) if len(channels) > 1 and is_image_path(path) else None
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
