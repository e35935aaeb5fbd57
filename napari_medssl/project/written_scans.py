"""Scans that have no file of their own, such as what a program made: written into the project's folder."""

from __future__ import annotations

from itertools import count
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from ..disk import make_folder
from ..imaging import Grid, write_image
from ..locking import exclusive
from .names import safe_name

SCANS = "scans"


def write_scan(root: Path | str, name: str, array: NDArray[Any], grid: Grid) -> Path:
    """Write a scan into the project in a folder, under a name that no file there has.

    Parameters
    ----------
    name : str
        What the scan is called.
    array, grid
        As for `imaging.write_image`.

    Returns
    -------
    Path
        Where it is: scans/NAME.nii.gz, or .png of a colour image.

    Raises
    ------
    BadFileError
        If it cannot be written.
    """
    folder = Path(root) / SCANS
    make_folder(folder)
    ending = ".nii.gz" if array.shape == grid.shape else ".png"
    with exclusive(folder / ".names"):
        stem = safe_name(name)
        names = (stem if number == 1 else f"{stem}-{number}" for number in count(1))
        path = next(path for one in names if not (path := folder / f"{one}{ending}").exists())
        write_image(path, array, grid)
    return path
