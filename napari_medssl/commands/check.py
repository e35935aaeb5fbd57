"""`check`: read all scans of a folder or a project, and say what is odd."""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path
from typing import Any

from ..terminal.screen import Screen

HELP = "read all scans of a folder, or all files of a project, and say what is odd or damaged"
SHOWN = 6  # names of a finding, for people; machines get all
BAD = 2  # the exit code where something is wrong with the input
SIGNS = {"error": "problem", "warning": "look at", "info": "note"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.add_argument("place", type=Path, metavar="FOLDER|PROJECT", help="a folder of scans, or a project")
    parser.add_argument(
        "--labels",
        type=Path,
        nargs="+",
        action="extend",
        default=[],
        metavar="PATH",
        help="masks, or folders of masks, that belong to the scans of a folder",
    )
    parser.add_argument(
        "--repair",
        action="store_true",
        help="mend what can be mended of a project's files; damaged ones are kept aside",
    )
    parser.add_argument(
        "--clear-proposals",
        metavar="RUN|older",
        help="remove the proposals of a run, or all but the newest of each case",
    )
    parser.add_argument(
        "--forget",
        nargs="+",
        default=[],
        metavar="CASE|RUN",
        help="cases and runs that were removed on purpose: they are not named as gone any more",
    )


def run(arguments: argparse.Namespace, screen: Screen) -> dict[str, Any]:
    """Read and tell."""
    from ..errors import ProjectError
    from ..locking import NO_LOCKS, has_system_locks
    from ..project import Project
    from ..project.examining import check_files, check_project
    from ..project.files import gather_labels, gather_scans, look_into
    from ..project.findings import in_words
    from .caring import care_for

    place, counting = arguments.place, screen.counting("Reading scans")
    damage: list[dict[str, Any]] = []
    mended: list[str] = []
    has_locks = True
    if (place / "project.json").is_file() or place.name == "project.json":
        project = Project.open(place)
        has_locks = has_system_locks(project.root) is not False
        damage, mended = care_for(project, screen, arguments.repair, arguments.clear_proposals, arguments.forget)
        report = check_project(project, counting, on_part=screen.reading())
    elif arguments.repair or arguments.clear_proposals or arguments.forget:
        raise ProjectError(f"{place}: there is no project here. --repair, --clear-proposals and --forget need one.")
    else:
        scans = gather_scans(place)
        if arguments.labels:
            labels = gather_labels(arguments.labels, set(scans.files)).files
        else:
            labels = list(look_into(place.absolute()).labels) if place.is_dir() else []
        images = [path for path in scans.files if path not in labels]
        report = check_files(images, labels, counting, left=scans.left, on_part=screen.reading())
    screen.say(f"{place}: {report.scans} scans read, {in_words(report.findings)}.")
    if report.findings and not screen.machine:
        screen.table(
            "",
            ["", "which", "what", "what to do"],
            [(SIGNS[one.level], _names(one.items), one.what, one.todo) for one in report.findings],
        )
    if not has_locks:
        screen.say(NO_LOCKS)
    return {
        "place": str(place),
        "locks": has_locks,
        "scans": report.scans,
        "findings": [dataclasses.asdict(one) for one in report.findings],
        "leave_out": report.leave_out,
        "patients": report.patients,
        "damage": damage,
        "mended": mended,
        **({"exit": BAD} if damage or any(one.level == "error" for one in report.findings) else {}),
    }


def _names(items: tuple[str, ...]) -> str:
    return ", ".join(items[:SHOWN]) + (f" and {len(items) - SHOWN} more" if len(items) > SHOWN else "")
