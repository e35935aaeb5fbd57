"""Pictures of cases for people without napari at hand: scan, proposal, truth and uncertainty, side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..drawing.tiles import GAP, INK, PAPER, Rgb, font, grey, heated, outlined, paste, upright

if TYPE_CHECKING:
    from PIL.Image import Image

    from ..imaging import Grid

COLUMNS = ("scan", "proposal", "truth", "uncertainty")
PIXELS_PER_MM = 1.0
HEAD, LINE = 24, 20


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
            paste(sheet, tile, (left, top), (width, height))
        top += height + GAP
    left = GAP
    for value, name in names.items():
        pen.rectangle((left, top + 5, left + 12, top + 17), fill=colours[value])
        pen.text((left + 18, top + 3), name, INK, font=font(14))
        left += 40 + int(pen.textlength(name, font=font(14)))
    return sheet


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
        return upright(np.take(array, at, axis).astype(np.float32), spacing, PIXELS_PER_MM)

    scan = grey(plane(image), low, high)
    return [
        scan,
        outlined(scan, {v: plane(proposal == v) for v in colours}, colours),
        outlined(scan, {v: plane(truth == v) for v in colours}, colours),
        heated(scan, np.clip(plane(entropy), 0, 1)),
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
