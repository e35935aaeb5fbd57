"""`suggest`: which cases to look at next, and why."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from ..terminal.screen import Screen
from .damage import open_project

HELP = "say which cases to look at next, and why"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.add_argument("project", type=Path, metavar="PROJECT", help="folder of the project")
    parser.add_argument("-k", type=int, default=5, metavar="N", dest="count", help="how many (default: 5)")


def run(arguments: argparse.Namespace, screen: Screen) -> dict[str, Any]:
    """Rank."""
    from ..errors import MedSSLError
    from ..runs.champion import set_aside
    from ..runs.history import read_history
    from ..selection.candidates import suggest

    if arguments.count < 1:
        raise MedSSLError(f"-k {arguments.count}: ask for at least one.")
    project = open_project(arguments.project, screen)
    suggestions = suggest(project, set_aside(read_history(project)))[: arguments.count]
    if not suggestions:
        screen.say("Every case is labelled; nothing to suggest.")
    elif not screen.machine:
        screen.table(
            "",
            ["", "case", ">expected error", "why"],
            [(n, s.case, s.score, s.reason) for n, s in enumerate(suggestions, 1)],
        )
    return {
        "project": str(project.root),
        "suggestions": [{"case": s.case, "score": s.score, "reason": s.reason} for s in suggestions],
    }
