"""The regions of a proposal with what the screen needs of them: read and made off the event loop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from ..project.reviews import Decision, read_decisions
from ..selection.regions import Region, Regions, find_regions
from .display import PLANES, Display

if TYPE_CHECKING:
    from ..project import Case, ClassInfo

TILE = 56  # pixels of a side
AROUND = 1.7  # times the region that a tile shows
LEAST = 12.0  # voxels from the middle of a tile to its side, at least
MAPS = ("entropy", "disagreement", "flips")  # the first there is counts as doubt
GLOW = np.array([250.0, 140.0, 10.0])


@dataclass(frozen=True, eq=False)
class ShownDoubt:
    """The regions of a proposal as shown, a tile of each (`TILE` × `TILE` RGB bytes), and what was decided before."""

    regions: Regions = field(default_factory=Regions)
    tiles: tuple[bytes, ...] = ()
    decisions: tuple[Decision, ...] = ()


def shown_doubt(
    case: Case,
    run: str,
    labels: np.ndarray,
    maps: Mapping[str, np.ndarray],
    display: Display,
    image: tuple[np.ndarray, tuple[float, float]],
    classes: Sequence[ClassInfo],
) -> ShownDoubt:
    """Find the regions of a proposal.

    Parameters
    ----------
    labels, maps : arrays as shown
        The proposal and its maps.
    image : (array as shown, window)
        For the tiles.
    """
    doubt = next((maps[name] for name in MAPS if name in maps), np.zeros(labels.shape, np.float32))
    regions = find_regions(
        labels, doubt, display.scale, {one.value: one.name for one in classes}, disagreement=maps.get("disagreement")
    )
    colours = np.full((256, 3), 255.0)
    for one in classes:
        colours[one.value] = [int(one.colour[at : at + 2], 16) for at in (1, 3, 5)]
    tiles = tuple(make_tile(region, labels, doubt, display, image, colours) for region in regions.found)
    return ShownDoubt(regions, tiles, read_decisions(case, run))


def make_tile(
    region: Region,
    labels: np.ndarray,
    doubt: np.ndarray,
    display: Display,
    image: tuple[np.ndarray, tuple[float, float]],
    colours: np.ndarray,
) -> bytes:
    """A small picture of a region in its middle slice: scan, outline of the proposal, doubt as a glow."""
    at, scale = region.centre, display.scale
    inplane = range(len(at)) if len(at) == 2 else PLANES[display.plane][1:]
    half = max(
        *(AROUND / 2 * (region.box[axis][1] - region.box[axis][0]) * scale[axis] for axis in inplane),
        LEAST * min(scale[axis] for axis in inplane),
    )
    steps = np.linspace(-half, half, TILE)
    place: list[np.ndarray | int] = list(at)
    inside = np.ones((TILE, TILE), bool)
    for number, axis in enumerate(inplane):
        index = np.rint(sum(region.box[axis]) / 2 - 0.5 + steps / scale[axis]).astype(int)
        along = index[:, None] if number == 0 else index[None, :]
        inside &= (along >= 0) & (along < labels.shape[axis])
        place[axis] = np.clip(along, 0, labels.shape[axis] - 1)
    low, high = image[1]
    grey = np.clip((image[0][tuple(place)].astype(np.float64) - low) / (high - low), 0, 1) * 255
    out = np.repeat(grey[..., None], 3, axis=-1)
    glow = 0.6 * np.clip(doubt[tuple(place)], 0, 1)[..., None]
    out = (1 - glow) * out + glow * GLOW
    here = labels[tuple(place)]
    padded = np.pad(here, 1, mode="edge")
    edge = np.zeros(here.shape, bool)
    for beside in (padded[:-2, 1:-1], padded[2:, 1:-1], padded[1:-1, :-2], padded[1:-1, 2:]):
        edge |= beside != here
    edge &= here > 0
    out[edge] = colours[here[edge]]
    out[~inside] = 0
    return bytes(np.rint(out).astype(np.uint8).tobytes())
