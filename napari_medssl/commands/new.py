"""`new`: make a project from scans, and labels where there are some."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from ..errors import MedSSLError
from ..terminal.screen import Screen
from .parsing import parse_classes, parse_label_cases

HELP = "make a project from a folder of scans"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.add_argument("project", type=Path, metavar="PROJECT", help="folder to make; must be new or empty")
    parser.add_argument(
        "--images",
        type=Path,
        nargs="+",
        action="extend",
        required=True,
        metavar="PATH",
        help="scans, or folders of scans; they stay where they are",
    )
    parser.add_argument(
        "--labels",
        type=Path,
        nargs="+",
        action="extend",
        default=[],
        metavar="PATH",
        help="masks, or folders of masks; each finds its scan by the name of the file",
    )
    parser.add_argument(
        "--class",
        dest="classes",
        nargs="+",
        action="extend",
        default=[],
        metavar="VALUE=NAME",
        help="a structure to segment: its value in the masks and its name",
    )
    parser.add_argument(
        "--label-cases",
        metavar="N|LIST",
        help="take labels for the first N cases only, or for those named (comma-separated, or a text "
        "file with one name per line)",
    )
    parser.add_argument(
        "--channels",
        nargs="+",
        metavar="NAME",
        help="names of the channels of a scan, in order (default: as many as the first scan has)",
    )
    parser.add_argument("--name", help="name of the project; by default the folder's")


def run(arguments: argparse.Namespace, screen: Screen) -> dict[str, Any]:
    """Make it; nothing is left behind when no scan, or none of the labels, can be used."""
    from ..project import ClassInfo, ImportReport, import_images, import_labels, label_values, new_project

    classes = parse_classes(arguments.classes)
    wanted = parse_label_cases(arguments.label_cases)
    if wanted is not None and not arguments.labels:
        raise MedSSLError("--label-cases needs --labels: say where the masks are.")
    if arguments.labels and not classes:
        classes = {value: f"class {value}" for value in label_values(arguments.labels)}
    with new_project(
        arguments.project,
        classes=[ClassInfo(value, name) for value, name in classes.items()],
        channels=arguments.channels or ("image",),
        name=arguments.name,
    ) as project:
        scans = import_images(project, arguments.images, screen.counting("Reading scans"))
        if not scans.added:
            raise MedSSLError(f"None of {len(scans.refused)} scans can be used. {scans.refused[0][1]}")
        labels = ImportReport()
        if arguments.labels:
            labels = import_labels(project, arguments.labels, wanted, on_progress=screen.counting("Reading labels"))
            if not labels.added:
                raise MedSSLError(f"None of {len(labels.refused)} labels can be used. {labels.refused[0][1]}")
    for _, reason in (*scans.refused, *labels.refused):
        screen.note(f"left out: {reason}")
    screen.say(f"{project.root}: {len(scans.added)} cases, {len(labels.added)} labelled.")
    return {
        "project": str(project.root),
        "cases": list(scans.added),
        "labelled": list(labels.added),
        "classes": {str(value): name for value, name in classes.items()},
        "channels": list(project.channels),
        "refused": [{"path": str(path), "reason": why} for path, why in (*scans.refused, *labels.refused)],
        "skipped": [{"path": str(path), "reason": why} for path, why in scans.skipped],
    }
