"""Contact sheets of an inspection: slices of the scan, and of each picture beside it. No torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..drawing.charts import draw_profiles
from ..drawing.tiles import GAP, INK, PAPER, Rgb, font, grey, outlined, paste, ramp, save, stretched, upright
from .findings import GROUPS, Inspection, Picture

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw

    from ..imaging import Grid, Volume

TILE = 240  # pixels: the longer side of a slice
COARSE = 1.5  # times the other axes' spacing: such an axis is the one to look along
LINE = 18
AIR = 0.05  # of the span of values


@dataclass(frozen=True)
class Colours:
    """Of the classes: "#rrggbb" and name by label value."""

    colours: Mapping[int, str]
    names: Mapping[int, str]


def write_sheets(folder: Path, found: Inspection, volume: Volume, colours: Colours, slices: int) -> list[Path]:
    """One PNG per group of pictures, and one of the gates of channels; the paths.

    Raises
    ------
    OSError
        When they cannot be written.
    """
    written = []
    for group in GROUPS:
        pictures = [picture for picture in found.pictures if picture.group == group]
        if pictures:
            sheet = draw_sheet(f"{found.run}, case {found.case}: {group}", pictures, volume, colours, slices)
            written.append(save(sheet, folder / f"{group}.png"))
    if found.bars:
        title = f"{found.run}, case {found.case}: how far the gate of each channel is open, highest first"
        profiles = {bars.title: bars.values for bars in found.bars}
        written.append(save(draw_profiles(title, profiles), folder / "channels.png"))
    return written


def draw_sheet(title: str, pictures: Sequence[Picture], volume: Volume, colours: Colours, slices: int) -> Image:
    """A column for the scan and one per picture, a row per slice; a 2-D image has one row."""
    from PIL import Image, ImageDraw

    rows = _rows(pictures, volume, colours, slices)
    wide, high = max(row[0].shape[1] for row in rows), [row[0].shape[0] for row in rows]
    wide = max(wide, 150)
    heads = [("scan", ""), *((picture.title, picture.caption) for picture in pictures)]
    words = [_wrapped(name, wide, 14) for name, _ in heads], [_wrapped(caption, wide, 12) for _, caption in heads]
    head = 30 + LINE * max(map(len, words[0])) + 15 * max(map(len, words[1])) + GAP
    legend = LINE + GAP if any(picture.kind == "labels" for picture in pictures) else 0
    size = (GAP + (wide + GAP) * len(heads), head + sum(high) + GAP * len(high) + legend)
    least = GAP * 2 + int(ImageDraw.Draw(Image.new("RGB", (1, 1))).textlength(title, font=font(16)))
    sheet = Image.new("RGB", (max(size[0], least), size[1]), PAPER)
    pen = ImageDraw.Draw(sheet)
    pen.text((GAP, 6), title, INK, font=font(16))
    for column, (names, captions) in enumerate(zip(*words, strict=True)):
        left = GAP + (wide + GAP) * column
        _write(pen, (left, 30), names, 14, LINE)
        _write(pen, (left, 30 + LINE * max(map(len, words[0]))), captions, 12, 15)
    top = head
    for row, height in zip(rows, high, strict=True):
        for column, tile in enumerate(row):
            paste(sheet, tile, (GAP + (wide + GAP) * column, top), (wide, height))
        top += height + GAP
    if legend:
        _draw_legend(pen, top, colours)
    return sheet


def best_axis(grid: Grid) -> int:
    """The canonical axis to look along: the coarse one where one is, else from head to foot."""
    spacing = grid.canonical().grid.spacing
    coarse = int(np.argmax(spacing))
    others = [length for axis, length in enumerate(spacing) if axis != coarse]
    return coarse if spacing[coarse] > COARSE * max(others) else 2


def pick_slices(shown: NDArray[np.bool_], axis: int, count: int) -> list[int]:
    """Slices across an axis, evenly over the length in which something is to be seen.

    Parameters
    ----------
    shown : ndarray of bool
        All of it counts where it is False everywhere.
    """
    others = tuple(other for other in range(shown.ndim) if other != axis)
    there = np.flatnonzero(shown.any(axis=others))
    first, last = (int(there[0]), int(there[-1])) if len(there) else (0, shown.shape[axis] - 1)
    count = min(count, last - first + 1)
    return [first + int((index + 0.5) * (last - first + 1) / count) for index in range(count)]


def _rows(pictures: Sequence[Picture], volume: Volume, colours: Colours, slices: int) -> list[list[Rgb]]:
    """Tiles of each slice: the scan, then each picture."""
    scan, span = volume.array, np.percentile(volume.array[0].astype(np.float32), (1, 99.5))
    tinted = scan.shape[0] == 3 and scan.dtype == np.uint8
    shown = np.moveaxis(scan, 0, -1) if tinted else scan[0]
    base = Picture("scan", "features", "colours" if tinted else "grey", "", shown, (float(span[0]), float(span[1])))
    grid = volume.grid
    if grid.ndim == 2:
        side = TILE * (2 if len(pictures) < 4 else 1.25)
        scale = side / max(n * s for n, s in zip(grid.shape, grid.spacing, strict=True))

        def flat(plane: NDArray[np.float32]) -> NDArray[np.float32]:
            return stretched(np.ascontiguousarray(plane), grid.spacing, scale)

        first = _tile(base, base.array, flat, None, colours)
        return [[first, *(_tile(picture, picture.array, flat, first, colours) for picture in pictures)]]
    turn, axis = grid.canonical(), best_axis(grid)
    lengths = [(n, s) for at, (n, s) in enumerate(zip(turn.grid.shape, turn.grid.spacing, strict=True)) if at != axis]
    scale, spacing = TILE / max(n * s for n, s in lengths), [s for _, s in lengths]
    arrays = [_canonical(picture, turn.apply) for picture in (base, *pictures)]
    labels = [array > 0 for picture, array in zip(pictures, arrays[1:], strict=True) if picture.kind == "labels"]
    low, high = np.percentile(arrays[0].astype(np.float32), (1, 99))
    seen = np.logical_or.reduce(labels) if labels else np.zeros(arrays[0].shape[:3], bool)
    if not seen.any():
        seen = arrays[0] > low + AIR * (high - low)

    def plane_of(plane: NDArray[np.float32]) -> NDArray[np.float32]:
        return upright(plane, spacing, scale)

    rows = []
    for at in pick_slices(seen, axis, slices):
        planes = [np.take(array, at, axis) for array in arrays]
        first = _tile(base, planes[0], plane_of, None, colours)
        others = zip(pictures, planes[1:], strict=True)
        rows.append([first, *(_tile(picture, plane, plane_of, first, colours) for picture, plane in others)])
    return rows


def _canonical(picture: Picture, apply: Any) -> NDArray[Any]:
    if picture.kind != "colours":
        return np.asarray(apply(picture.array))
    return np.stack([apply(channel) for channel in np.moveaxis(picture.array, -1, 0)], axis=-1)


def _tile(picture: Picture, plane: NDArray[Any], shape: Any, scan: Rgb | None, colours: Colours) -> Rgb:
    """A plane of a picture, `shape` bringing one channel of it to its size; labels are drawn over the scan."""
    if picture.kind == "colours":
        channels = [shape(channel.astype(np.float32)) / 255 for channel in np.moveaxis(plane, -1, 0)]
        return np.asarray(np.clip(np.stack(channels, axis=-1), 0, 1), float)
    if picture.kind == "labels" and scan is not None:
        masks = {value: shape((plane == value).astype(np.float32)) for value in colours.colours}
        return outlined(scan, masks, colours.colours)
    values = shape(plane.astype(np.float32))
    return ramp(values, *picture.limits) if picture.kind == "heat" else grey(values, *picture.limits)


def _draw_legend(pen: ImageDraw, top: int, colours: Colours) -> None:
    left = GAP
    for value, name in colours.names.items():
        pen.rectangle((left, top + 3, left + 12, top + 15), fill=colours.colours[value])
        pen.text((left + 18, top + 1), name, INK, font=font(14))
        left += 40 + int(pen.textlength(name, font=font(14)))


def _wrapped(words: str, width: int, size: int) -> list[str]:
    """Words in lines that are no wider than so many pixels."""
    shape, lines = font(size), [""]
    for word in words.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and shape.getlength(longer) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return [line for line in lines if line]


def _write(pen: ImageDraw, corner: tuple[int, int], lines: Sequence[str], size: int, step: int) -> None:
    for number, line in enumerate(lines):
        pen.text((corner[0], corner[1] + number * step), line, INK, font=font(size))
