"""`progress`: do proposals get better, does the work get less, and what is mixed up."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from ..terminal.screen import Screen
from .damage import open_project

HELP = "show whether proposals get better and the work gets less"
WORDS = ("run", "case", "time", "kind", "proposed")  # columns that hold no numbers


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.add_argument("project", type=Path, metavar="PROJECT", help="folder of the project")
    parser.add_argument("--csv", type=Path, metavar="FOLDER", help="write the numbers as CSV files into a folder")


def run(arguments: argparse.Namespace, screen: Screen) -> dict[str, Any]:
    """Read, tell, write."""
    from ..progress import make_tables, read_progress, write_tables
    from ..progress.confusion import tell_confusion
    from ..progress.effort import tell_effort
    from ..progress.learning import tell_rounds

    progress = read_progress(open_project(arguments.project, screen))
    tables = make_tables(progress)
    words = (tell_rounds(progress.rounds), tell_effort(progress.effort, "minutes"), tell_confusion(progress.confusion))
    for table, said in zip(tables, words, strict=True):
        screen.say(said)
        worth = table.name != "confusion" or progress.confusion.cases
        if table.rows and worth and not screen.machine:
            heads = [name if name in WORDS else f">{name}" for name in table.columns]
            screen.table("", heads, table.rows)
    written = write_tables(progress, arguments.csv) if arguments.csv else []
    if written:
        screen.say(f"Numbers written to {arguments.csv}: {', '.join(path.name for path in written)}.")
    return {
        "project": str(arguments.project),
        **{table.name: [dict(zip(table.columns, row, strict=True)) for row in table.rows] for table in tables},
        "files": [str(path) for path in written],
    }
