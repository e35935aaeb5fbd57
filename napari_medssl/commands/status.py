"""`status`: what a project holds and how far it is."""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path
from typing import Any

from ..terminal.screen import Screen
from .damage import open_project

HELP = "show what a project holds and how far it is"
SHOWN = 40  # cases listed for people; machines get all


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.add_argument("project", type=Path, metavar="PROJECT", help="folder of the project")
    parser.add_argument("--all", action="store_true", help=f"list every case, not only the first {SHOWN}")


def run(arguments: argparse.Namespace, screen: Screen) -> dict[str, Any]:
    """Count and list."""
    from ..runs.champion import set_aside
    from ..runs.outlook import take_stock
    from .judging import COLUMN, mark
    from .runs import list_runs, tell_model

    project = open_project(arguments.project, screen)
    stock = take_stock(project)
    avoid = set_aside(stock.runs)
    cases = []
    for case in project.cases():
        proposal = case.latest_proposal(avoid)
        cases.append(
            {
                "case": case.name,
                "status": case.status,
                "role": case.role,
                "patient": case.patient,
                "score": proposal.score if proposal else None,
                "proposed_by": proposal.run if proposal else None,
                "revisions": len(case.revisions()),
            }
        )
    counts = Counter(str(case["status"]) for case in cases)
    runs = list_runs(project, stock)

    classes = ", ".join(f"{c.value} {c.name}" for c in project.classes) or "none yet"
    screen.say(f"{project.name}: {len(cases)} cases, {_counted(counts)}. Classes: {classes}.")
    if not screen.machine:
        shown = cases if arguments.all else cases[:SHOWN]
        rows = [(c["case"], c["status"], c["score"], c["revisions"], c["proposed_by"]) for c in shown]
        rest = len(cases) - len(shown)
        title = f"and {rest} more (--all lists them)" if rest else ""
        screen.table(title, ["case", "status", ">expected error", ">labels", "proposed by"], rows)
        if runs:
            screen.table(
                "",
                ["run", "method", "state", ">steps", ">Dice held out", COLUMN],
                [(r["run"], r["method"], r["state"], r["steps"], r["best_dice"], mark(r["verdict"])) for r in runs],
            )
    return {
        **tell_model(project, runs, stock, screen),
        "project": str(project.root),
        "name": project.name,
        "classes": [{"value": c.value, "name": c.name, "colour": c.colour} for c in project.classes],
        "channels": list(project.channels),
        "counts": {"cases": len(cases), **counts},
        "cases": cases,
        "runs": runs,
    }


def _counted(counts: Counter[str]) -> str:
    return ", ".join(f"{number} {status}" for status, number in sorted(counts.items())) or "none"
