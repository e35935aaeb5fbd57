"""Writing masks, maps and scans. Writers are imported when used."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .formats.names import RASTER_ENDINGS, ending
from .grid import Grid
from .volume import Labels


def write_labels(path: Path | str, labels: Labels) -> None:
    """Write a class mask on its grid, atomically: NIfTI with the grid's own codes, or PNG or TIFF for raster grids.

    Parameters
    ----------
    path : Path
        Ends in .nii or .nii.gz, or, for a raster grid only, in .png, .tif or .tiff. What stands there is replaced in
        one step or not at all.
    labels : Labels
        The mask.

    Raises
    ------
    BadFileError
        If it cannot be written.
    """
    path = Path(path)
    if labels.grid.unit == "pixel" and ending(path) in RASTER_ENDINGS:
        from .formats.raster import write_raster

        write_raster(path, labels.array)
        return
    from .formats.nifti_write import write_nifti

    write_nifti(path, labels.array, labels.grid)


def write_image(path: Path | str, array: NDArray[Any], grid: Grid) -> None:
    """Write a scan as it is, atomically: NIfTI, or PNG for a colour image.

    Parameters
    ----------
    path : Path
        Ends in .nii or .nii.gz; of a colour image in .png.
    array : array
        Of the grid's shape: uint8, int16, uint16, int32 or float32. Or (rows, columns, 3), uint8.
    grid : Grid
        Where the voxels are.

    Raises
    ------
    BadFileError
        If it cannot be written.
    """
    if array.shape == (*grid.shape, 3) and grid.unit == "pixel":
        from .formats.raster import write_raster

        write_raster(Path(path), array)
        return
    from .formats.nifti_write import write_nifti

    if array.shape != grid.shape:
        raise ValueError(f"a scan of shape {array.shape} does not fit a grid of {grid.shape}")
    write_nifti(Path(path), array, grid)


def write_map(path: Path | str, array: NDArray[np.floating[Any]], grid: Grid) -> None:
    """Write a map, such as an uncertainty, as NIfTI: 256 steps from its least value (or 0) to its largest.

    Parameters
    ----------
    path : Path
        Ends in .nii or .nii.gz, for raster grids too.
    array : array of shape grid.shape
        Values; what is not finite is written as 0.
    grid : Grid
        Where the voxels are.

    Raises
    ------
    BadFileError
        If it cannot be written.
    """
    from .formats.nifti_write import write_nifti

    if array.shape != grid.shape:
        raise ValueError(f"a map of shape {array.shape} does not fit a grid of {grid.shape}")
    least = largest = 0.0
    for plane in array:
        values = _finite(plane)
        least, largest = min(least, float(values.min())), max(largest, float(values.max()))
    slope = (largest - least) / 255 if largest > least else 1.0
    stored = np.empty(array.shape, np.uint8)
    for plane, packed in zip(array, stored, strict=True):  # one at a time: scans may be large
        packed[...] = np.rint((_finite(plane) - least) / slope).clip(0, 255)
    write_nifti(Path(path), stored, grid, slope=slope, inter=least)


def _finite(array: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
    return np.nan_to_num(array.astype(np.float32, copy=False), nan=0.0, posinf=0.0, neginf=0.0)
