"""Makes the layers of a case; `layers.py` puts them on the screen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from .colours import MAP_TITLES, difference_colours, doubt_colours, label_colours, mark_colours
from .display import Display
from .facts import ClassFacts
from .loading import ShownCase, ShownInside, ShownProposal

if TYPE_CHECKING:
    from napari.layers import Image, Labels

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


def make_labels(case: ShownCase, classes: Sequence[ClassFacts], shaded: bool) -> Labels:
    """The layer to draw on, with a brush that fits the scan."""
    from napari.layers import Labels

    layer = Labels(
        case.labels,
        name=f"{case.name} · labels",
        opacity=0.55,
        colormap=label_colours(classes, shaded),
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


def make_mark(box: Sequence[tuple[int, int]], display: Display, name: str) -> Labels:
    """A frame round a box with some room, in whichever plane one looks; nobody can draw on it."""
    from napari.layers import Labels

    low = [max(0, first - ROOM) for first, _ in box]
    high = [min(size, end + ROOM) for (_, end), size in zip(box, display.shape, strict=True)]
    # a contour is drawn where something else begins; where the scan ends, its border is the frame
    frame = np.zeros([end - first for first, end in zip(low, high, strict=True)], np.uint8)
    sides = zip(low, high, display.shape, strict=True)
    frame[tuple(slice(int(first > 0), end - first - int(end < size)) for first, end, size in sides)] = 1
    space = dict(display.spatial)
    space["translate"] = tuple(
        start + at * size for at, size, start in zip(low, display.scale, display.translate, strict=True)
    )
    layer = Labels(frame, name=name, colormap=mark_colours(), opacity=0.7, **space)
    layer.contour = 1
    layer.editable = False
    return layer


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
