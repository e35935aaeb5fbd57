"""`demo`: the main job in one command, on generated scans."""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

from ..errors import MedSSLError
from ..terminal.screen import Screen
from .numbers import number

HELP = "show the whole round trip on generated scans, in under five minutes"
FOLDER = "medssl-demo"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.add_argument("--out", type=Path, metavar="DIR", help=f"where to (default: {FOLDER} in the current folder)")
    parser.add_argument("--headless", action="store_true", help="do not open napari at the end")
    parser.add_argument("--minutes", type=number, default=4.5, metavar="M", help="for everything (default: 4.5)")
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="of the scans and the training (default: 0)")


def run(arguments: argparse.Namespace, screen: Screen) -> dict[str, Any]:
    """Run it, and open napari on its project where there is a screen."""
    from ..demo.run import run_demo

    if not arguments.minutes > 0:
        raise MedSSLError(f"--minutes {arguments.minutes:g}: must be above 0.")
    out = free_folder(arguments.out)
    result = run_demo(out, arguments.minutes, screen, seed=arguments.seed)
    result["opened"] = not arguments.headless and has_screen() and open_napari(Path(result["project"]), screen)
    return result


def free_folder(wanted: Path | None) -> Path:
    """Where the demo may write: what was asked for, or the first of `medssl-demo`, `medssl-demo-2` … that is free.

    Raises
    ------
    MedSSLError
        When the folder that was asked for holds something.
    """
    if wanted is not None:
        if wanted.exists() and (not wanted.is_dir() or any(wanted.iterdir())):
            raise MedSSLError(f"{wanted}: this is not empty, and the demo overwrites nothing. Choose another --out.")
        return wanted.resolve()
    number = 1
    while (folder := Path(FOLDER if number == 1 else f"{FOLDER}-{number}")).exists():
        number += 1
    return folder.resolve()


def has_screen() -> bool:
    """Whether a window can be shown."""
    system = platform.system()
    if system in ("Windows", "Darwin"):
        return "SSH_CONNECTION" not in os.environ
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def open_napari(project: Path, screen: Screen) -> bool:
    """Open napari on a project, in a process of its own that stays when this one ends."""
    command = [sys.executable, "-m", "napari_medssl.ui.launch", str(project)]
    try:
        subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)
    except OSError as error:
        screen.note(f"napari could not be opened: {error}")
        return False
    screen.note("Opening napari …")
    return True
