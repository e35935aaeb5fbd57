"""What each network of a model, and each branch of it, says by itself: class labels on the case's grid."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from ..imaging import Grid, value_counts
from ..inference.case_space import slabs, to_case_space
from ..inference.metrics import dice
from ..inference.predictor import Predictor, View, finished, with_less
from ..inference.preprocess import network_shape
from ..runs.spec import Plan, RunSpec

NETWORKS = ("average", "student")
TITLES = {
    "csa": "CSA branch (channels, then places)",
    "sa": "SA branch (places)",
    "ca": "CA branch (channels)",
    "average": "running average",
    "student": "student",
}


def opinion_names(spec: RunSpec, members: int) -> list[str]:
    """Names of all opinions, the one that makes the proposals first: branches, or student and running average."""
    assert spec.plan is not None
    if spec.plan.net.branches:
        return list(spec.plan.net.branches)
    deployed = str((spec.options or {}).get("deploy", "average"))
    return [deployed, *(name for name in NETWORKS if name != deployed)][:members]


def opinions(
    members: Sequence[nn.Module], values: Sequence[int], image: NDArray[np.floating], grid: Grid, plan: Plan
) -> list[NDArray[np.uint8]]:
    """The most probable class at each voxel, according to each.

    Nothing is mended: a proposal also leaves out smaller pieces of structures that are one piece.

    Parameters
    ----------
    values : sequence of int
        Label value of each class, 0 first.
    image : ndarray, (C, D, H, W)
        In network space.

    Returns
    -------
    list of ndarray of uint8, (*grid.shape)
    """
    predictor = Predictor(members, plan)
    return finished(with_less(predictor, partial(_opinions, predictor, values, image, grid, plan)))


def _opinions(
    predictor: Predictor, values: Sequence[int], image: NDArray[np.floating], grid: Grid, plan: Plan
) -> list[NDArray[np.uint8]]:
    views = [View(member, every=True) for member in range(predictor.count)]
    classes = plan.net.classes
    parts = ((where, torch.cat(found)) for where, found in predictor.parts(image.astype(np.float16), views))
    lookup = np.array(values, np.uint8)
    out: list[NDArray[np.uint8]] = []
    turn = grid.canonical().apply
    for window, found in to_case_space(slabs(parts, network_shape(grid, plan)), grid, plan):
        for index, probabilities in enumerate(found.split(classes)):
            if len(out) == index:
                out.append(np.empty(grid.shape, np.uint8))
            turn(out[index])[window] = lookup[probabilities.argmax(dim=0).numpy()]
    return out


def agreement(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    """Mean Dice of two opinions over the structures that either of them found; 1 when neither found any."""
    found = sorted({*np.flatnonzero(value_counts(one)).tolist(), *np.flatnonzero(value_counts(other)).tolist()} - {0})
    return float(np.mean([dice(one == value, other == value) for value in found])) if found else 1.0
