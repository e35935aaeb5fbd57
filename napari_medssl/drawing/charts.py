"""Curves and bars as pictures, drawn with Pillow: a handful of lines needs no plotting library."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from .tiles import INK, PAPER, font

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw

Points = Sequence[tuple[float, float]]
SIZE = (760, 420)
MARGIN = (64, 44, 20, 52)  # left, top, right, bottom
GRID = (60, 60, 68)
COLOURS = ("#56B4E9", "#E69F00", "#009E73", "#CC79A7", "#F0E442", "#D55E00")


def draw_curves(title: str, series: Mapping[str, Points], x_label: str, y_label: str) -> Image:
    """Lines through points (x, y), one per name; axes start at 0."""
    points = [p for line in series.values() for p in line if np.isfinite(p).all()]
    right = max((x for x, _ in points), default=1.0) or 1.0
    top = max((y for _, y in points), default=1.0) or 1.0
    sheet, pen = _frame(title, _ticks(right), _ticks(top), x_label, y_label)
    for colour, line in zip(COLOURS, series.values(), strict=False):
        dots = [_place(x / _ticks(right)[-1], y / _ticks(top)[-1]) for x, y in line if np.isfinite([x, y]).all()]
        if len(dots) > 1:
            pen.line(dots, fill=colour, width=2, joint="curve")
    _legend(pen, list(series))
    return sheet


def draw_bars(title: str, groups: Sequence[str], series: Mapping[str, Sequence[float]], y_label: str) -> Image:
    """Bars of 0..1 side by side: one group per name in `groups`, one bar in each per series."""
    sheet, pen = _frame(title, [], [0, 0.2, 0.4, 0.6, 0.8, 1.0], "", y_label)
    wide = 1 / max(len(groups), 1)
    each = 0.7 * wide / max(len(series), 1)
    for g, group in enumerate(groups):
        x, y = _place((g + 0.5) * wide, 0)
        pen.text((x, y + 8), group, INK, font=font(14), anchor="ma")
        for n, (colour, values) in enumerate(zip(COLOURS, series.values(), strict=False)):
            if not np.isfinite(values[g]):
                continue
            left = (g + 0.15) * wide + n * each
            (x0, y0), (x1, y1) = _place(left, values[g]), _place(left + 0.92 * each, 0)
            pen.rectangle((x0, y0, x1, y1), fill=colour)
            pen.text(((x0 + x1) / 2, y0 - 4), f"{values[g]:.2f}", INK, font=font(12), anchor="mb")
    _legend(pen, list(series))
    return sheet


def draw_profiles(title: str, profiles: Mapping[str, Sequence[float]]) -> Image:
    """Thin bars of 0..1 side by side, a panel per name."""
    from PIL import Image, ImageDraw

    wide, high, head, gap = 240, 130, 44, 26
    columns = min(3, len(profiles))
    rows = -(-len(profiles) // columns)
    sheet = Image.new("RGB", (gap + (wide + gap) * columns, head + (high + 2 * gap) * rows), PAPER)
    pen = ImageDraw.Draw(sheet)
    pen.text((gap, 10), title, INK, font=font(14))
    for index, (name, values) in enumerate(profiles.items()):
        left, top = gap + (wide + gap) * (index % columns), head + (high + 2 * gap) * (index // columns)
        pen.text((left, top), name, INK, font=font(13))
        bottom = top + 20 + high
        for level in (0, 0.5, 1):
            pen.line((left, bottom - level * high, left + wide, bottom - level * high), fill=GRID)
            pen.text((left - 4, bottom - level * high), f"{level:g}", INK, font=font(10), anchor="rm")
        each = wide / max(len(values), 1)
        for n, value in enumerate(values):
            right = max(left + n * each, left + (n + 1) * each - 1)
            pen.rectangle((left + n * each, bottom - value * high, right, bottom), fill=COLOURS[0])
    return sheet


def stack(pictures: Sequence[Image]) -> Image:
    """Pictures under each other."""
    from PIL import Image

    sheet = Image.new("RGB", (max(p.width for p in pictures), sum(p.height for p in pictures)), PAPER)
    top = 0
    for picture in pictures:
        sheet.paste(picture, (0, top))
        top += picture.height
    return sheet


def _frame(
    title: str, x_ticks: Sequence[float], y_ticks: Sequence[float], x_label: str, y_label: str
) -> tuple[Image, ImageDraw]:
    from PIL import Image, ImageDraw

    sheet = Image.new("RGB", SIZE, PAPER)
    pen = ImageDraw.Draw(sheet)
    pen.text((MARGIN[0], 12), title, INK, font=font(16))
    for value in y_ticks:
        left, y = _place(0, value / y_ticks[-1])
        pen.line((left, y, SIZE[0] - MARGIN[2], y), fill=GRID)
        pen.text((left - 8, y), f"{value:g}", INK, font=font(12), anchor="rm")
    for value in x_ticks:
        x, bottom = _place(value / x_ticks[-1], 0)
        pen.text((x, bottom + 8), f"{value:g}", INK, font=font(12), anchor="ma")
    pen.text((SIZE[0] - MARGIN[2], SIZE[1] - 20), x_label, INK, font=font(13), anchor="rm")
    pen.text((8, MARGIN[1] - 14), y_label, INK, font=font(13), anchor="lm")
    return sheet, pen


def _place(x: float, y: float) -> tuple[float, float]:
    """Pixel of a point given in parts of the plot's width and height."""
    left, top, right, bottom = MARGIN
    return left + x * (SIZE[0] - left - right), SIZE[1] - bottom - y * (SIZE[1] - top - bottom)


def _ticks(top: float) -> list[float]:
    """Round numbers from 0 to at least `top`."""
    rough = top / 5
    power = 10.0 ** np.floor(np.log10(rough))
    step = next(float(m * power) for m in (1, 2, 2.5, 5, 10) if m * power >= rough * 0.999)
    return [round(n * step, 10) for n in range(int(np.ceil(top / step - 1e-9)) + 1)]


def _legend(pen: ImageDraw, names: Sequence[str]) -> None:
    left = SIZE[0] - MARGIN[2]
    for colour, name in reversed(list(zip(COLOURS, names, strict=False))):
        left -= int(pen.textlength(name, font=font(13))) + 34
        pen.rectangle((left, 16, left + 12, 28), fill=colour)
        pen.text((left + 18, 22), name, INK, font=font(13), anchor="lm")
