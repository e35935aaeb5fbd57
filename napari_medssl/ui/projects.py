"""Making, opening and filling projects; off the event loop, no Qt."""

from __future__ import annotations

import getpass
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import DamagedFileError, MedSSLError
from ..runs.status import RunStatus
from .facts import ProjectFacts, read_facts
from .recents import data_folder
from .windowwords import in_window

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..imaging import Grid
    from ..project import ClassInfo, ImportReport, Lease, Project
    from ..runs.drivers import Handle
    from .runwork import Driver

SAMPLE_CASES = 16
SAMPLE_LABELLED = 3
PROBED = 5  # label files, or scans with several, that tell what labels show


@dataclass(frozen=True)
class Opened:
    """A project that was just opened.

    Attributes
    ----------
    project : Project
        For the lane "disk".
    eyes : Project
        The same for the lane "look": a project is for one thread.
    found : list of (handle, status)
        Its newest runs, oldest first.
    lease : Lease
        Says that this window has it open.
    warning : str
        Who else has it open, and what opening it had to mend; empty where there is nothing to say.
    """

    project: Project
    eyes: Project
    facts: ProjectFacts
    found: list[tuple[Handle, RunStatus]]
    lease: Lease
    warning: str


@dataclass(frozen=True)
class Found:
    """What a folder holds: a project, or scans to make one of.

    Attributes
    ----------
    labels : tuple of Path
        Label files beside the scans, with these class `values`.
    structures : tuple of str
        What they show, where each structure has files of its own, named after it.
    left : tuple of (Path, str)
        Files that may be scans and are not taken for such, each with why.
    """

    folder: Path
    is_project: bool
    images: tuple[Path, ...] = ()
    labels: tuple[Path, ...] = ()
    values: tuple[int, ...] = ()
    structures: tuple[str, ...] = ()
    left: tuple[tuple[Path, str], ...] = ()


def look_into(folder: Path) -> Found:
    """What could be made of a folder that a person chose or dropped.

    Raises
    ------
    MedSSLError
        When there is neither a project nor a scan.
    """
    from ..project import label_values
    from ..project.class_guess import structures_in
    from ..project.files import gather_scans
    from ..project.files import look_into as look
    from ..project.matching import match_files

    if (folder / "project.json").is_file():
        return Found(folder, True)
    if not folder.is_dir():
        raise MedSSLError(f"{folder}: there is no such folder.")
    images = gather_scans(folder)
    labels = look(folder.absolute()).labels
    values = label_values(labels[:PROBED]) if labels else ()
    scans = {str(path): (path,) for path in images.files}
    structures = structures_in(scans, match_files(labels, scans).of, PROBED)
    return Found(folder, False, tuple(images.files), labels, values, tuple(structures), tuple(images.left))


def open_project(root: Path, driver: Driver) -> Opened:
    """Open a project and look at everything in it.

    Raises
    ------
    MedSSLError
        When there is none, or it is of a newer version.
    """
    from ..project import Project
    from ..project.migration import finish_change

    project = Project.open(root)
    try:
        ended, unfinished = finish_change(project), ""
    except DamagedFileError as error:  # the project can be looked at all the same
        ended, unfinished = "", f"A change of the structures cannot be finished. {error}"
    eyes = Project.open(root)
    facts = read_facts(eyes)
    handles = [driver.attach(Path(project.root), run.name) for run in facts.runs[-20:]]
    lease = project.lock(person())
    found = [(handle, handle.status()) for handle in handles]
    said = f"A change of the structures that had been interrupted was finished: {ended}." if ended else ""
    return Opened(project, eyes, facts, found, lease, " ".join(filter(None, (said, unfinished, lease.warning))))


def create(
    root: Path,
    images: Sequence[Path],
    classes: Sequence[ClassInfo],
    labels: Sequence[Path],
    author: str,
    patients: Mapping[str, str] | None = None,
) -> tuple[Path, str]:
    """Make a project of scans where they are.

    Parameters
    ----------
    patients : mapping of str to str, optional
        Whose scan it is, by path, of those that share their patient with others.

    Returns
    -------
    root : Path
    refused : str
        What was not taken and why; empty when all was.
    """
    from ..project import import_images, import_labels, new_project

    with new_project(root, classes=classes) as project:
        report = import_images(project, images, patients=patients)
        refused = list(report.refused)
        if not project.cases():
            raise MedSSLError(f"{root}: none of the {len(images)} scans could be used. " + _refusals(refused))
        try:
            refused += import_labels(project, labels, author=author).refused if labels else ()
        except MedSSLError as error:  # the scans are of use without them
            refused.append((labels[0], str(error)))
    return root, _refusals(refused)


def add(project: Project, paths: Iterable[Path]) -> str:
    """Add scans, or folders of them; what came of it, in a sentence."""
    from ..project import import_images

    return _added(import_images(project, list(paths)))


def add_one(project: Project, path: Path) -> tuple[str, str]:
    """Add a scan; the name of its case ("" where it was not taken), and what came of it in a sentence."""
    from ..project import import_images

    report = import_images(project, path)
    return "".join(report.added[:1]), _added(report)


def add_scan(project: Project, name: str, array: NDArray[Any], grid: Grid) -> tuple[str, str]:
    """Write a scan that has no file into the project, and add it: as `add_one`."""
    from ..project.written_scans import write_scan

    path = write_scan(project.root, name, array, grid)
    case, words = add_one(project, path)
    if not case:  # nobody knows of it
        path.unlink()
    return case, f"{words} It is kept in {path}." if case else words


def _added(report: ImportReport) -> str:
    count = len(report.added)
    there = "" if count else " ".join(f"{path}: {why.rstrip('.')}." for path, why in report.skipped[:3])
    said = f"{count} scan{'' if count == 1 else 's'} added." if count or not there else "No scan added."
    return " ".join(filter(None, (said, _refusals(report.refused), there)))


def make_sample(root: Path, author: str) -> Path:
    """Generate the sample project at `root`, unless it is there already."""
    from ..demo.cohort import CLASSES, make_cohort
    from ..project import ClassInfo, import_images, import_labels, new_project

    if (root / "project" / "project.json").is_file():
        return root / "project"
    cohort = make_cohort(root / "scans", SAMPLE_CASES)
    classes = [ClassInfo(value, name) for value, name in CLASSES.items()]
    with new_project(root / "project", classes=classes, name="MedSSL sample") as project:
        import_images(project, cohort.images)
        import_labels(project, cohort.labels, SAMPLE_LABELLED, author=author)
    return root / "project"


def sample_root() -> Path:
    """Where the sample project lives: `MEDSSL_SAMPLE`, or the person's data folder."""
    said = os.environ.get("MEDSSL_SAMPLE")
    if said:
        return Path(said)
    return data_folder() / "sample"


def person() -> str:
    """The name written into label revisions."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def _refusals(refused: Iterable[tuple[Path, str]]) -> str:
    listed = [in_window(reason) for _, reason in refused]
    if not listed:
        return ""
    more = f" … and {len(listed) - 3} more" if len(listed) > 3 else ""
    many = "1 file was not taken: " if len(listed) == 1 else f"{len(listed)} files were not taken: "
    return many + " ".join(listed[:3]) + more
