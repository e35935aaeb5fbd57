"""`train`: learn from the labelled scans, and from the unlabelled ones, then propose."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from ..methods.catalog import CATALOG
from ..terminal.screen import Screen
from .damage import open_project
from .numbers import number
from .parsing import parse_settings

RECOMMENDED = "recommended"  # as runs.recommend has it; importing that would cost every command numpy
HELP = "train a model, then propose labels for the cases without"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.add_argument("project", type=Path, metavar="PROJECT", help="folder of the project")
    parser.add_argument(
        "--method",
        default="bcp",
        metavar="M",
        help="; ".join(f"{m.name}: {m.title}" for m in CATALOG.values())
        + f"; {RECOMMENDED}: what suits the project, perhaps two runs (default: bcp); see the command methods",
    )
    budget = parser.add_mutually_exclusive_group()
    budget.add_argument("--minutes", type=number, metavar="M", help="wall-clock budget (default: 10)")
    budget.add_argument("--steps", type=int, metavar="N", help="budget in steps")
    parser.add_argument(
        "--preset",
        choices=("auto", "paper"),
        default="auto",
        help="auto: planned from your scans and machine (default); paper: the published recipe",
    )
    parser.add_argument("--start-from", metavar="RUN", help="begin with the weights of a run (its name, or its folder)")
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="of every random draw (default: 0)")
    parser.add_argument("--device", default="auto", metavar="D", help="auto (default), cpu, gpu, cuda, cuda:1, mps")
    parser.add_argument(
        "--set",
        dest="settings",
        nargs="+",
        action="extend",
        default=[],
        metavar="OPTION=VALUE",
        help="set an option of the method or a field of the plan",
    )
    parser.add_argument(
        "--propose",
        nargs="+",
        metavar="CASE",
        help="propose for these cases only (default: all without complete labels); none: for none",
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="plan it, try some steps, say how long it will take; change nothing"
    )


def run(arguments: argparse.Namespace, screen: Screen) -> dict[str, Any]:
    """Train to the end of the budget; Ctrl+C stops and keeps."""
    from ..runs.request import Asked, make_spec
    from ..runs.taking_back import taken_back
    from .judging import tell_verdict
    from .parsing import device_here, pick_cases
    from .running import run_here

    settings = parse_settings(arguments.settings)
    arguments.device = device_here(arguments.device)
    project = open_project(arguments.project, screen)
    propose = None
    if arguments.propose:
        none = arguments.propose == ["none"]
        propose = () if none else pick_cases([case.name for case in project.cases()], arguments.propose)
    if arguments.method == RECOMMENDED:
        from .recommended import train_recommended

        return train_recommended(project, arguments, settings, propose, screen)
    asked: Asked = {
        "minutes": arguments.minutes,
        "steps": arguments.steps,
        "seed": arguments.seed,
        "device": arguments.device,
        "preset": arguments.preset,
        "settings": settings,
        "start_from": arguments.start_from,
        "propose": propose,
    }
    if arguments.dry_run:
        from .dry_run import dry_run

        return dry_run(project, arguments.method, asked, screen)
    spec = make_spec(project, arguments.method, **asked)
    with taken_back([project.run_folder(spec.run)]):
        result = run_here(project, spec.run, screen)
    return result | tell_verdict(project, result["run"], screen)
