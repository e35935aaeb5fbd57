"""`labels import | history`: bring labels in, and see who drew what when."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import MedSSLError
from ..terminal.screen import Screen
from .damage import open_project
from .importing import none_of, report_values, tell_report
from .parsing import parse_label_cases, parse_value_map

if TYPE_CHECKING:
    from ..project import Project, Revision
    from ..project.damage import Damage

HELP = "import labels, or list the revisions of labels"
MAP_HELP = (
    "values in the files and the class values they mean, such as 4=1, 1024=2 or 255=1; other=0 makes the rest "
    "background"
)
LEAVE_OUT_HELP = "files or folders of these names are not taken: structures that the project does not have"
BRING_OVER_HELP = (
    "bring masks that are turned, mirrored in storage or cut out of the grid of their scan over to it, voxel for voxel"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the two commands."""
    verbs = parser.add_subparsers(metavar="VERB", required=True, parser_class=type(parser))
    bring = verbs.add_parser(
        "import",
        help="import masks as new revisions",
        description="Import masks as new "
        "revisions: what was drawn before stays. Each mask finds its case by its file name.",
    )
    bring.add_argument("project", type=Path, metavar="PROJECT", help="folder of the project")
    bring.add_argument("paths", type=Path, nargs="+", metavar="PATH", help="masks, or folders of masks")
    bring.add_argument("--label-cases", metavar="N|LIST", help="only the first N cases, or those named")
    bring.add_argument(
        "--map",
        dest="mapping",
        nargs="+",
        action="extend",
        default=[],
        metavar="FILE=CLASS",
        help=MAP_HELP,
    )
    bring.add_argument("--bring-over", action="store_true", help=BRING_OVER_HELP)
    bring.add_argument("--leave-out", nargs="+", action="extend", default=[], metavar="NAME", help=LEAVE_OUT_HELP)
    bring.add_argument(
        "--replace",
        action="store_true",
        help="let structures that the masks do not speak of become background (default: they are kept)",
    )
    bring.add_argument("--author", default="", metavar="NAME", help="who drew them")
    bring.set_defaults(run=run_import)
    history = verbs.add_parser("history", help="list the revisions", description="List the label revisions of cases.")
    history.add_argument("project", type=Path, metavar="PROJECT", help="folder of the project")
    history.add_argument("cases", nargs="*", metavar="CASE", help="names of cases (default: all)")
    history.set_defaults(run=run_history)
    for verb in (bring, history):
        verb.add_argument("--json", action="store_true", help="print one JSON object, for machines")


def run_import(arguments: argparse.Namespace, screen: Screen) -> dict[str, Any]:
    """Import."""
    from ..project import import_labels

    project = open_project(arguments.project, screen)
    mapping, other = parse_value_map(arguments.mapping)
    report = import_labels(
        project,
        arguments.paths,
        parse_label_cases(arguments.label_cases, [case.name for case in project.cases()]),
        mapping,
        arguments.author,
        screen.counting("Reading labels"),
        other=other,
        bring_over=arguments.bring_over,
        leave_out=arguments.leave_out,
        replace=arguments.replace,
    )
    if not report.added and report.refused:
        raise MedSSLError(none_of(report, "labels"))
    tell_report(report, screen)
    screen.say(f"{len(report.added)} cases labelled.")
    return {"project": str(project.root), "labelled": list(report.added), **report_values(report)}


def run_history(arguments: argparse.Namespace, screen: Screen) -> dict[str, Any]:
    """Table of revisions, oldest first."""
    project = open_project(arguments.project, screen, lambda project: _damaged(project, arguments.cases))
    cases = [project.case(name) for name in arguments.cases] if arguments.cases else project.cases()
    revisions = [(case.name, revision) for case in cases for revision in case.revisions()]
    if not revisions:
        screen.say("No labels yet.")
    elif not screen.machine:
        columns = ["case", "time (UTC)", "author", "origin", "state", ">minutes", "from", ">Dice to it", ">revision"]
        screen.table("", columns, [_row(name, revision) for name, revision in revisions])
    return {"project": str(project.root), "revisions": [_values(name, r) for name, r in revisions]}


def _damaged(project: Project, names: Sequence[str]) -> Iterator[Damage]:
    """Revisions that cannot be read, older ones among them: a history lists those, too."""
    for case in project.cases():
        if not names or case.name in names:
            yield from case.damaged_labels()


def _row(case: str, revision: Revision) -> list[object]:
    """What people want to see of a revision."""
    time = revision.time[:16].replace("T", " ")
    state = "beside" if revision.beside else "done" if revision.complete else "draft"
    made = [case, time, revision.author, revision.origin, state, f"{revision.minutes:.1f}"]
    return [*made, revision.run, revision.dice_to_proposal, revision.id]


def _values(case: str, revision: Revision) -> dict[str, Any]:
    """All of a revision, as JSON values."""
    return {
        "case": case,
        "revision": revision.id,
        "time": revision.time,
        "author": revision.author,
        "origin": revision.origin,
        "complete": revision.complete,
        "minutes": revision.minutes,
        "parent": revision.parent,
        "run": revision.run,
        "note": revision.note,
        "beside": revision.beside or None,
        "dice_to_proposal": revision.dice_to_proposal,
        "path": str(revision.path),
    }
