"""Labels that are stored with other axes than their scan, or for a part of it, brought over voxel for voxel.

Two grids share a lattice where every voxel centre of one, continued to all sides, is a voxel centre of the other: one
is turned, runs backwards along some axes, was cut out of the other or has margins around it. Then each voxel of the
labels belongs to one voxel of the scan, by its place in the patient, and bringing them over neither interpolates nor
mirrors anything. Files without orientation are never recognized so: their axes say nothing about the patient.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .grid import Grid
from .orientation import Reorientation
from .same_grid import SAME_VOXEL, corners_apart, times
from .volume import UNSEEN, Labels


@dataclass(frozen=True, eq=False)
class Placement:
    """Where the voxels of one grid (`source`) lie on another (`target`) of the same lattice.

    Parameters
    ----------
    source, target : Grid
        The grid of the labels, and that of the scan.
    turn : Reorientation
        Brings an array of the source onto axes that run as the target's.
    start : tuple of int
        Voxel of the target on which the first voxel of the turned array lies; negative where that is outside.
    """

    source: Grid
    target: Grid
    turn: Reorientation
    start: tuple[int, ...]

    @property
    def is_identity(self) -> bool:
        """Whether the two grids are the same."""
        return self.turn.is_identity and self.is_whole

    @property
    def is_whole(self) -> bool:
        """Whether both cover the same voxels, so that nothing is left out and nothing stays open."""
        return self.turn.grid.shape == self.target.shape and not any(self.start)

    @property
    def words(self) -> str:
        """How the source lies on the target, as a clause whose subject is the labels: "their axes run …"."""
        if self.is_identity:
            return "they are on the grid of the scan"
        parts = []
        if not self.turn.is_identity:
            parts.append(f"their axes run {self.source.axcodes}, those of the scan {self.target.axcodes}")
        if not self.is_whole:
            inside = times([part.stop - part.start for part in self._parts()[1]])
            parts.append(f"they cover {inside} of the {times(self.target.shape)} voxels of the scan")
        return "they have the voxels of the scan, but " + ", and ".join(parts)

    def bring(self, labels: Labels, outside: int = UNSEEN) -> Labels:
        """The same labels on the target, each voxel where it was in the patient.

        Parameters
        ----------
        labels : Labels
            On the source grid.
        outside : int
            Value of voxels of the target that the source does not cover; by default nobody looked there.

        Raises
        ------
        ValueError
            If the labels have another shape than the source.
        """
        turned, here, there = self.turn.apply(self._fitting(labels)), *self._parts()
        array = np.full(self.target.shape, outside, np.uint8)
        array[there] = turned[here]
        return Labels(array, self.target)

    def lost(self, labels: Labels) -> int:
        """How many voxels with a class lie outside the target, and would be left out by `bring`.

        Raises
        ------
        ValueError
            If the labels have another shape than the source.
        """
        drawn = (self._fitting(labels) != 0) & (labels.array != UNSEEN)
        inside = self.turn.apply(drawn)[self._parts()[0]]
        return int(drawn.sum()) - int(inside.sum())

    def _fitting(self, labels: Labels) -> NDArray[np.uint8]:
        if labels.grid.shape != self.source.shape:
            raise ValueError(f"labels of shape {labels.grid.shape} are not on a grid of {self.source.shape}")
        return labels.array

    def _parts(self) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
        """The voxels that both have, as slices of the turned source and of the target."""
        here, there = [], []
        for at, length, room in zip(self.start, self.turn.grid.shape, self.target.shape, strict=True):
            first, end = max(at, 0), min(at + length, room)
            there.append(slice(first, end))
            here.append(slice(first - at, end - at))
        return tuple(here), tuple(there)


def find_placement(target: Grid, source: Grid, tolerance: float = SAME_VOXEL) -> Placement | None:
    """Recognize a grid that shares its lattice with another: the same, turned, reversed, cropped or padded.

    Parameters
    ----------
    target : Grid
        The grid of a scan.
    source : Grid
        The grid of labels that may belong to it.
    tolerance : float
        The farthest that a corner may lie from where the lattice has it, in voxels.

    Returns
    -------
    Placement or None
        None where the grids share no lattice or no voxel, or one of them does not say how it lies in the patient.
    """
    if target.unit != "mm" or source.unit != "mm" or not (target.oriented and source.oriented):
        return None
    step = np.linalg.solve(target.affine, source.affine)  # source voxel -> target voxel
    whole = np.rint(step[:3, :3])
    if not (np.abs(whole).sum(axis=0) == 1).all() or not (np.abs(whole).sum(axis=1) == 1).all():
        return None
    order = tuple(int(np.flatnonzero(row)[0]) for row in whole)  # target axis -> source axis
    flips = tuple(bool(whole[new, old] < 0) for new, old in enumerate(order))
    middle = (np.array(source.shape) - 1) / 2
    origin = np.rint(step[:3] @ [*middle, 1.0] - whole @ middle)  # where source voxel 0 lies; from the middle: rounding
    exact: NDArray[Any] = np.eye(4)
    exact[:3, :3], exact[:3, 3] = whole, origin
    if corners_apart(Grid(source.shape, target.affine @ exact), source) > tolerance:
        return None
    shape = tuple(source.shape[axis] for axis in order)
    start = tuple(int(origin[new]) - (shape[new] - 1 if flip else 0) for new, flip in enumerate(flips))
    if any(at >= room or at + n <= 0 for at, n, room in zip(start, shape, target.shape, strict=True)):
        return None
    shifted = np.eye(4)
    shifted[:3, 3] = start
    return Placement(source, target, Reorientation(order, flips, Grid(shape, target.affine @ shifted)), start)


def way_out(target: Grid, source: Grid) -> str:
    """What to do with labels on another grid than their scan, as a clause. Following it never mirrors them.

    Parameters
    ----------
    target : Grid
        The grid of the scan.
    source : Grid
        The grid of the labels, which differs.
    """
    if target.unit == "pixel" or source.unit == "pixel":
        return f"save them with the size of the scan, {times(target.shape)} pixels"
    if not (target.oriented and source.oriented):
        return "export them again from the program they were drawn in, with the orientation of the scan"
    placement = find_placement(target, source)
    if placement is not None:
        return f"resample them onto the scan, to the nearest voxel: {placement.words}, so that is exact"
    remedy = "resample them onto the scan"
    if target.shape == source.shape and target.axcodes == source.axcodes:
        remedy += ", or, if each voxel does belong to its scan's voxel, copy the scan's header into the label file"
    return remedy
