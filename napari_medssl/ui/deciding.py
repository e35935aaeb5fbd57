"""What accepting, rejecting and taking back mean for voxels, and how far a region has come. Pure.

Places are flat: positions in an array as if it had one axis. 255 is *not looked at*.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ..imaging import UNSEEN
from ..project.reviews import Decision, Scope, Verb
from ..selection.regions import Region, Regions

RegionState = Literal["open", "accepted", "rejected", "corrected", "before"]
Places = NDArray[np.intp]
Voxels = NDArray[np.uint8]


@dataclass(frozen=True)
class Part:
    """A part of a case; `what` as in `Decision`."""

    scope: Scope
    what: str = ""


def places_of(part: Part, regions: Regions, proposal: Voxels) -> Places:
    """The voxels of a part, sorted.

    A class is where the proposal has it; the whole case is all structures of the proposal, and all regions.
    """
    if part.scope == "region":
        found = (places for one, places in zip(regions.found, regions.places, strict=True) if one.key == part.what)
        return next(found, np.zeros(0, np.intp))
    if part.scope == "slice":
        axis, index = (int(number) for number in part.what.split("/"))
        along = [np.arange(size) for size in proposal.shape]
        along[axis] = np.array([index])
        return np.ravel_multi_index(np.ix_(*along), proposal.shape).reshape(-1)
    if part.scope == "class":
        return np.flatnonzero(proposal == int(part.what))
    inside = (proposal != 0).reshape(-1)
    for places in regions.places:
        inside[places] = True
    return np.flatnonzero(inside)


def changes_of(
    verb: Verb, part: Part, labels: Voxels, proposal: Voxels, regions: Regions, decisions: Sequence[Decision]
) -> tuple[Places, Voxels]:
    """Where labels change, and to what.

    *Accept* takes the proposal, its background too, where nobody looked. *Reject* makes background of what nobody
    looked at or is still as proposed. *Redo* makes *not looked at* of what is as proposed, and of background where
    something was rejected. What else a person drew stays.
    """
    places = places_of(part, regions, proposal)
    here, proposed = labels.reshape(-1)[places], proposal.reshape(-1)[places]
    if verb == "accept":
        where = here == UNSEEN
        return places[where], proposed[where]
    if verb == "reject":
        where = ((here == UNSEEN) | (here == proposed)) & (here != 0)
        return places[where], np.zeros(int(where.sum()), np.uint8)
    as_proposed, erased = here == proposed, (here == 0) & (proposed != 0)
    if erased.any():
        rejected = np.zeros(proposal.size, bool)
        for one in {Part(one.scope, one.what) for one in decisions if one.verb == "reject"}:
            rejected[places_of(one, regions, proposal)] = True
        erased &= rejected[places]
    where = as_proposed | erased
    return places[where], np.full(int(where.sum()), UNSEEN, np.uint8)


def border_changes(
    value: int, places: Places, labels: Voxels, proposal: Voxels, made: Places | None = None
) -> tuple[Places, Voxels]:
    """Where labels change, and to what, when a region between two classes is made one of them.

    All that the proposal takes for a structure there becomes that class; its background stays background. What else a
    person drew stays.

    Parameters
    ----------
    value : int
        The class.
    places : flat places
        The voxels of the region.
    made : flat places, optional
        Those that were made the other class in this way before.
    """
    here, proposed = labels.reshape(-1)[places], proposal.reshape(-1)[places]
    wanted = np.where(proposed != 0, np.uint8(value), np.uint8(0))
    free = (here == UNSEEN) | (here == proposed)
    if made is not None:
        free |= np.isin(places, made)
    where = free & (here != wanted)
    return places[where], wanted[where]


def concerns(decision: Decision, region: Region, proposed: Voxels) -> bool:
    """Whether a decision is about a region, whose voxels the proposal gave these values."""
    if decision.scope == "region":
        return decision.what == region.key
    if decision.scope == "slice":
        axis, index = (int(number) for number in decision.what.split("/"))
        first, end = region.box[axis]
        return first <= index < end
    return decision.scope == "case" or bool((proposed == int(decision.what)).any())


def state_of(verbs: Sequence[Verb], here: Voxels, proposed: Voxels) -> RegionState:
    """How far a region has come.

    The labels have the last word, so that an undo is seen: a decision counts only while the labels are as it left them.

    Parameters
    ----------
    verbs : sequence of Verb
        What was decided about it, oldest first.
    here, proposed : uint8 arrays
        The labels and the proposal in the region.
    """
    seen = here != UNSEEN
    for verb in reversed(verbs):
        if verb == "accept" and np.array_equal(here, proposed):
            return "accepted"
        if verb == "reject" and not here.any():
            return "rejected"
        if verb == "correct" and bool((seen & (here != proposed)).any()):
            return "corrected"
        if verb == "redo" and not seen.all():
            return "open"
    if not seen.all():
        return "open"
    return "corrected" if "accept" in verbs or "reject" in verbs else "before"


def was_painted(before: Voxels, here: Voxels, proposed: Voxels) -> bool:
    """Whether somebody drew something of their own since."""
    return bool(((here != before) & (here != UNSEEN) & (here != proposed)).any())
