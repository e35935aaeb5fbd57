"""Which colours are hard to tell apart, also for people who see colours otherwise. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from ..project import PALETTE

#: Machado, Oliveira & Fernandes 2009, "A physiologically-based model for simulation of color vision deficiency",
#: severity 1: matrices on linear RGB.
_SIGHTS: Mapping[str, NDArray[np.float64]] = {
    "": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
}
#: Colour difference (CIE 1976, in L*a*b*) below which two patches are hard to tell apart. That of the least different
#: pair of the palette, for the least favourable of the three kinds of sight, is 17.
ENOUGH = 15.0
MOST = 3  # pairs that are told; of a hundred structures most share their colour with others


@lru_cache(maxsize=1024)
def colour_difference(one: str, other: str) -> tuple[float, str]:
    """How different two colours look where they look least different.

    Parameters
    ----------
    one, other : str
        "#rrggbb".

    Returns
    -------
    difference : float
        ΔE*ab: 0 is the same, 100 is black and white.
    sight : str
        "protanopia", "deuteranopia", or "" for people who see all colours.
    """
    found = []
    for sight, matrix in _SIGHTS.items():
        labs = [_lab(np.clip(matrix @ _linear(colour), 0, 1)) for colour in (one, other)]
        found.append((float(np.linalg.norm(labs[0] - labs[1])), sight))
    return min(found, key=lambda pair: pair[0])


def alike_colours(colours: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """Pairs of names whose colours are hard to tell apart, each with the sight for which it is hardest.

    Parameters
    ----------
    colours : mapping of str to str
        Name to "#rrggbb".
    """
    pairs = []
    for one, other in combinations(colours, 2):
        difference, sight = colour_difference(colours[one], colours[other])
        if difference < ENOUGH:
            pairs.append((one, other, sight))
    return pairs


def colour_warning(colours: Mapping[str, str]) -> str:
    """The same in words; empty where all is well."""
    pairs = alike_colours(colours)
    lines = []
    for one, other, sight in pairs[:MOST]:
        whom = f" for people with {sight}, who see red and green alike" if sight else ""
        lines.append(f"{one} and {other} have colours that are hard to tell apart{whom}.")
    if len(pairs) > MOST:
        lines.append(f"So have {len(pairs) - MOST} more pairs.")
    return " ".join(lines)


def free_colour(taken: Sequence[str]) -> str:
    """A colour of the palette that nobody has yet; the first one once all are taken."""
    low = {colour.lower() for colour in taken}
    return next((colour for colour in PALETTE if colour.lower() not in low), PALETTE[len(taken) % len(PALETTE)])


def _linear(colour: str) -> NDArray[np.float64]:
    values = np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)]) / 255
    linear: NDArray[np.float64] = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    return linear


def _lab(linear: NDArray[np.float64]) -> NDArray[np.float64]:
    """CIE L*a*b* of linear RGB, under daylight (D65)."""
    to_xyz = np.array(
        [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
    )
    ratio = to_xyz @ linear / np.array([0.95047, 1.0, 1.08883])
    f = np.where(ratio > 0.008856, np.cbrt(ratio), 7.787 * ratio + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])
