"""`new`: make a project from scans, and labels where there are some."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from ..errors import MedSSLError
from ..terminal.screen import Screen
from .importing import none_of, report_values, tell_report
from .labels import BRING_OVER_HELP, LEAVE_OUT_HELP, MAP_HELP
from .parsing import parse_classes, parse_label_cases, parse_value_map

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
    parser.add_argument(
        "--map", dest="mapping", nargs="+", action="extend", default=[], metavar="FILE=CLASS", help=MAP_HELP
    )
    parser.add_argument("--bring-over", action="store_true", help=BRING_OVER_HELP)
    parser.add_argument("--leave-out", nargs="+", action="extend", default=[], metavar="NAME", help=LEAVE_OUT_HELP)
    parser.add_argument("--name", help="name of the project; by default the folder's")


def run(arguments: argparse.Namespace, screen: Screen) -> dict[str, Any]:
    """Make it; nothing is left behind when no scan, or none of the labels, can be used."""
    from ..project import ClassInfo, ImportReport, import_images, import_labels, new_project
    from ..project.class_guess import classes_in

    classes = parse_classes(arguments.classes)
    mapping, other = parse_value_map(arguments.mapping)
    for flag, given in (
        ("--label-cases", arguments.label_cases),
        ("--map", arguments.mapping),
        ("--leave-out", arguments.leave_out),
    ):
        if given and not arguments.labels:
            raise MedSSLError(f"{flag} needs --labels: say where the masks are.")
    with new_project(
        arguments.project,
        classes=[ClassInfo(value, name) for value, name in classes.items()],
        channels=arguments.channels or ("image",),
        name=arguments.name,
    ) as project:
        scans = import_images(project, arguments.images, screen.counting("Reading scans"))
        if not scans.added:
            raise MedSSLError(none_of(scans, "scans"))
        labels = ImportReport()
        wanted = parse_label_cases(arguments.label_cases, [case.name for case in project.cases()])
        if arguments.labels and not classes:
            project.set_classes(classes_in(project, arguments.labels, mapping, other, arguments.leave_out))
        if arguments.labels and wanted != 0:
            labels = import_labels(
                project,
                arguments.labels,
                wanted,
                mapping,
                on_progress=screen.counting("Reading labels"),
                other=other,
                bring_over=arguments.bring_over,
                leave_out=arguments.leave_out,
            )
            if not labels.added:
                raise MedSSLError(none_of(labels, "labels"))
    tell_report(scans, screen)
    tell_report(labels, screen)
    screen.say(f"{project.root}: {len(scans.added)} cases, {len(labels.added)} labelled.")
    return {
        "project": str(project.root),
        "cases": list(scans.added),
        "labelled": list(labels.added),
        "classes": {str(one.value): one.name for one in project.classes},
        "channels": list(project.channels),
        **report_values(scans, labels),
    }
