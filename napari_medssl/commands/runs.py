"""`runs list | stop | resume`: the runs of a project."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import ProjectError, SpecError
from ..plain import command_line
from ..terminal.screen import Screen
from .damage import open_project

if TYPE_CHECKING:
    from ..project import Project
    from ..runs.outlook import Stock

HELP = "list, stop or resume runs"
#: What is told of a run, in the order of JSON.
KEYS = (
    "run", "task", "method", "state", "progress", "steps", "minutes", "best_dice", "labelled", "start_from",
    "waits_for", "verdict", "message",
)  # fmt: skip


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the three commands."""
    verbs = parser.add_subparsers(metavar="VERB", required=True, parser_class=type(parser))
    for name, function, text in (
        ("list", run_list, "list the runs of a project"),
        ("stop", run_stop, "ask a run to stop"),
        ("resume", run_resume, "go on with a paused or broken run, here, to its end"),
    ):
        verb = verbs.add_parser(name, help=text, description=text)
        verb.add_argument("project", type=Path, metavar="PROJECT", help="folder of the project")
        if name != "list":
            verb.add_argument("run_name", metavar="RUN", help="name of the run")
        if name == "stop":
            verb.add_argument(
                "--how",
                choices=("keep", "pause", "discard"),
                default="keep",
                help="keep what was learnt (default), pause to resume later, or discard",
            )
        verb.add_argument("--json", action="store_true", help="print one JSON object, for machines")
        verb.set_defaults(run=function)


def run_list(arguments: argparse.Namespace, screen: Screen) -> dict[str, Any]:
    """Table of runs."""
    from ..runs.outlook import take_stock
    from .judging import COLUMN, mark

    project = open_project(arguments.project, screen)
    stock = take_stock(project)
    runs = list_runs(project, stock)
    if not runs:
        screen.say("No runs yet.")
    elif not screen.machine:
        columns = ["run", "method", "state", ">progress", ">steps", ">minutes", ">Dice held out", COLUMN, "message"]
        keys = ("run", "method", "state", "progress", "steps", "minutes", "best_dice")
        rows = [[*(r[key] for key in keys), mark(r["verdict"]), r["message"]] for r in runs]
        screen.table("", columns, rows)
    return {"runs": runs, **tell_model(project, runs, stock, screen)}


def tell_model(project: Project, runs: list[dict[str, Any]], stock: Stock, screen: Screen) -> dict[str, Any]:
    """Say which model is used where nobody names one, why not others, and what comparison is missing; also as JSON."""
    from ..runs.champion import candidates, model_to_use, set_aside
    from .judging import comparison_command

    model, aside = model_to_use(stock.runs), set_aside(stock.runs)
    for one in runs:
        if one["verdict"] and one["verdict"]["standing"] == "worse":
            screen.say(f"⚠ {one['run']}: {one['verdict']['text']}")
    for past in stock.runs:
        if past.retired:
            screen.say(f"⚠ {past.run} is not used any more. {aside[past.run]}")
    newer = candidates(stock.runs)
    told = {
        "model_to_use": None if model is None else model.run,
        "chosen_by": None if model is None or model.chosen is None else model.chosen.author,
        "set_aside": aside,
        "candidates": [{"run": one.run, "standing": one.standing, "text": one.text} for one in newer],
        "compare_with": None,
    }
    if model is None:
        return told
    chosen = f" It was chosen by {model.chosen.author or 'a person'}." if model.chosen is not None else ""
    screen.say(f"Model to use: {model.run}.{chosen}")
    for candidate in newer:
        screen.say(f"{candidate.text} To use it: {command_line('use', project.root, candidate.run)}")
    command = comparison_command(project.root, model.run, stock)
    if command is not None:
        screen.say(f"To know whether the unlabelled scans helped, train on the labels only for as long: {command}")
    return {**told, "compare_with": command}


def run_stop(arguments: argparse.Namespace, screen: Screen) -> dict[str, Any]:
    """Write the request; the run looks at it between steps."""
    from ..runs.drivers import ProcessDriver

    project = open_project(arguments.project, screen)
    _folder(project, arguments.run_name)
    handle = ProcessDriver().attach(project.root, arguments.run_name)
    if not handle.is_alive():
        raise ProjectError(f"Run {arguments.run_name} is not running ({handle.status().state}); nothing to stop.")
    handle.stop(arguments.how)
    screen.say(f"{arguments.run_name} was asked to stop ({arguments.how}).")
    return {"run": arguments.run_name, "how": arguments.how, "requested": True}


def run_resume(arguments: argparse.Namespace, screen: Screen) -> dict[str, Any]:
    """Go on in this process, to the end."""
    from ..runs.drivers import ProcessDriver
    from ..runs.process import is_running, is_taken
    from .judging import tell_verdict
    from .running import run_here

    project = open_project(arguments.project, screen)
    folder = _folder(project, arguments.run_name)
    if is_running(folder):
        raise is_taken(folder)
    status = ProcessDriver().attach(project.root, arguments.run_name).status()
    if status.state in ("completed", "discarded"):
        raise ProjectError(
            f"Run {arguments.run_name} is {status.state}; there is nothing to go on with. Train a new one."
        )
    if status.waits_for:
        raise ProjectError(f"Run {arguments.run_name} cannot begin yet. {status.message}")
    result = run_here(project, arguments.run_name, screen)
    return result | tell_verdict(project, result["run"], screen)


def list_runs(project: Project, stock: Stock) -> list[dict[str, Any]]:
    """The runs of a project, oldest first, as JSON values."""
    from ..runs.drivers import ProcessDriver
    from ..runs.guard import judge_all
    from ..runs.history import unreadable_runs
    from ..runs.process import where_it_runs
    from ..runs.spec import read_spec
    from .judging import verdict_json

    listed: list[dict[str, Any]] = []
    verdicts, unreadable = judge_all(stock.runs), unreadable_runs(project)
    for name in project.runs():
        try:
            spec = read_spec(project.run_folder(name))
        except SpecError:
            if name in unreadable:  # else reserved, and not written yet
                listed.append(dict.fromkeys(KEYS) | {"run": name, "state": "unreadable", "message": unreadable[name]})
            continue
        status = ProcessDriver().attach(project.root, name).status()
        last = status.finished
        listed.append(
            {
                "run": name,
                "task": spec.task,
                "method": spec.method,
                "state": status.state,
                "progress": status.progress,
                "steps": status.step,
                "minutes": round(last.seconds / 60, 2) if last else None,
                "best_dice": status.best_dice,
                "labelled": len(spec.labelled),
                "start_from": spec.start_from,
                "waits_for": status.waits_for or None,
                "verdict": verdict_json(verdicts.get(name)),
                "message": status.message or where_it_runs(project.run_folder(name)),
            }
        )
    return listed


def _folder(project: Project, run: str) -> Path:
    if run not in project.runs():
        raise ProjectError(f"There is no run {run!r}; this project has: {', '.join(project.runs()) or 'none yet'}.")
    return project.run_folder(run)
