"""Snap the border of a structure to the edges of the scan, in a box.

A random walker (Grady 2006, "Random walks for image segmentation") decides near the border only: what lies deep inside
or far outside is sure. That leaves few enough voxels for an answer in well under a second. Where there is a model, its
probability counts too (Grady 2005, "Multilabel random walker image segmentation using prior models").
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt, maximum
from scipy.sparse import coo_array, diags_array
from scipy.sparse.linalg import cg
from scipy.special import expit

from ..imaging import UNSEEN, connected_pieces
from ..methods.options import option
from .ball import dilate, erode
from .boxes import box_around, region_of, too_near, wider
from .options import TakingOptions
from .scene import Box, Mask, Scene, ToolError, Voxels, Wanted

BETA = 20.0  # how little a walker likes steps in value, measured in the spread of values (`spread`)
LEAST = 1e-4  # of the ease of a step on level ground: nobody is walled in
OPINION = 0.1  # how much a voxel's value and the drawing count beside edges
SURE = 0.45  # of the drawing, at most; 0.5 would be certain
MOST_ODDS = 1.5  # logarithm; what a value alone can say for or against the structure
LEAST_SPREAD = 0.1  # of that of all values: few voxels are more alike than the structure is
SHELL = 4  # voxels that are sure to be outside, from which values outside are known
CORE = 0.6  # of the depth of a thin piece: what is deeper is sure to be inside
TOLERANCE = 1e-4
MOST_STEPS = 500


@dataclass(frozen=True)
class SnapOptions(TakingOptions):
    """Of *snap to edges*."""

    reach: float = option(
        2.0, "Look within", "How far the border may move.", low=0.3, high=30.0, unit="mm", advanced=False
    )
    trust: float = option(
        0.2, "Trust in the model", "How much its probability counts beside the edges of the scan; 0: not at all.",
        low=0.0, high=1.0,
    )  # fmt: skip


def snap(scene: Scene, options: SnapOptions) -> Wanted:
    """Move the border of what is drawn, or of what the model proposes where nothing is, to edges nearby."""
    assert scene.image is not None
    region = region_of(scene, options.only_slice)
    box = wider(_drawn(scene, region), [math.ceil(options.reach / mm) + SHELL for mm in scene.spacing], region)
    now = scene.labels[box]
    chance = None if scene.probability is None else np.nan_to_num(scene.probability[box].astype(np.float64), nan=0.5)
    mask = now == scene.value
    if not mask.any() and chance is not None:
        mask = _proposed(now, chance)
    inside = _core(mask, options.reach, scene)
    outside = ~dilate(mask, options.reach, scene.spacing, scene.at)
    outside |= (now != 0) & (now != UNSEEN) & (now != scene.value)
    if not outside.any():
        raise ToolError(
            "Nothing in the box is sure to be outside: draw the box wider, or look within fewer millimetres."
        )
    image = np.nan_to_num(scene.image[box].astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    trust = 0.0 if chance is None else options.trust
    prior = OPINION * _opinion(image, mask, inside, outside, options.reach, scene)
    if chance is not None:
        prior += trust * chance
    after = walk(image, inside, outside, scene, prior, OPINION + trust) > 0.5
    values = np.where((now == scene.value) & ~after, options.left, now)
    values[after] = scene.value
    return Wanted(
        box, values.astype(np.uint8), "Snapped to the edges of the scan", too_near(scene, region, options.reach)
    )


def _drawn(scene: Scene, region: Box) -> Box:
    """Where something is drawn; else where the model proposes something."""
    now = scene.labels[region]
    found = box_around(now == scene.value)
    if found is None and scene.probability is not None:
        found = box_around(_proposed(now, scene.probability[region]))
    if found is None:
        raise ToolError("There is nothing to snap in the box: draw the structure roughly first.")
    return tuple(
        slice(side.start + limit.start, side.stop + limit.start) for side, limit in zip(found, region, strict=True)
    )


def _proposed(now: Voxels, chance: NDArray[np.floating]) -> Mask:
    return np.asarray((chance > 0.5) & ((now == 0) | (now == UNSEEN)))


def _opinion(
    image: NDArray[np.float64], mask: Mask, inside: Mask, outside: Mask, reach: float, scene: Scene
) -> NDArray[np.float64]:  # fmt: skip
    """How likely each voxel is of the structure by its value and by where it was drawn.

    Values speak where those inside and outside differ; else the drawing does, the more the farther from its border.
    Without it thin structures would be lost where a scan has no edges.
    """
    deep, far = (distance_transform_edt(part, sampling=scene.spacing) for part in (mask, ~mask))
    where = 0.5 + SURE * np.clip((deep - far) / reach, -1, 1)
    least = LEAST_SPREAD * spread(image[inside], image[outside])
    odds = np.zeros(image.shape)
    for values, sign in ((image[inside], 1), (image[outside], -1)):
        width = max(float(values.std()), least)
        odds += sign * (-(((image - values.mean()) / width) ** 2) / 2 - math.log(width))
    odds = np.clip(odds, -MOST_ODDS, MOST_ODDS) + np.log(where / (1 - where))
    return np.asarray(expit(odds))


def walk(
    image: NDArray[np.float64],
    inside: Mask,
    outside: Mask,
    scene: Scene,
    prior: NDArray[np.float64] | None = None,
    trust: float = 0.0,
) -> NDArray[np.float64]:
    """How likely a walker from each voxel comes to what is inside before it comes to what is outside.

    Parameters
    ----------
    image : array of float
    inside, outside : array of bool
        What is sure.
    scene : Scene
        For the spacing, and to be stopped.
    prior : array of float, optional
        What is thought of each voxel beforehand: a probability times `trust`.
    trust : float
        How much that counts.
    """
    known = inside | outside
    open_ = np.flatnonzero(~known)
    walked = inside.astype(np.float64).reshape(-1)
    if not open_.size:
        return walked.reshape(image.shape)
    number = np.full(image.size, -1, np.int32)
    number[open_] = np.arange(open_.size, dtype=np.int32)
    first, second, ease = _steps(image, known, scene.spacing, spread(image[inside], image[~known]))
    a, b = number[first], number[second]
    degree, sure = np.zeros(open_.size), np.zeros(open_.size)
    for here, there, far in ((a, b, second), (b, a, first)):
        degree += np.bincount(here[here >= 0], ease[here >= 0], open_.size)
        ends = (here >= 0) & (there < 0)
        sure += np.bincount(here[ends], ease[ends] * walked[far[ends]], open_.size)
    if prior is not None:
        degree += trust
        sure += prior.reshape(-1)[open_]
    both = (a >= 0) & (b >= 0)
    size = (open_.size, open_.size)
    half = coo_array((-ease[both], (a[both], b[both])), shape=size).tocsr()
    even = 1 / np.sqrt(np.maximum(degree, LEAST))  # so that voxels that are hard to reach count in the tolerance too
    scaled = diags_array(even) @ (half + half.T + diags_array(degree)) @ diags_array(even)
    steps = 0

    def count(_: object) -> None:
        nonlocal steps
        steps += 1
        scene.at(min(steps / 100, 0.99))

    found, _ = cg(scaled.tocsr(), even * sure, rtol=TOLERANCE, maxiter=MOST_STEPS, callback=count)
    walked[open_] = even * found
    return walked.reshape(image.shape)


def _steps(
    image: NDArray[np.float64], known: Mask, spacing: tuple[float, ...], scale: float
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:  # fmt: skip
    """Neighbours of which at least one is open, as flat places, and how easy the step between them is."""
    places = np.arange(image.size).reshape(image.shape)
    nearest = min(spacing)
    steps = []
    for axis, mm in enumerate(spacing):
        low = (slice(None),) * axis + (slice(None, -1),)
        high = (slice(None),) * axis + (slice(1, None),)
        some = ~(known[low] & known[high])
        rise = (image[low][some] - image[high][some]) / scale
        ease = np.maximum(np.exp(-BETA * rise**2), LEAST) * (nearest / mm) ** 2
        steps.append((places[low][some], places[high][some], ease))
    first, second, ease = (np.concatenate(parts) for parts in zip(*steps, strict=True))
    return first, second, ease


def spread(inside: NDArray[np.float64], near: NDArray[np.float64]) -> float:
    """Standard deviation of two sets of values, both counting alike however many they are; 1 where all are the same."""
    if not inside.size or not near.size:
        return 1.0
    return float(np.sqrt((inside.var() + near.var()) / 2 + ((inside.mean() - near.mean()) / 2) ** 2)) or 1.0


def _core(mask: Mask, reach: float, scene: Scene) -> Mask:
    """What lies deeper than that; of pieces that are thinner, what is deepest."""
    core = erode(mask, reach, scene.spacing, scene.at)
    pieces, count = connected_pieces(mask)
    thin = np.ones(count + 1, bool)
    thin[np.unique(pieces[core])] = False
    thin[0] = False
    if thin.any():
        depth = distance_transform_edt(mask, sampling=scene.spacing)
        deepest = np.concatenate([[np.inf], np.atleast_1d(maximum(depth, pieces, np.arange(1, count + 1)))])
        core |= thin[pieces] & (depth >= CORE * deepest[pieces])
    return core
