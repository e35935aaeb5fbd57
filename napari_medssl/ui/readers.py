"""Scans from File ▸ Open, and labels written on the grid of their scan."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import MedSSLError
from ..imaging import Grid
from .display import Display
from .loading import shown_channel

LayerData = tuple[Any, dict[str, Any], str]


def get_reader(path: str | Sequence[str]) -> Callable[[str | Sequence[str]], list[LayerData]] | None:
    """The reader of a scan; None for what is not ours. Looks at the name only."""
    from ..imaging import is_image_path

    paths = [path] if isinstance(path, str) else list(path)
    if not paths or not all(is_image_path(p) for p in paths):
        return None
    return read_scans


def read_scans(path: str | Sequence[str]) -> list[LayerData]:
    """Scans as image layers, turned as in radiology, in mm; the grid travels in the metadata."""
    from ..imaging import case_stem, read_image

    layers: list[LayerData] = []
    for name in [path] if isinstance(path, str) else path:
        volume = read_image(name)
        display = Display(volume.grid)
        for label, array in zip(volume.channels, volume.array, strict=True):
            channel = shown_channel(label, display.show(array))
            title = case_stem(name) if len(volume.channels) == 1 else f"{case_stem(name)} · {label}"
            meta = {"medssl_grid": volume.grid.to_json()}
            kwargs = {"name": title, "contrast_limits": channel.limits, "colormap": "gray", "metadata": meta}
            layers.append((channel.array, kwargs | display.spatial, "image"))
    return layers


def write_labels_layer(path: str, data: Any, attributes: dict[str, Any]) -> list[str]:
    """Write a labels layer on the grid of its scan; a name without an ending that fits gets one.

    Raises
    ------
    MedSSLError
        When the layer does not know its grid, is not on it, or the name with its ending is taken.
    """
    from ..imaging import UNSEEN, Labels, write_labels

    said = (attributes.get("metadata") or {}).get("medssl_grid")
    if said is None:
        raise MedSSLError(
            f"{path}: this labels layer does not know the grid of its scan. Draw on the case in MedSSL instead."
        )
    grid = Grid.from_json(said)
    array = np.asarray(data)
    if array.shape != Display(grid).shape:
        raise MedSSLError(f"{path}: the layer is {array.shape} voxels, its scan {Display(grid).shape}.")
    if array.min() < 0 or array.max() > 255:
        raise MedSSLError(f"{path}: labels must lie in 0 to 255.")
    there = with_ending(path, grid)
    if there != Path(path) and there.exists():  # the file dialog has asked about the name that was typed only
        raise MedSSLError(f"{there}: there is a file of this name already. Choose another name, with its ending.")
    labels = array.astype(np.uint8)
    write_labels(there, Labels(Display(grid).back(labels), grid))
    _tell(there, float((labels == UNSEEN).mean()))
    return [str(there)]


def with_ending(path: Path | str, grid: Grid) -> Path:
    """The name with an ending that labels on a grid can have; one that has none gets the usual one."""
    path = Path(path)
    endings = (".nii.gz", ".nii", *((".png", ".tif", ".tiff") if grid.unit == "pixel" else ()))
    if path.name.lower().endswith(endings):
        return path
    return path.with_name(f"{path.name.rstrip('. ') or 'labels'}{'.png' if grid.unit == 'pixel' else '.nii.gz'}")


def _tell(path: Path, unseen: float) -> None:
    """Say what was written, where the name is not as it was typed or a program might take 255 for a structure."""
    from napari.utils.notifications import show_info, show_warning

    if unseen:
        share = "under 1 %" if unseen < 0.01 else f"{100 * unseen:.0f} %"
        show_warning(
            f"{path} is written. {share} of it was not looked at: there the value is 255, which is no structure."
        )
    else:
        show_info(f"{path} is written.")
