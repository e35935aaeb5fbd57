"""`use`: choose the model that is used where none is named, or go back to an earlier one."""

from __future__ import annotations

import argparse
import getpass
from pathlib import Path
from typing import Any

from ..errors import MedSSLError
from ..plain import command_line
from ..terminal.screen import Screen
from .damage import open_project

HELP = "choose which model is used where none is named"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.add_argument("project", type=Path, metavar="PROJECT", help="folder of the project")
    parser.add_argument("run_name", nargs="?", metavar="RUN", help="the run whose model to use, an earlier one too")
    parser.add_argument(
        "--automatic", action="store_true", help="leave the choice to the program: the newest that did not do worse"
    )


def run(arguments: argparse.Namespace, screen: Screen) -> dict[str, Any]:
    """Write the decision down."""
    from ..runs.champion import use_model
    from ..runs.outlook import take_stock
    from .runs import list_runs, tell_model

    if arguments.automatic == (arguments.run_name is not None):
        hint = command_line("runs", "list", arguments.project)
        raise MedSSLError(f"Name the run whose model to use, or say --automatic. To see the runs: {hint}")
    project = open_project(arguments.project, screen)
    use_model(project, arguments.run_name, author=_person())
    stock = take_stock(project)
    return tell_model(project, list_runs(project, stock), stock, screen)


def _person() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""
