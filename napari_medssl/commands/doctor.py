"""`doctor`: what this machine and installation can do, and what is wrong with it."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from ..terminal.screen import Screen

HELP = "check the installation: versions, device, memory, disk, a short training"
MARKS = {"ok": "ok", "note": "note", "bad": "BAD"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.add_argument("--device", default="auto", metavar="D", help="auto (default), cpu, gpu, cuda, cuda:1, mps")
    parser.add_argument(
        "--folder",
        type=Path,
        default=Path(),
        metavar="DIR",
        help="where projects are to be (default: the current folder)",
    )
    parser.add_argument("--quick", action="store_true", help="without the short training")


def run(arguments: argparse.Namespace, screen: Screen) -> dict[str, Any]:
    """Run the checks; the exit code is 2 when something is bad."""
    from ..doctor import examine

    findings = []
    for finding in examine(arguments.folder, arguments.device, training=not arguments.quick):
        findings.append(finding)
        line = f"{MARKS[finding.verdict]:5} {finding.what}: {finding.value}"
        screen.say(line + (f"\n      {finding.remedy}" if finding.remedy else ""))
    bad = [finding for finding in findings if finding.verdict == "bad"]
    screen.say("All is well." if not bad else f"{len(bad)} thing{'s' if len(bad) > 1 else ''} to mend.")
    return {
        "ok": not bad,
        "findings": {f.key: {"value": f.value, "verdict": f.verdict, "remedy": f.remedy} for f in findings},
        "exit": 2 if bad else 0,
    }
