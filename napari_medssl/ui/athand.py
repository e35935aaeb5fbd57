"""What a tool, or a person who asks for one, has at hand: the case as it is on the screen right now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .editing import Rule

if TYPE_CHECKING:
    from napari.layers import Labels

    from .loading import ShownCase

Box = tuple[slice, ...]
ENOUGH = 200_000  # voxels of a stroke that tell how bright it is


@dataclass(frozen=True, eq=False)
class AtHand:
    """The case on the screen.

    Attributes
    ----------
    case : ShownCase
    labels : array of uint8
        The live array; not a copy.
    channels : sequence of arrays
        The channel on the screen, or the colours of an image; what is between them counts as `grey`.
    value : int
        The label in hand.
    plane : (int, int) or None
        Axis and number of the slice on the screen.
    view : tuple of slices or None
        What the canvas shows of the slice, as a box one voxel thick; None where there is no single slice.
    locked : frozenset of int
    """

    case: ShownCase
    labels: NDArray[np.uint8]
    channels: Sequence[NDArray[Any]]
    value: int
    plane: tuple[int, int] | None
    view: Box | None
    locked: frozenset[int]

    def slice_box(self) -> Box | None:
        """The slice on the screen; all of a 2-D image; None where there is no single slice."""
        box = [slice(0, size) for size in self.labels.shape]
        if self.plane is not None:
            box[self.plane[0]] = slice(self.plane[1], self.plane[1] + 1)
        return tuple(box) if self.plane is not None or len(box) == 2 else None


def grey(channels: Sequence[NDArray[Any]], where: Any = ...) -> NDArray[Any]:
    """How bright a scan is at places; the mean of its colours."""
    here: NDArray[Any] = channels[0][where] if len(channels) == 1 else np.mean([one[where] for one in channels], axis=0)
    return here


def channels_shown(case: ShownCase, layers: Sequence[Any]) -> list[NDArray[Any]]:
    """The uppermost channel of a case that is visible among the layers, else its first one; all colours of an image."""
    if case.rgb:
        return [channel.array for channel in case.channels[:3]]
    said = [layer.metadata.get("medssl", {}) for layer in layers if layer.visible]
    names = [one.get("channel") for one in said if one.get("role") == "image"]
    shown = [channel for name in reversed(names) for channel in case.channels if channel.name == name]
    return [(shown or case.channels)[0].array]


def box_in_view(labels: Labels, plane: tuple[int, int] | None) -> Box | None:
    """What the canvas shows of the slice on the screen; the whole slice before it was drawn for the first time."""
    shape = labels.data.shape
    if plane is None and len(shape) == 3:
        return None
    first, last = (np.clip(corner, 0, np.array(shape) - 1) for corner in np.asarray(labels.corner_pixels))
    drawn = bool((last > first).any())
    box = [slice(int(low), int(high) + 1) for low, high in zip(first, last, strict=True)]
    if not drawn:
        box = [slice(0, size) for size in shape]
    if plane is not None:
        box[plane[0]] = slice(plane[1], plane[1] + 1)
    return tuple(box)


def box_of(mask: NDArray[np.bool_]) -> Box | None:
    """The smallest box round what is chosen; None where nothing is."""
    sides = []
    for axis in range(mask.ndim):
        on = np.flatnonzero(mask.any(axis=tuple(other for other in range(mask.ndim) if other != axis)))
        if not on.size:
            return None
        sides.append(slice(int(on[0]), int(on[-1]) + 1))
    return tuple(sides)


def within_rule(channels: Sequence[NDArray[Any]], low: float, high: float) -> Rule:
    """A rule for the gate: only where the scan is between two values, both included."""

    def rule(where: tuple[Any, ...], now: NDArray[np.uint8], value: Any) -> NDArray[np.bool_]:
        here = grey(channels, where)
        may: NDArray[np.bool_] = (here >= low) & (here <= high)
        return may

    return rule


def brightness_drawn(labels: Any, channels: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """How bright the scan is where the last stroke was; empty where there was none."""
    strokes = labels._undo_history
    drawn = [_of_atom(atom, channels) for atom in strokes[-1]] if strokes else []
    values = np.concatenate(drawn) if drawn else np.zeros(0)
    return values[:: max(1, values.size // ENOUGH)]


def _of_atom(atom: Any, channels: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """How bright the scan is where one part of a stroke was: places, or (since napari 0.8) a mask in a box."""
    here, mask = grey(channels, atom[0]), getattr(atom, "mask", None)
    return here.reshape(-1) if mask is None else here[mask]


def usual_range(values: NDArray[Any]) -> tuple[float, float] | None:
    """Mean ± 2 standard deviations of brightness; None of no values."""
    known = np.asarray(values, float)
    known = known[np.isfinite(known)]
    if not known.size:
        return None
    mean, spread = float(known.mean()), 2 * float(known.std())
    return mean - spread, mean + spread
