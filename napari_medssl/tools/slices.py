"""Fill between slices, and copy from the slice before or after."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import center_of_mass, distance_transform_edt, label, shift

from ..imaging import UNSEEN
from ..methods.options import option
from .boxes import box_around, box_of_class, plane_of, region_of
from .options import ToolOptions
from .scene import Mask, Scene, ToolError, Voxels, Wanted

Distances = NDArray[np.float32]


@dataclass(frozen=True)
class FillOptions(ToolOptions):
    """Of *fill between slices*."""

    longest: float = option(
        30.0,
        "Longest gap",
        "Gaps that are longer stay open, so that the left kidney is not joined to the right; 0: all are filled.",
        low=0.0,
        high=1000.0,
        unit="mm",
        advanced=False,
    )
    follow: bool = option(
        True, "Follow it sideways", "Between two slices with one piece each, move the shape along with its middle."
    )


@dataclass(frozen=True)
class CopyOptions(ToolOptions):
    """Of *copy a slice*."""

    source: str = option(
        "previous",
        "From",
        "Which slice is copied to the one on the screen.",
        choices=("previous", "next"),
        advanced=False,
    )
    all_classes: bool = option(False, "All structures", "Not only the one in hand.", advanced=False)
    replace: bool = option(
        False, "Instead of what is there", "What is drawn here and not there becomes background.", advanced=False
    )


def fill_between(scene: Scene, options: FillOptions) -> Wanted:
    """Draw the slices between drawn ones, along the axis on the screen.

    Signed distances in mm to the outlines of the two slices are blended in proportion (Raya and Udupa 1990,
    "Shape-based interpolation of multidimensional objects"); the shape is where the blend is positive.
    """
    axis = plane_of(scene)[0]
    box = box_of_class(scene, region_of(scene))
    values = scene.labels[box].copy()
    stack = np.moveaxis(values, axis, 0)  # a view: what is written there is in `values`
    drawn = np.flatnonzero((stack == scene.value).any(axis=(1, 2)))
    gaps = [(int(a), int(b)) for a, b in itertools.pairwise(drawn) if b - a > 1]
    if not gaps:
        return Wanted(box, values, "There is no gap between slices of it")
    short = [(a, b) for a, b in gaps if not options.longest or (b - a - 1) * scene.spacing[axis] <= options.longest]
    across = [mm for other, mm in enumerate(scene.spacing) if other != axis]
    missing = sum(b - a - 1 for a, b in short)
    filled = 0
    for a, b in short:
        both = box_around((stack[a] == scene.value) | (stack[b] == scene.value))
        assert both is not None
        between = _Between(stack[a][both] == scene.value, stack[b][both] == scene.value, across, options.follow)
        for index in range(a + 1, b):
            scene.at(filled / missing)
            stack[index][both][between.at((index - a) / (b - a))] = scene.value
            filled += 1
    note = _say_left([(b - a - 1) * scene.spacing[axis] for a, b in gaps if (a, b) not in short], options.longest)
    return Wanted(box, values, f"Filled {len(short)} {'gap' if len(short) == 1 else 'gaps'}", note)


def copy_slice(scene: Scene, options: CopyOptions) -> Wanted:
    """Copy the structure from the neighbour; what nobody looked at there is not copied."""
    axis, index = plane_of(scene)
    other = index + (-1 if options.source == "previous" else 1)
    if not 0 <= other < scene.labels.shape[axis]:
        raise ToolError(f"There is no {options.source} slice: this is the {'first' if other < 0 else 'last'} one.")
    box = region_of(scene, only_slice=True)
    now = scene.labels[box]
    there = scene.labels[(*box[:axis], slice(other, other + 1), *box[axis + 1 :])]
    wanted = _structures(there) if options.all_classes else there == scene.value
    if not wanted.any():
        what = "any structure" if options.all_classes else "the structure in hand"
        raise ToolError(f"The {options.source} slice has nothing of {what}.")
    values = np.where(wanted, there, now)
    if options.replace:
        drawn = _structures(now) if options.all_classes else now == scene.value
        values[drawn & ~wanted] = 0
    return Wanted(
        box, values, f"Copied from the {options.source} slice", over_others=options.all_classes and options.replace
    )


def _structures(labels: Voxels) -> Mask:
    return np.asarray((labels != 0) & (labels != UNSEEN))


def _say_left(lengths: list[float], longest: float) -> str:
    if not lengths:
        return ""
    what = f"A gap of {lengths[0]:g} mm is" if len(lengths) == 1 else f"{len(lengths)} gaps are"
    return f"{what} longer than {longest:g} mm and left open."


class _Between:
    """The shape between two slices."""

    def __init__(self, first: Mask, last: Mask, spacing: list[float], follow: bool) -> None:
        self._first, self._last = _signed_distance(first, spacing), _signed_distance(last, spacing)
        self._way: NDArray[np.float64] = np.zeros(2)
        corners = np.ones((3, 3))
        if follow and label(first, corners)[1] == 1 and label(last, corners)[1] == 1:
            self._way = np.subtract(center_of_mass(last), center_of_mass(first))

    def at(self, share: float) -> Mask:
        """So far from the first to the last, 0 to 1."""
        first = _moved(self._first, share * self._way)
        last = _moved(self._last, (share - 1) * self._way)
        return np.greater((1 - share) * first + share * last, 0)[1:-1, 1:-1]


def _signed_distance(mask: Mask, spacing: list[float]) -> Distances:
    """Millimetres to the outline, positive inside; with a frame of one voxel that is outside."""
    framed = np.pad(mask, 1)
    inside, outside = (distance_transform_edt(part, sampling=spacing) for part in (framed, ~framed))
    return np.asarray(inside - outside, np.float32)


def _moved(distances: Distances, way: NDArray[np.float64]) -> Distances:
    if np.abs(way).max() < 0.01:  # voxels
        return distances
    return np.asarray(shift(distances, way, order=1, mode="nearest"), np.float32)
