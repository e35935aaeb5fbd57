"""The picture of one plane through what is on the screen. Pure: arrays and tables of colours in, colours out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

DEPTH = 256  # entries of a table of colours


@dataclass(frozen=True, eq=False)
class Sheet:
    """What lies on the screen in one layer.

    Attributes
    ----------
    array : array (plane, row, column), or (plane, row, column, 3) of uint8 colours
        As shown; live, not a copy.
    table : uint8 array (256, 4)
        Red, green, blue, opacity of each label, or from black to white of the window. Not used for colours.
    limits : (float, float), optional
        The window; None for labels.
    contour : int
        Of labels: width of their outlines; 0 for filled ones.
    added : bool
        Light that is added to what lies below, instead of covering it.
    """

    array: NDArray[np.generic]
    table: NDArray[np.uint8]
    limits: tuple[float, float] | None = None
    contour: int = 0
    added: bool = False


def paint_plane(sheets: Sequence[Sheet], axis: int, index: int, shape: tuple[int, int]) -> NDArray[np.uint8]:
    """The slice number `index` across an axis, lowest sheet first; uint8 (*shape, 3)."""
    canvas = np.zeros((*shape, 3), np.uint8)
    for sheet in sheets:
        cut = sheet.array[(slice(None),) * axis + (index,)]
        if cut.ndim == 3:
            canvas = np.ascontiguousarray(cut[..., :3], np.uint8)
            continue
        codes = _codes(cut, sheet)
        if sheet.added:
            light = sheet.table[codes]
            canvas = np.minimum(canvas.astype(np.uint16) + light[..., :3], 255).astype(np.uint8)
        elif (sheet.table[:, 3] == 255).all():
            canvas = np.ascontiguousarray(sheet.table[:, :3][codes])
        else:
            _cover(canvas, codes, sheet.table)
    return canvas


def outline(labels: NDArray[np.uint8], width: int = 1) -> NDArray[np.uint8]:
    """Labels where another one is near, within the same label; 0 elsewhere."""
    edge = np.zeros(labels.shape, bool)
    for step in range(1, width + 1):
        down, right = labels[step:] != labels[:-step], labels[:, step:] != labels[:, :-step]
        edge[step:] |= down
        edge[:-step] |= down
        edge[:, step:] |= right
        edge[:, :-step] |= right
    return np.where(edge, labels, np.uint8(0))


def _codes(cut: NDArray[np.generic], sheet: Sheet) -> NDArray[np.uint8]:
    if sheet.limits is None:
        labels: NDArray[np.uint8] = cut.astype(np.uint8, copy=False)
        return outline(labels, sheet.contour) if sheet.contour else labels
    low, high = sheet.limits
    values = np.nan_to_num(cut.astype(np.float32), nan=low)
    scaled = (values - low) * ((DEPTH - 1) / max(high - low, 1e-12))
    codes: NDArray[np.uint8] = np.clip(scaled, 0, DEPTH - 1).astype(np.uint8)
    return codes


def _cover(canvas: NDArray[np.uint8], codes: NDArray[np.uint8], table: NDArray[np.uint8]) -> None:
    """Lay colours over the canvas, where they are not clear."""
    there = table[:, 3][codes] > 0
    over = table[codes[there]].astype(np.float32)
    share = over[:, 3:] / 255
    canvas[there] = (canvas[there] * (1 - share) + over[:, :3] * share + 0.5).astype(np.uint8)
