"""What no tool may do, in one place, and the words of what was done."""

from __future__ import annotations

import numpy as np

from ..imaging import UNSEEN
from .boxes import Sizes, start_of
from .scene import Change, Mask, Scene, Voxels, Wanted

ENOUGH = 100.0  # mm³; from there on volumes are told in ml


def settle(scene: Scene, wanted: Wanted) -> Change:
    """Make a change of what a tool wants.

    Voxels of locked classes stay as they are; so do those of other classes unless the tool says otherwise, and
    everything outside a box. What nobody looked at becomes background only where the person asked for it.
    """
    now = scene.labels[wanted.box]
    changes = wanted.values != now
    if scene.locked:
        changes &= ~np.isin(now, list(scene.locked))
    if not wanted.over_others:
        changes &= (now == 0) | (now == UNSEEN) | (now == scene.value)
    if not wanted.background:
        changes &= (now != UNSEEN) | (wanted.values != 0)
    if scene.box is not None:
        changes &= _inside(scene, wanted)
    values = wanted.values[changes]
    there = np.nonzero(changes)
    starts = start_of(wanted.box)
    places = np.ravel_multi_index(
        tuple(axis + start for axis, start in zip(there, starts, strict=True)), scene.labels.shape
    ).astype(np.int64)  # fmt: skip
    return Change(places, values, _words(scene, wanted, now[changes], values))


def say_size(size: float, axes: int) -> str:
    """A volume in mm³, or an area in mm² where the scan is a single image."""
    if axes == 2:
        return f"{size:.3g} mm²" if size < 1000 else f"{size:,.0f} mm²"
    return f"{size:.3g} mm³" if size < ENOUGH else f"{size / 1000:,.2f} ml"


def _inside(scene: Scene, wanted: Wanted) -> Mask:
    assert scene.box is not None
    inside: Mask = np.zeros(wanted.values.shape, bool)
    cut: list[slice] = []
    sizes: Sizes = scene.labels.shape
    for ours, theirs, size in zip(wanted.box, scene.box, sizes, strict=True):
        start = ours.indices(size)[0]
        low, high, _ = theirs.indices(size)
        cut.append(slice(max(low - start, 0), max(high - start, 0)))
    inside[tuple(cut)] = True
    return inside


def _words(scene: Scene, wanted: Wanted, before: Voxels, after: Voxels) -> str:
    more = int(np.count_nonzero(after == scene.value))
    less = int(np.count_nonzero(before == scene.value))
    other = before.size - more - less
    amounts = [
        f"{say_size(voxels * scene.voxel, scene.labels.ndim)} {what}"
        for voxels, what in ((more, "more"), (less, "less"), (other, "of other structures"))
        if voxels
    ]
    said = f"{wanted.done}: {', '.join(amounts)}." if amounts else f"{wanted.done}: nothing to change."
    return f"{said} {wanted.note}".strip()
