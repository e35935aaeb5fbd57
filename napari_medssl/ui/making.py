"""Makes the layers of a case; `layers.py` puts them on the screen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .colours import (
    MAP_TITLES,
    NOTHING,
    change_colours,
    difference_colours,
    doubt_colours,
    label_colours,
    mark_colours,
)
from .display import Display
from .facts import ClassFacts
from .loading import ShownCase, ShownInside, ShownProposal

if TYPE_CHECKING:
    from napari.layers import Image, Labels

LIGHT = 0.55  # of black to white, on average
ROOM = 4  # voxels round a place, with its frame and what lies beyond


def make_images(case: ShownCase) -> list[tuple[Image, dict[str, str]]]:
    """A layer for each channel, the first one visible, with what is to be said of it; one for colours."""
    from napari.layers import Image

    space = case.display.spatial
    if case.rgb:
        stacked = np.stack([channel.array for channel in case.channels], axis=-1)
        return [(Image(stacked, rgb=True, name=f"{case.name} · image", **space), {})]
    made = []
    for number, channel in enumerate(case.channels):
        layer = Image(
            channel.array,
            name=f"{case.name} · {channel.name}",
            contrast_limits=channel.limits,
            colormap="gray",
            visible=number == 0,
            **space,
        )
        made.append((layer, {"channel": channel.name}))
    return made


def is_light(case: ShownCase) -> bool:
    """Whether a scan is mostly light, as a stained slide is: what lies over it has to be dark then. A sample is looked
    at.
    """
    array = case.channels[0].array
    sample = array.reshape(-1)[:: max(1, array.size // 20_000)].astype(np.float32)
    low, high = (0.0, 255.0) if case.rgb else case.channels[0].limits
    share = np.clip((sample - low) / max(high - low, 1e-6), 0, 1)
    return bool(np.nanmean(share) > LIGHT) if share.size else False


def make_labels(case: ShownCase, classes: Sequence[ClassFacts], colours: Any) -> Labels:
    """The layer to draw on, with a brush that fits the scan."""
    from napari.layers import Labels

    layer = Labels(
        case.labels,
        name=f"{case.name} · labels",
        opacity=0.55,
        colormap=colours,
        **case.display.spatial,
    )
    layer.selected_label = classes[0].value if classes else 1
    layer.brush_size = max(2, round(min(case.display.shape[-2:]) / 16))
    return layer


def make_proposal(proposal: ShownProposal, display: Display, classes: Sequence[ClassFacts]) -> Labels:
    """A proposal, as outlines that nobody can draw on."""
    from napari.layers import Labels

    layer = Labels(
        proposal.labels,
        name=f"{proposal.case} · proposal",
        colormap=label_colours(classes),
        **display.spatial,
    )
    layer.contour = 1
    layer.editable = False
    return layer


def make_maps(proposal: ShownProposal, display: Display) -> dict[str, Image]:
    """The maps of a proposal by name, not visible yet."""
    from napari.layers import Image

    return {
        name: Image(
            array,
            name=f"{proposal.case} · {MAP_TITLES.get(name, name)}",
            colormap=doubt_colours(),
            blending="translucent",
            contrast_limits=(0.0, 1.0),
            visible=False,
            **display.spatial,
        )
        for name, array in proposal.maps.items()
    }


def make_difference(codes: np.ndarray, display: Display, name: str) -> Labels:
    """Where two masks differ, filled; nobody can draw on it."""
    from napari.layers import Labels

    layer = Labels(codes, name=name, colormap=difference_colours(), **display.spatial)
    layer.editable = False
    return layer


def make_mark(box: Sequence[tuple[int, int]], display: Display, name: str, places: np.ndarray | None = None) -> Labels:
    """A frame round a box with some room, and the outline of what is in it, in whichever plane one looks.

    Parameters
    ----------
    box : pairs of int
        Along each axis the first voxel, and one past the last.
    places : array of int, optional
        The voxels to outline: flat places in an array of the display's shape.
    """
    from napari.layers import Labels

    low = [max(0, first - ROOM) for first, _ in box]
    high = [min(size, end + ROOM) for (_, end), size in zip(box, display.shape, strict=True)]
    # a contour is drawn where something else begins; where the scan ends, its border is the frame
    frame = np.zeros([end - first for first, end in zip(low, high, strict=True)], np.uint8)
    sides = zip(low, high, display.shape, strict=True)
    frame[tuple(slice(int(first > 0), end - first - int(end < size)) for first, end, size in sides)] = 1
    if places is not None:
        at = np.unravel_index(places, display.shape)
        frame[tuple(axis - first for axis, first in zip(at, low, strict=True))] = 2
    layer = Labels(frame, name=name, colormap=mark_colours(), opacity=0.9, **_space_at(low, display))
    layer.contour = 1
    layer.editable = False
    return layer


def make_change(
    places: np.ndarray, values: np.ndarray, display: Display, classes: Sequence[ClassFacts], name: str
) -> Labels:
    """What some voxels (flat places) would become, filled: a class, background or *not looked at*."""
    from napari.layers import Labels

    at = np.unravel_index(places, display.shape)
    low = [int(axis.min()) for axis in at]
    shown = np.full([int(axis.max()) + 1 - first for axis, first in zip(at, low, strict=True)], NOTHING, np.uint8)
    shown[tuple(axis - first for axis, first in zip(at, low, strict=True))] = values
    layer = Labels(shown, name=name, colormap=change_colours(classes), opacity=0.85, **_space_at(low, display))
    layer.editable = False
    return layer


def _space_at(low: Sequence[int], display: Display) -> dict[str, Any]:
    """How a layer lies whose first voxel is that one of the display."""
    space = dict(display.spatial)
    space["translate"] = tuple(
        start + at * size for at, size, start in zip(low, display.scale, display.translate, strict=True)
    )
    return space


def make_inside(inside: ShownInside, display: Display, classes: Sequence[ClassFacts]) -> dict[str, Image | Labels]:
    """Pictures of the inside of a model by name; one is visible, what the encoder has learnt to tell apart."""
    from napari.layers import Image, Labels

    made: dict[str, Image | Labels] = {}
    for picture in inside.pictures:
        name = f"{inside.case} · {picture.title}"
        if picture.kind == "labels":
            layer = Labels(picture.array, name=name, colormap=label_colours(classes), visible=False, **display.spatial)
            layer.contour = 1
            layer.editable = False
        elif picture.kind == "colours":
            layer = Image(picture.array, rgb=True, name=name, visible=False, **display.spatial)
        else:
            layer = Image(
                picture.array,
                name=name,
                colormap="inferno" if picture.kind == "heat" else "gray",
                contrast_limits=picture.limits,
                visible=False,
                **display.spatial,
            )
        made[picture.name] = layer
    shown = made.get("features-after")
    if shown is not None:
        shown.visible = True
    return made
