"""Pictures of cases for people without napari at hand: scan, proposal, truth and uncertainty, side by side.

Slices are shown as radiologists see them: the patient's right on the left, front or head at the top, true to scale.
Pillow draws; napari brings it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from PIL.Image import Image

    from ..imaging import Grid

COLUMNS = ("scan", "proposal", "truth", "uncertainty")
PIXELS_PER_MM = 1.0
GAP, HEAD, LINE = 6, 24, 20
PAPER, INK = (16, 16, 20), (230, 230, 230)
# Black through red and yellow to white: how unsure, over the grey scan.
_HEAT = np.array([[0, 0, 0], [90, 10, 90], [200, 50, 60], [250, 150, 30], [255, 250, 200]], float)
Rgb = NDArray[np.float64]


@dataclass(frozen=True)
class CasePicture:
    """What is shown of one case; arrays lie on `grid`, `entropy` is 0..1."""

    title: str
    grid: Grid
    image: NDArray[Any]
    proposal: NDArray[np.uint8]
    truth: NDArray[np.uint8]
    entropy: NDArray[np.floating]


def draw_cases(cases: Sequence[CasePicture], colours: Mapping[int, str], names: Mapping[int, str]) -> Image:
    """One row per case: an axial and a coronal slice, each as scan, proposal, truth and uncertainty.

    Parameters
    ----------
    colours, names : mapping
        "#rrggbb" and name of each class value.
    """
    from PIL import Image, ImageDraw

    rows = [[tile for axis in (2, 1) for tile in _tiles(case, axis, colours)] for case in cases]
    widths = [max(row[n].shape[1] for row in rows) for n in range(len(rows[0]))]
    heights = [max(tile.shape[0] for tile in row) for row in rows]
    size = (sum(widths) + GAP * (len(widths) + 1), HEAD + sum(heights) + (LINE + GAP) * len(rows) + LINE + GAP)
    sheet = Image.new("RGB", size, PAPER)
    pen = ImageDraw.Draw(sheet)
    lefts = [GAP + sum(widths[:n]) + GAP * n for n in range(len(widths))]
    for n, left in enumerate(lefts):
        plane = "axial" if n < len(COLUMNS) else "coronal"
        pen.text((left, 5), f"{COLUMNS[n % len(COLUMNS)]} ({plane})", INK, font=font(14))
    top = HEAD
    for case, row, height in zip(cases, rows, heights, strict=True):
        pen.text((GAP, top + 2), case.title, INK, font=font(14))
        top += LINE
        for left, width, tile in zip(lefts, widths, row, strict=True):
            at = (left + (width - tile.shape[1]) // 2, top + (height - tile.shape[0]) // 2)
            sheet.paste(Image.fromarray(np.round(tile * 255).astype(np.uint8)), at)
        top += height + GAP
    left = GAP
    for value, name in names.items():
        pen.rectangle((left, top + 5, left + 12, top + 17), fill=colours[value])
        pen.text((left + 18, top + 3), name, INK, font=font(14))
        left += 40 + int(pen.textlength(name, font=font(14)))
    return sheet


def font(size: int) -> Any:
    """Pillow's own font."""
    from PIL import ImageFont

    return ImageFont.load_default(size=size)


def save(picture: Image, path: Path) -> Path:
    """Write a PNG; the folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.save(path, format="PNG", optimize=True)
    return path


def _tiles(case: CasePicture, axis: int, colours: Mapping[int, str]) -> list[Rgb]:
    """The four tiles of one slice across `axis` (2: axial, 1: coronal) of the canonical (RAS) orientation."""
    turn = case.grid.canonical()
    image, proposal, truth, entropy = (
        turn.apply(array) for array in (case.image, case.proposal, case.truth, case.entropy)
    )
    at = _best_slice(truth, axis)
    low, high = np.percentile(image, (1, 99.5))
    spacing = [length for n, length in enumerate(turn.grid.spacing) if n != axis]

    def plane(array: NDArray[Any]) -> NDArray[Any]:
        return _upright(np.take(array, at, axis).astype(np.float32), spacing)

    grey = np.clip((plane(image) - low) / max(high - low, 1e-6), 0, 1)
    scan = np.repeat(grey[..., None], 3, axis=2)
    return [
        scan,
        _outlined(scan, {v: plane(proposal == v) for v in colours}, colours),
        _outlined(scan, {v: plane(truth == v) for v in colours}, colours),
        _heated(scan, np.clip(plane(entropy), 0, 1)),
    ]


def _best_slice(truth: NDArray[np.uint8], axis: int) -> int:
    """The slice that shows most of all classes."""
    others = tuple(n for n in range(3) if n != axis)
    shown = np.zeros(truth.shape[axis])
    for value in np.unique(truth):
        if value not in (0, 255):
            area = np.count_nonzero(truth == value, axis=others)
            shown += np.sqrt(area / area.max())
    return int(np.argmax(shown))


def _upright(plane: NDArray[np.float32], spacing: Sequence[float]) -> NDArray[np.float32]:
    """(x, y) to (row, column): first axis to the left, second to the top, at `PIXELS_PER_MM`."""
    from PIL import Image

    rows = np.ascontiguousarray(plane[::-1, ::-1].T)
    size = [round(n * length * PIXELS_PER_MM) for n, length in zip(plane.shape, spacing, strict=True)]
    return np.asarray(Image.fromarray(rows).resize((size[0], size[1]), Image.Resampling.BILINEAR))


def _outlined(scan: Rgb, masks: Mapping[int, NDArray[np.float32]], colours: Mapping[int, str]) -> Rgb:
    from scipy import ndimage

    out = scan.copy()
    for value, share in masks.items():
        mask = share > 0.5
        colour = np.array([int(colours[value][n : n + 2], 16) for n in (1, 3, 5)]) / 255
        out[mask] = 0.82 * out[mask] + 0.18 * colour
        out[mask & ~ndimage.binary_erosion(mask, iterations=2)] = colour
    return out


def _heated(scan: Rgb, unsure: NDArray[np.floating]) -> Rgb:
    at = np.sqrt(unsure) * (len(_HEAT) - 1)
    heat = np.stack([np.interp(at, np.arange(len(_HEAT)), _HEAT[:, c]) for c in range(3)], axis=-1) / 255
    cover = np.clip(np.sqrt(unsure) * 1.4, 0, 0.9)[..., None]
    return np.asarray(0.75 * scan * (1 - cover) + heat * cover)
