"""`predict`: propose labels with a model that is there."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import ProjectError
from ..plain import command_line
from ..terminal.screen import Screen
from .damage import open_project

if TYPE_CHECKING:
    from ..project import Project

HELP = "propose labels with a trained model"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.add_argument("project", type=Path, metavar="PROJECT", help="folder of the project")
    parser.add_argument(
        "--run",
        dest="model",
        metavar="R",
        help="whose model: a run's name or a run's folder, another project's too (default: the model in "
        "use, see `use`)",
    )
    parser.add_argument(
        "--cases",
        nargs="+",
        metavar="CASE",
        help="names, comma-separated names or text files of names (default: all without labels)",
    )
    parser.add_argument("--device", default="auto", metavar="D", help="auto (default), cpu, gpu, cuda, cuda:1, mps")


def run(arguments: argparse.Namespace, screen: Screen) -> dict[str, Any]:
    """Predict."""
    from .parsing import device_here, pick_cases

    device = device_here(arguments.device)
    project = open_project(arguments.project, screen)
    model = arguments.model or default_model(project, screen)
    wanted = pick_cases([c.name for c in project.cases()], arguments.cases) if arguments.cases else None
    return predict(project, model, wanted, device, screen)


def predict(project: Project, model: str, cases: tuple[str, ...] | None, device: str, screen: Screen) -> dict[str, Any]:
    """Propose for `cases` (None: all without labels) with the model of a run; the result as JSON values."""
    from ..runs.request import make_predict_spec
    from ..runs.taking_back import taken_back
    from .running import run_here

    spec = make_predict_spec(project, model, cases, device)
    with taken_back([project.run_folder(spec.run)]):
        return {"model_of": model, **run_here(project, spec.run, screen)}


def default_model(project: Project, screen: Screen) -> str:
    """The run whose model is used where nobody names one; newer ones that are set aside are said to be.

    Raises
    ------
    ProjectError
        When there is none.
    """
    from ..runs.champion import model_to_use, set_aside
    from ..runs.history import read_history

    history = read_history(project)
    model = model_to_use(history)
    if model is None:
        hint = command_line("train", project.root)
        raise ProjectError(f"{project.root}: no run has a model yet. Train one: {hint}")
    aside = set_aside(history)
    for newer in history[history.index(model) + 1 :]:
        if newer.run in aside:
            screen.note(f"Not with the newer {newer.run}. {aside[newer.run]} To use it all the same: --run {newer.run}")
    return model.run
