"""Reading a case for the screen, off the event loop: arrays already turned the way they are shown."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from ..imaging import UNSEEN
from ..inspection.findings import Inspection, Kind, Picture
from ..project import choose_proposal
from ..runs.champion import set_aside
from ..runs.history import read_history
from .display import Display
from .doubt import ShownDoubt, shown_doubt
from .recovering import Recovered, recover
from .window_level import Window, make_presets

if TYPE_CHECKING:
    from ..project import Project


@dataclass(frozen=True, eq=False)
class ShownChannel:
    """An image channel as shown: `array` (plane, row, column), `limits` the window to begin with, and the presets."""

    name: str
    array: np.ndarray
    limits: tuple[float, float]
    presets: tuple[Window, ...] = ()


@dataclass(frozen=True, eq=False)
class ShownProposal:
    """A model's proposal as shown: `labels` uint8, `maps` float32 in 0..1 by name.

    `runs` are all that made one for this case, newest first, each with why it is not to be shown by itself, or "".
    """

    case: str
    run: str
    score: float
    labels: np.ndarray
    maps: dict[str, np.ndarray] = field(default_factory=dict)
    runs: tuple[tuple[str, str], ...] = ()
    doubt: ShownDoubt = field(default_factory=ShownDoubt)


@dataclass(frozen=True, eq=False)
class ShownCase:
    """A case as shown; `labels` is all 255 where nobody drew yet, `lost` tells what of it cannot be read."""

    name: str
    display: Display
    channels: tuple[ShownChannel, ...]
    labels: np.ndarray
    proposal: ShownProposal | None = None
    complete: bool = False
    revision: str | None = None
    based_on: str | None = None
    rgb: bool = False
    recovered: Recovered = field(default_factory=Recovered)
    lost: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class ShownPicture:
    """A picture of the inside of a model as shown: `array` (plane, row, column), and (…, 3) of kind "colours"."""

    name: str
    kind: Kind
    title: str
    caption: str
    array: np.ndarray
    limits: tuple[float, float]


@dataclass(frozen=True, eq=False)
class ShownInside:
    """What was found inside a model, as shown."""

    case: str
    run: str
    pictures: tuple[ShownPicture, ...]
    missing: tuple[str, ...] = ()


def load_case(project: Project, name: str, window: str = "") -> ShownCase:
    """Read image, newest labels (with strokes that were left behind) and best proposal of a case.

    Parameters
    ----------
    window : str
        The name of this window's lease.

    Raises
    ------
    MedSSLError
        When a file is missing or bad.
    """
    case = project.case(name)
    volume = case.read_image()
    display = Display(volume.grid)
    revision = case.latest()
    drawn = None if revision is None else case.read_labels(revision)
    labels = np.full(volume.grid.shape, UNSEEN, np.uint8) if drawn is None else drawn.array.astype(np.uint8)
    recovered = recover(case, labels, project.leases_folder, window, project.classes)
    channels = tuple(
        shown_channel(label, display.show(array)) for label, array in zip(volume.channels, volume.array, strict=True)
    )
    proposal = load_proposal(project, name, display, channels[0])
    rgb = volume.grid.ndim == 2 and len(volume.channels) == 3 and volume.array.dtype == np.uint8
    return ShownCase(
        name=name,
        display=display,
        channels=channels,
        labels=display.show(labels),
        proposal=proposal,
        complete=revision is not None and revision.complete,
        revision=None if revision is None else revision.id,
        based_on=revision.run if revision is not None and revision.origin in ("corrected", "accepted") else None,
        rgb=rgb,
        recovered=recovered,
        lost=tuple(str(one) for one in (*case.lost_labels(), *case.lost_proposals())),
    )


def load_proposal(
    project: Project, name: str, display: Display, image: ShownChannel, run: str | None = None
) -> ShownProposal | None:
    """Read a proposal of a case, and find its regions; None where there is none.

    Parameters
    ----------
    image : ShownChannel
        What the regions are shown on.
    run : str, optional
        Whose; by default that of the newest run which did not do worse than another.
    """
    case = project.case(name)
    aside = set_aside(read_history(project))
    there = case.proposals()
    named = [one for one in there if one.run == run]
    proposal = choose_proposal(named or there, aside)
    if proposal is None:
        return None
    labels = display.show(proposal.read_labels().array.reshape(display.grid.shape)).astype(np.uint8, copy=False)
    maps = {name: display.show(proposal.read_map(name).reshape(display.grid.shape)) for name in proposal.maps}
    runs = tuple((one.run, aside.get(one.run, "")) for one in reversed(there))
    doubt = shown_doubt(case, proposal.run, labels, maps, display, (image.array, image.limits), project.classes)
    return ShownProposal(case.name, proposal.run, float(proposal.score), labels, maps, runs, doubt)


def shown_inside(found: Inspection, display: Display) -> ShownInside:
    """Pictures turned the way they are shown."""

    def turned(picture: Picture) -> np.ndarray:
        if picture.kind != "colours":
            return display.show(picture.array)
        return np.stack([display.show(channel) for channel in np.moveaxis(picture.array, -1, 0)], axis=-1)

    pictures = (
        ShownPicture(one.name, one.kind, one.title, one.caption, turned(one), one.limits) for one in found.pictures
    )
    return ShownInside(found.case, found.run, tuple(pictures), found.missing)


def shown_channel(name: str, array: np.ndarray) -> ShownChannel:
    """The window to begin with spans the 0.5th to 99.5th percentile of a sample of voxels."""
    presets = make_presets(array)
    return ShownChannel(name, array, (presets[0].low, presets[0].high), presets)
