"""How well a proposal matches the truth: Dice, HD95 and NSD per case and class. numpy and scipy only.

Definitions
-----------
Surface
    Voxels of the mask with a face neighbour outside it (the edge of the image counts as outside); distances between
    voxel centres, in the unit of the spacing (mm; pixels for raster images).
HD95
    95th percentile of the distances of both surfaces to each other, taken together: the definition behind most
    published tables (that of MedPy), so that figures compare.
NSD
    Share of both surfaces, taken together, that lies within a tolerance of the other (Nikolov et al. 2021, counted in
    surface voxels as nnU-Net does). The tolerance is 2 mm unless another is asked for, and is reported.
Empty masks
    Class absent in truth and proposal: Dice 1, HD95 0, NSD 1. Absent in one of them ("missed"): Dice 0, NSD 0, and HD95
    the diagonal of the image, the longest distance there is: leaving such cases out of the mean would reward a model
    for finding nothing. `mean_scores` counts them.
Not looked at
    Voxels that are 255 in the truth count for nothing on either side.

Why no library: of those with these measures, MedPy and seg-metrics bring SimpleITK (and the latter a GUI toolkit),
panoptica pins older numpy, MONAI and torchmetrics need torch, and surface-distance has had one release, in 2022, that
fails on numpy 1.24 to 1.26. What is needed is the nearest neighbours of two sets of points, which scipy finds; a test
compares with brute force.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..imaging import UNSEEN

TOLERANCE_MM = 2.0
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class ClassScore:
    """Measures of one class in one case; `missed` when either the truth or the proposal has none of it."""

    dice: float
    hd95: float
    nsd: float
    missed: bool = False


@dataclass(frozen=True)
class MeanScore:
    """Means over classes and cases; `missed` counts pairs of case and class that are in only one of the two."""

    dice: float
    hd95: float
    nsd: float
    missed: int
    cases: int


def dice(truth: Mask, proposal: Mask) -> float:
    """Overlap 2|A∩B| / (|A| + |B|); 1 when both are empty."""
    total = int(np.count_nonzero(truth)) + int(np.count_nonzero(proposal))
    return 2 * int(np.count_nonzero(truth & proposal)) / total if total else 1.0


def surface_distances(
    truth: Mask, proposal: Mask, spacing: Sequence[float]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Distance of each surface voxel of `truth` to the surface of `proposal`, and the other way round.

    Both masks must hold at least one voxel; `spacing` is the voxel size per axis.
    """
    from scipy.spatial import cKDTree

    # a distance transform takes some 60 bytes per voxel of the box round both; surfaces are a small part of it
    points = [_surface_points(mask) * np.asarray(spacing, np.float64) for mask in (truth, proposal)]
    there, back = (cKDTree(points[1 - one]).query(points[one])[0] for one in (0, 1))
    return np.asarray(there), np.asarray(back)


def score_class(truth: Mask, proposal: Mask, spacing: Sequence[float], tolerance: float = TOLERANCE_MM) -> ClassScore:
    """All measures of one class; the masks have the same shape."""
    has_truth, has_proposal = bool(truth.any()), bool(proposal.any())
    if not has_truth and not has_proposal:
        return ClassScore(1.0, 0.0, 1.0)
    if not has_truth or not has_proposal:
        diagonal = float(np.linalg.norm(np.asarray(spacing) * (np.asarray(truth.shape) - 1)))
        return ClassScore(0.0, diagonal, 0.0, missed=True)
    there, back = surface_distances(truth, proposal, spacing)
    both = np.concatenate([there, back])
    # A tolerance of one voxel must include a distance of one voxel whose spacing was rounded.
    within = float(np.mean(both <= tolerance * (1 + 1e-6)))
    return ClassScore(dice(truth, proposal), float(np.percentile(both, 95)), within)


def score_case(
    truth: NDArray[np.integer],
    proposal: NDArray[np.integer],
    spacing: Sequence[float],
    classes: Iterable[int],
    tolerance: float = TOLERANCE_MM,
) -> dict[int, ClassScore]:
    """Measures of each class value in one case.

    Parameters
    ----------
    truth, proposal : array (i, j, k) or (row, column) of integers
        On the same grid; 255 in `truth` is not looked at.
    spacing : sequence of float
        Voxel size per axis, mm (pixels for raster images).

    Raises
    ------
    ValueError
        When the shapes differ.
    """
    if truth.shape != proposal.shape:
        raise ValueError(f"truth has shape {truth.shape}, the proposal {proposal.shape}")
    known = truth != UNSEEN
    return {
        value: score_class((truth == value) & known, (proposal == value) & known, spacing, tolerance)
        for value in classes
    }


def mean_scores(cases: Iterable[Mapping[int, ClassScore]]) -> MeanScore:
    """Mean over classes in each case, then over cases; all nan when there are none."""
    listed = [list(case.values()) for case in cases]
    listed = [case for case in listed if case]
    if not listed:
        return MeanScore(float("nan"), float("nan"), float("nan"), 0, 0)

    def mean(name: str) -> float:
        return float(np.mean([np.mean([getattr(score, name) for score in case]) for case in listed]))

    missed = sum(score.missed for case in listed for score in case)
    return MeanScore(mean("dice"), mean("hd95"), mean("nsd"), missed, len(listed))


def _surface_points(mask: Mask) -> NDArray[np.intp]:
    """Positions (N, ndim) of the surface of a mask with at least one voxel."""
    from scipy import ndimage

    box = ndimage.find_objects(mask.view(np.uint8))[0]  # beyond its edge there is nothing either
    inside = mask[box]
    surface = inside & ~np.asarray(ndimage.binary_erosion(inside), dtype=bool)
    found: NDArray[np.intp] = np.argwhere(surface) + [side.start for side in box]
    return found
