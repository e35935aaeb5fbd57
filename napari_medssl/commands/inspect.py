"""`inspect`: pictures of what a model makes of a case."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import MedSSLError
from ..terminal.screen import Screen
from .damage import open_project

if TYPE_CHECKING:
    from ..imaging import Grid
    from ..inspection.findings import Inspection

HELP = "look inside a model: features, restoration, attention and each opinion on a case, as pictures"
SLICES = 4
MOST_SLICES = 24


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.add_argument("project", type=Path, metavar="PROJECT", help="folder of the project")
    parser.add_argument("--run", dest="model", required=True, metavar="R", help="whose model: a run's name or folder")
    parser.add_argument("--case", required=True, metavar="C", help="which case to look at")
    parser.add_argument("--out", type=Path, metavar="DIR", help="where to (default: inspect-R-C in the current folder)")
    parser.add_argument(
        "--stage",
        type=int,
        metavar="N",
        help="stage of the encoder for the feature picture, 1 being the finest (default: by the size of the case)",
    )
    parser.add_argument("--slices", type=int, default=SLICES, metavar="N", help=f"of a volume (default: {SLICES})")
    parser.add_argument("--nifti", action="store_true", help="write the pictures themselves, too, on the case's grid")
    parser.add_argument("--device", default="auto", metavar="D", help="auto (default), cpu, gpu, cuda, cuda:1, mps")


def run(arguments: argparse.Namespace, screen: Screen) -> dict[str, Any]:
    """Look, and write the sheets."""
    from ..inspection.findings import found_json
    from ..inspection.inspect import inspect_case
    from ..inspection.sheets import Colours, write_sheets
    from .parsing import pick_cases

    if not 1 <= arguments.slices <= MOST_SLICES:
        raise MedSSLError(f"--slices {arguments.slices}: choose 1 to {MOST_SLICES}.")
    project = open_project(arguments.project, screen)
    names = pick_cases([case.name for case in project.cases()], [arguments.case])
    if len(names) != 1:
        raise MedSSLError(f"--case {arguments.case!r}: name one case.")
    found = inspect_case(
        project, arguments.model, names[0], stage=arguments.stage, device=arguments.device, tell=screen.note
    )
    out = (arguments.out or Path(f"inspect-{found.run}-{found.case}")).resolve()
    volume = project.case(found.case).read_image()
    colours = Colours({c.value: c.colour for c in project.classes}, {c.value: c.name for c in project.classes})
    written = write_sheets(out, found, volume, colours, arguments.slices)
    if arguments.nifti:
        written += write_maps(out, found, volume.grid)
    show(screen, found, written)
    return {**found_json(found), "out": str(out), "files": [str(path) for path in written]}


def write_maps(out: Path, found: Inspection, grid: Grid) -> list[Path]:
    """Each picture as a file on the case's grid; colours as three maps of 0 to 1. The paths."""
    import numpy as np

    from ..imaging import Labels, write_labels, write_map
    from ..project.proposals import label_ending

    written = []
    for picture in found.pictures:
        if picture.kind == "labels":
            path = out / f"{picture.name}{label_ending(grid)}"
            write_labels(path, Labels(picture.array, grid))
            written.append(path)
            continue
        parts = {"": picture.array}
        if picture.kind == "colours":
            channels = np.moveaxis(picture.array.astype(np.float32) / 255, -1, 0)
            parts = dict(zip(("-red", "-green", "-blue"), channels, strict=True))
        for ending, array in parts.items():
            path = out / f"{picture.name}{ending}.nii.gz"
            write_map(path, array, grid)
            written.append(path)
    return written


def show(screen: Screen, found: Inspection, written: list[Path]) -> None:
    """What was found, for people."""
    if screen.machine:
        return
    rows = [[picture.group, picture.title, picture.caption] for picture in found.pictures]
    screen.table(f"{found.run} looks at {found.case}", ["", "picture", "and what goes with it"], rows)
    for line in found.missing:
        screen.say(line)
    for path in written:
        screen.say(f"Written: {path}")
