"""`evaluate`: measure a model's proposals against the truth, per case and class."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from ..terminal.screen import Screen
from .damage import open_project
from .importing import tell_notes, tell_skipped
from .labels import LEAVE_OUT_HELP, MAP_HELP
from .numbers import number_from_zero

HELP = "measure the proposals of a model against the truth: Dice, HD95 and NSD"
TOLERANCE_MM = 2.0  # as inference.metrics has it; importing that would cost every command numpy


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.add_argument("project", type=Path, metavar="PROJECT", help="folder of the project")
    parser.add_argument(
        "--run",
        dest="model",
        required=True,
        metavar="R",
        help="whose model: a run's name or a run's folder, another project's too",
    )
    parser.add_argument(
        "--truth",
        type=Path,
        nargs="+",
        action="extend",
        required=True,
        metavar="PATH",
        help="masks, or folders of masks; each finds its case by the name of the file",
    )
    parser.add_argument(
        "--map", dest="mapping", nargs="+", action="extend", default=[], metavar="FILE=CLASS", help=MAP_HELP
    )
    parser.add_argument("--leave-out", nargs="+", action="extend", default=[], metavar="NAME", help=LEAVE_OUT_HELP)
    parser.add_argument(
        "--cases",
        nargs="+",
        metavar="CASE",
        help="names, comma-separated names or text files of names (default: every case with a truth "
        "that the run did not learn from)",
    )
    parser.add_argument(
        "--tolerance",
        type=number_from_zero,
        default=TOLERANCE_MM,
        metavar="MM",
        help=f"of NSD, in mm (default: {TOLERANCE_MM:g})",
    )
    parser.add_argument("--device", default="auto", metavar="D", help="auto (default), cpu, gpu, cuda, cuda:1, mps")


def run(arguments: argparse.Namespace, screen: Screen) -> dict[str, Any]:
    """Predict what is not predicted yet, then measure."""
    from ..inference.evaluating import evaluate_run
    from .parsing import parse_value_map, pick_cases
    from .predict import predict

    project = open_project(arguments.project, screen)
    mapping, other = parse_value_map(arguments.mapping)
    names = [case.name for case in project.cases()]
    found = evaluate_run(
        project,
        arguments.model,
        arguments.truth,
        lambda missing: predict(project, arguments.model, missing, arguments.device, screen),
        pick_cases(names, arguments.cases) if arguments.cases else None,
        mapping=mapping,
        other=other,
        leave_out=arguments.leave_out,
        tolerance=arguments.tolerance,
        tell=screen.note,
    )
    result = found.table() | {
        "tolerance_mm": arguments.tolerance,
        "left_out": list(found.left_out),
        "not_measured": dict(found.not_measured),
        "refused": [{"path": str(path), "reason": why} for path, why in found.refused],
        "skipped": [{"path": str(path), "reason": why} for path, why in found.skipped],
        "notes": list(found.notes),
    }
    for _, reason in found.refused:
        screen.note(f"not measured: {reason}")
    tell_skipped(found.skipped, screen)
    tell_notes(found.notes, screen)
    show(screen, result)
    return result


def show(screen: Screen, result: dict[str, Any]) -> None:
    """The table for people."""
    if screen.machine:
        return
    rows: list[list[object]] = [
        [case["case"], name, case["dice"][name], case["hd95"][name], case["nsd"][name]]
        for case in result["cases"]
        for name in case["dice"]
    ]
    for name, mean in result["mean_per_class"].items():
        rows.append(["mean", name, mean["dice"], mean["hd95"], mean["nsd"]])
    mean = result["mean"]
    rows.append([f"mean of {len(result['cases'])} cases", "all", mean["dice"], mean["hd95"], mean["nsd"]])
    screen.table("", ["case", "class", ">Dice", ">HD95 mm", f">NSD at {result['tolerance_mm']:g} mm"], rows)
    if result["missed"]:
        screen.say(f"Missed {result['missed']} times: a class is in only one of truth and proposal.")
    if result["left_out"]:
        screen.say(f"Left out, for the run learnt from them: {', '.join(result['left_out'])}.")
