"""`new`: make a project from scans, and labels where there are some."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import MedSSLError
from .parsing import parse_classes, pick_label_files
from .screen import Screen

if TYPE_CHECKING:
    from ..project import Project

HELP = "make a project from a folder of scans"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.add_argument("project", type=Path, metavar="PROJECT", help="folder to make; must be new or empty")
    parser.add_argument("--images", type=Path, nargs="+", action="extend", required=True, metavar="PATH",
                        help="scans, or folders of scans; they stay where they are")
    parser.add_argument("--labels", type=Path, nargs="+", action="extend", default=[], metavar="PATH",
                        help="masks, or folders of masks; each finds its scan by the name of the file")
    parser.add_argument("--class", dest="classes", nargs="+", action="extend", default=[], metavar="VALUE=NAME",
                        help="a structure to segment: its value in the masks and its name")
    parser.add_argument("--label-cases", metavar="N|LIST",
                        help="take labels for the first N cases only, or for those named (comma-separated, or a text "
                             "file with one name per line)")
    parser.add_argument("--channels", nargs="+", metavar="NAME",
                        help="names of the channels of a scan, in order (default: as many as the first scan has)")
    parser.add_argument("--name", help="name of the project; by default the folder's")


def run(arguments: argparse.Namespace, screen: Screen) -> dict[str, Any]:
    """Make it; nothing is left behind when there is no usable scan."""
    from ..project import ClassInfo, Project, import_images, import_labels
    from .parsing import case_of, find_files

    classes = parse_classes(arguments.classes)
    if arguments.label_cases and not arguments.labels:
        raise MedSSLError("--label-cases needs --labels: say where the masks are.")
    images = find_files(arguments.images, "scan")
    label_files = find_files(arguments.labels, "mask") if arguments.labels else []
    chosen = pick_label_files(label_files, {case_of(path) for path in images}, arguments.label_cases)
    if chosen and not classes:
        classes = _classes_found(chosen)

    existed = arguments.project.exists()
    project = Project.create(
        arguments.project,
        classes=[ClassInfo(value, name) for value, name in classes.items()],
        channels=arguments.channels or _channels_of(images),
        name=arguments.name,
    )
    report = import_images(project, images)
    if not report.added:
        _take_back(project, existed)
        raise MedSSLError(f"None of the {len(images)} scans could be used. The first: {report.refused[0][1]}")
    for _, reason in report.refused:
        screen.note(f"left out: {reason}")
    labelled = import_labels(project, chosen) if chosen else None
    for _, reason in labelled.refused if labelled else ():
        screen.note(f"label left out: {reason}")
    if labelled and not labelled.added:
        raise MedSSLError(f"None of the labels could be used. The first: {labelled.refused[0][1]}")
    count = len(labelled.added) if labelled else 0
    screen.say(f"{project.root}: {len(report.added)} cases, {count} labelled.")
    return {
        "project": str(project.root),
        "cases": len(report.added),
        "labelled": [str(name) for name in labelled.added] if labelled else [],
        "classes": {str(value): name for value, name in classes.items()},
        "refused": [
            {"path": str(path), "reason": str(reason)}
            for path, reason in [*report.refused, *(labelled.refused if labelled else ())]
        ],
    }


def _classes_found(files: list[Path]) -> dict[int, str]:
    """Classes named after the values in the masks, for people who gave no names."""
    from ..imaging import read_labels

    values = sorted({value for path in files for value in read_labels(path).values} - {0, 255})
    return {value: f"class {value}" for value in values}


def _take_back(project: Project, existed: bool) -> None:
    """Remove the project that was just made and holds nothing, so that the command can be tried again."""
    import shutil

    for entry in project.root.iterdir():
        shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
    if not existed:
        project.root.rmdir()


def _channels_of(images: list[Path]) -> tuple[str, ...]:
    """Channel names for scans like the first one that can be read."""
    from ..imaging import read_grid

    for path in images:
        try:
            count = read_grid(path).channels
        except MedSSLError:
            continue  # it will be refused with its reason when it is added
        if count == 1:
            return ("image",)
        if count == 3 and path.suffix.lower() not in (".nii", ".gz", ".hdr", ".img"):
            return ("red", "green", "blue")
        return tuple(f"channel {number}" for number in range(1, count + 1))
    return ("image",)
