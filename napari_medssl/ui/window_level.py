"""Windows: which values of a scan are black and which are white. Pure; `level` is the middle, `width` the span."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

AIR = -900.0  # HU; a scan with values this low is taken for a CT, as in training
CT = (  # level and width in HU, as usual in radiology
    ("brain", "Brain", 40.0, 80.0),
    ("lung", "Lung", -600.0, 1500.0),
    ("bone", "Bone", 400.0, 1800.0),
    ("soft", "Soft tissue", 50.0, 400.0),
    ("liver", "Liver", 30.0, 150.0),
    ("mediastinum", "Mediastinum", 50.0, 350.0),
)
SPREADS = (  # percentiles of the values; the first is the window that a scan begins with, but for a CT
    ("usual", "0.5 to 99.5 %", 0.5, 99.5),
    ("narrow", "Narrow (5 to 95 %)", 5.0, 95.0),
    ("wide", "Wide (0.05 to 99.95 %)", 0.05, 99.95),
    ("full", "Full (all values)", 0.0, 100.0),
)
PACE = 250.0  # pixels of a drag that make a window e times as wide, or move it by its width
SMALLEST = 1e-4  # of the usual width; no window is narrower


@dataclass(frozen=True)
class Window:
    """From black (`low`) to white (`high`); the `name` of a preset is for programs, the `title` for people."""

    low: float
    high: float
    name: str = ""
    title: str = ""

    @property
    def level(self) -> float:
        """The value in the middle."""
        return (self.low + self.high) / 2

    @property
    def width(self) -> float:
        """From black to white."""
        return self.high - self.low


@dataclass(frozen=True)
class Wish:
    """A window as it is carried from case to case: a preset by name, or limits.

    `low` and `high` are values of a CT, else in parts of the usual window, because values of MR differ from scan to
    scan.
    """

    preset: str = ""
    low: float = 0.0
    high: float = 1.0


def window_of(level: float, width: float) -> Window:
    """The window with this middle and span."""
    return Window(level - width / 2, level + width / 2)


def make_presets(array: np.ndarray) -> tuple[Window, ...]:
    """The windows that suit a scan, the usual one first. Looks at a sample of the voxels; not for the event loop."""
    flat = array.reshape(-1)
    sample = flat[:: max(1, flat.size // 200_000)].astype(np.float32)
    sample = sample[np.isfinite(sample)]
    if not sample.size:
        sample = np.zeros(1, np.float32)
    cuts = np.percentile(sample, [cut for _, _, low, high in SPREADS for cut in (low, high)])
    spreads = [
        Window(*_apart(float(low), float(high), sample), name, title)
        for (name, title, _, _), low, high in zip(SPREADS, cuts[::2], cuts[1::2], strict=True)
    ]
    if float(sample.min()) > AIR:
        return tuple(spreads)
    tissues = [Window(level - width / 2, level + width / 2, name, title) for name, title, level, width in CT]
    return (spreads[0], *tissues, spreads[-1])


def first_window(presets: tuple[Window, ...]) -> Window:
    """The window that a scan begins with: soft tissue in a CT, the usual one otherwise."""
    return next((one for one in presets if one.name == "soft"), presets[0])


def is_ct(presets: tuple[Window, ...]) -> bool:
    """Whether the values are taken for Hounsfield units."""
    return any(preset.name == CT[0][0] for preset in presets)


def dragged(begin: Window, right: float, down: float, usual: Window) -> Window:
    """The window after a drag by some pixels: to the right it gets wider, downwards its level rises (darker)."""
    width = max(begin.width * math.exp(right / PACE), SMALLEST * usual.width)
    return window_of(begin.level + down / PACE * max(begin.width, SMALLEST * usual.width), width)


def matching(window: Window, presets: tuple[Window, ...]) -> Window | None:
    """The preset that a window is, if it is one."""
    near = 1e-4 * window.width
    same = (one for one in presets if abs(one.low - window.low) <= near and abs(one.high - window.high) <= near)
    return next(same, None)


def make_wish(window: Window, presets: tuple[Window, ...]) -> Wish:
    """What to carry of a window to the next case."""
    preset = matching(window, presets)
    if preset is not None:
        return Wish(preset.name)
    if is_ct(presets):
        return Wish("", window.low, window.high)
    usual = presets[0]
    return Wish("", (window.low - usual.low) / usual.width, (window.high - usual.low) / usual.width)


def fulfil(wish: Wish, presets: tuple[Window, ...]) -> Window:
    """The window that a wish means for another scan."""
    if wish.preset:
        return next((one for one in presets if one.name == wish.preset), presets[0])
    if is_ct(presets):
        return Window(wish.low, wish.high)
    usual = presets[0]
    return Window(usual.low + wish.low * usual.width, usual.low + wish.high * usual.width)


def _apart(low: float, high: float, sample: np.ndarray) -> tuple[float, float]:
    """Limits that differ, also where nearly all voxels have one value."""
    if not high > low:
        low, high = float(sample.min()), float(sample.max())
    return (low, high) if high > low else (low, low + 1)
