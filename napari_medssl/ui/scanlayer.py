"""An image layer of somebody else as a scan: the file it came from, or its voxels on a grid. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import MedSSLError
from ..imaging import Grid, NiftiCodes, is_image_path
from .display import Display
from .handover import affine_of

AXES = ("S→I", "A→P", "R→L")  # of scans that say how they lie


@dataclass(frozen=True, eq=False)
class Scan:
    """Voxels on a grid: `array` of the grid's shape, or (rows, columns, 3) of a colour image."""

    array: NDArray[Any]
    grid: Grid


def file_of(layer: Any) -> Path | None:
    """The file that a layer was read from, where it can be a case; None for what was made in memory.

    A copy of a layer, or one made of it, is no file.
    """
    path, parent = layer.source.path, layer.source.parent
    if path is None or parent is not None or not is_image_path(path) or not Path(path).is_file():
        return None
    return Path(path).absolute()


def scan_of(layer: Any) -> Scan:
    """The voxels of a layer that has no file, lying as on the screen.

    Where the layer does not say how it lies in the patient, nor does the scan.

    Raises
    ------
    MedSSLError
        If it is neither a 2-D image nor a volume of real numbers.
    """
    array = np.asarray(layer.data[0] if layer.multiscale else layer.data)
    what = f"The layer “{layer.name}” cannot become a case"
    if array.dtype.kind not in "biuf":
        raise MedSSLError(f"{what}: its values are no real numbers.")
    if layer.ndim not in (2, 3) or (layer.rgb and layer.ndim == 3):
        kind = "in colour" if layer.rgb else f"of {layer.ndim} axes"
        raise MedSSLError(f"{what}: it is {kind}. Images (2-D) and volumes (3-D, one channel) can.")
    if layer.ndim == 2:
        colours = array[..., :3]
        bright = 255 if colours.dtype.kind == "f" else 1
        flat = np.clip(colours * bright, 0, 255).astype(np.uint8) if layer.rgb else _stored(array)
        return Scan(flat, Grid.raster(array.shape[:2]))
    grid = _grid(layer, array.shape)
    return Scan(Display(grid).back(_stored(array)), grid)


def _grid(layer: Any, shape: tuple[int, ...]) -> Grid:
    said = layer.metadata.get("medssl_grid")
    if said is not None and Display(Grid.from_json(said)).shape == shape:
        return Grid.from_json(said)
    affine = affine_of(layer)
    spacing = np.linalg.norm(affine[:3, :3], axis=0)[::-1]
    straight = np.allclose(affine[:3, :3], np.diag(spacing[::-1]))
    if tuple(layer.axis_labels) == AXES and straight:
        ras = np.diag([*spacing, 1.0])
        ras[:3, 3] = -affine[2::-1, 3] - (np.array(shape[::-1]) - 1) * spacing
        return Grid(shape[::-1], ras)
    codes = NiftiCodes(pixdim=(1.0, *(float(mm) for mm in spacing)))
    return Grid(shape[::-1], codes.affine(shape[::-1]), header=codes)


def _stored(array: NDArray[Any]) -> NDArray[Any]:
    """The smallest change to numbers that a NIfTI file holds and all programs read."""
    if array.dtype.kind == "f":
        return array.astype(np.float32, copy=False)
    if array.dtype in (np.uint8, np.int16, np.uint16, np.int32):
        return array
    if array.dtype.kind == "b":
        return array.astype(np.uint8)
    low, high = (int(array.min()), int(array.max())) if array.size else (0, 0)
    kinds = (np.uint8, np.int16, np.uint16, np.int32)
    fitting = (kind for kind in kinds if np.iinfo(kind).min <= low and high <= np.iinfo(kind).max)
    return array.astype(next(fitting, np.float32))
