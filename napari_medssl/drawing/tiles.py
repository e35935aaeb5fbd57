"""Slices of scans as tiles of a sheet: upright, true to scale, with outlines, heat or colours over them.

Slices are shown as radiologists see them: the patient's right on the left, front or head at the top. A tile is
(row, column, 3) float, 0 to 1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from PIL.Image import Image

GAP = 6
PAPER, INK = (16, 16, 20), (230, 230, 230)
# Black through red and yellow to white
_HEAT = np.array([[0, 0, 0], [90, 10, 90], [200, 50, 60], [250, 150, 30], [255, 250, 200]], float)
Rgb = NDArray[np.float64]


def font(size: int) -> Any:
    """Pillow's own font."""
    from PIL import ImageFont

    return ImageFont.load_default(size=size)


def save(picture: Image, path: Path) -> Path:
    """Write a PNG; the folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.save(path, format="PNG", optimize=True)
    return path


def paste(sheet: Image, tile: Rgb, corner: tuple[int, int], room: tuple[int, int]) -> None:
    """Put a tile into the middle of a room (columns, rows) of a sheet."""
    from PIL import Image

    left, top = (at + (size - length) // 2 for at, size, length in zip(corner, room, tile.shape[1::-1], strict=True))
    sheet.paste(Image.fromarray(np.round(tile * 255).astype(np.uint8)), (left, top))


def upright(plane: NDArray[np.float32], spacing: Sequence[float], scale: float) -> NDArray[np.float32]:
    """A plane of canonical axes (x, y) as (row, column): first axis to the left, second to the top.

    Parameters
    ----------
    spacing : sequence of float
        Voxel size along x and y.
    scale : float
        Pixels per unit of the spacing.
    """
    return stretched(np.ascontiguousarray(plane[::-1, ::-1].T), spacing[::-1], scale)


def stretched(plane: NDArray[np.float32], spacing: Sequence[float], scale: float) -> NDArray[np.float32]:
    """A plane (row, column) true to scale."""
    from PIL import Image

    rows, columns = (max(1, round(n * length * scale)) for n, length in zip(plane.shape, spacing, strict=True))
    return np.asarray(Image.fromarray(plane).resize((columns, rows), Image.Resampling.BILINEAR))


def grey(plane: NDArray[np.floating], low: float, high: float) -> Rgb:
    """Values as grey, black at `low` and white at `high`."""
    shade = np.clip((plane - low) / max(high - low, 1e-6), 0, 1)
    return np.repeat(shade[..., None], 3, axis=2)


def ramp(plane: NDArray[np.floating], low: float, high: float) -> Rgb:
    """Values as black, violet, red, yellow, nearly white: black at `low`."""
    return _hot(np.clip((plane - low) / max(high - low, 1e-6), 0, 1))


def outlined(scan: Rgb, masks: Mapping[int, NDArray[np.float32]], colours: Mapping[int, str]) -> Rgb:
    """Outlines of masks (0 to 1, the edge at a half) in the colours "#rrggbb" of their classes."""
    from scipy import ndimage

    out = scan.copy()
    for value, share in masks.items():
        mask = share > 0.5
        colour = np.array([int(colours[value][n : n + 2], 16) for n in (1, 3, 5)]) / 255
        out[mask] = 0.82 * out[mask] + 0.18 * colour
        out[mask & ~ndimage.binary_erosion(mask, iterations=2)] = colour
    return out


def heated(scan: Rgb, unsure: NDArray[np.floating]) -> Rgb:
    """Doubt, 0 to 1, over a scan."""
    cover = np.clip(np.sqrt(unsure) * 1.4, 0, 0.9)[..., None]
    return np.asarray(0.75 * scan * (1 - cover) + _hot(np.sqrt(unsure)) * cover)


def _hot(share: NDArray[np.floating]) -> Rgb:
    at = share * (len(_HEAT) - 1)
    return np.stack([np.interp(at, np.arange(len(_HEAT)), _HEAT[:, c]) for c in range(3)], axis=-1) / 255
