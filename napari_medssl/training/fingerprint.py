"""What a project's data are like, from headers and a few scans."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import BadFileError, SpecError
from ..imaging import UNSEEN, connected_pieces, value_counts
from ..project import Project
from ..runs.spec import LabelledCase

SCANS_LOOKED_AT = 12
FEWEST_LOOKED_AT = 6  # of large scans; more only up to so many voxels:
VOXELS_LOOKED_AT = 100_000_000
CASES_LOOKED_AT = 500
TOUCHES_AIR = -900.0  # HU
MAPS_LOOKED_AT = 8  # for whether a class is one piece
ONE_PIECE = 0.98  # of a class's voxels in its largest piece
LEVELS = np.linspace(0.05, 0.95, 19)  # quantiles of grey values that are compared between scans
VALUES = 200_000  # of a scan, about, that tell its quantiles


@dataclass(frozen=True)
class Fingerprint:
    """Facts that a plan follows from.

    `shape` and `spacing` are medians on canonical axes; `single_piece` are the class indices that were one connected
    piece in complete label maps. `contrasts` says how far grey values differ between scans after each was z-scored:
    the largest standard deviation of one of their quantiles.
    """

    ndim: int
    channels: int
    classes: int
    shape: tuple[int, ...]
    spacing: tuple[float, ...]
    oriented: bool
    labelled: int
    unlabelled: int
    is_ct: bool = False
    clip: tuple[float, float] | None = None
    mean: float = 0.0
    sd: float = 1.0
    single_piece: tuple[int, ...] = ()
    contrasts: float = 0.0


def take_fingerprint(project: Project, cases: tuple[str, ...], labelled: tuple[LabelledCase, ...]) -> Fingerprint:
    """Look at the cases of a run.

    Raises
    ------
    SpecError
        When there is nothing to look at, or 2-D and 3-D cases are mixed.
    """
    if not cases:
        raise SpecError("There is no scan to learn from. Add images to the project.")
    some = cases[:: max(1, len(cases) // CASES_LOOKED_AT)]
    grids = [project.case(name).grid for name in some]
    dimensions = {g.ndim for g in grids}
    if len(dimensions) > 1:
        raise SpecError("The project mixes 2-D and 3-D scans. Make one project of each.")
    canonical = [g.canonical().grid for g in grids]
    facts = Fingerprint(
        ndim=dimensions.pop(),
        channels=len(project.channels),
        classes=len(project.classes) + 1,
        shape=tuple(int(n) for n in np.median([g.shape for g in canonical], axis=0)),
        spacing=tuple(round(float(s), 4) for s in np.median([g.spacing for g in canonical], axis=0)),
        oriented=all(g.oriented and g.unit == "mm" for g in grids),
        labelled=len(labelled),
        unlabelled=len(cases) - len(labelled),
    )
    return _with_intensities(facts, project, some, labelled)


def _with_intensities(
    facts: Fingerprint, project: Project, cases: tuple[str, ...], labelled: tuple[LabelledCase, ...]
) -> Fingerprint:
    changes: dict[str, object] = {"single_piece": single_pieces(project, labelled, facts.classes)}
    samples = _samples(project, cases, facts.channels)
    changes["contrasts"] = max(_contrasts([sample[channel] for sample in samples]) for channel in range(facts.channels))
    if facts.ndim == 3 and facts.channels == 1 and np.median([float(np.nanmin(s)) for s in samples]) <= TOUCHES_AIR:
        body = np.concatenate([s[s > TOUCHES_AIR] for s in samples]).astype(np.float64)
        low, high = (float(v) for v in np.percentile(body, (0.5, 99.5)))
        body = np.clip(body, low, high)
        changes |= {"is_ct": True, "clip": (low, high), "mean": float(body.mean()), "sd": float(body.std())}
    return Fingerprint(**(facts.__dict__ | changes))


def _contrasts(samples: list[NDArray[Any]]) -> float:
    """How far z-scored grey values differ between scans; see `Fingerprint`."""
    found = []
    for sample in samples:
        some = sample[:: max(1, sample.size // VALUES)]
        values = some[np.isfinite(some)].astype(np.float64)
        if values.size:
            values = np.clip(values, *np.percentile(values, (0.1, 99.9)))
            found.append((np.quantile(values, LEVELS) - values.mean()) / max(float(values.std()), 1e-12))
    return float(np.std(found, axis=0).max()) if found else 0.0


def _samples(project: Project, cases: tuple[str, ...], channels: int) -> list[NDArray[Any]]:
    """Grey values (channels, voxels) of some scans; a bad file is told of when it is its turn to be learnt from.

    Raises
    ------
    SpecError
        When none can be read.
    """
    spread = cases[:: max(1, len(cases) // SCANS_LOOKED_AT)]
    samples: list[NDArray[Any]] = []
    bad: list[BadFileError] = []
    for name in (*spread, *(name for name in cases if name not in spread)):
        try:
            array = project.case(name).read_image().array
        except BadFileError as error:
            bad.append(error)
            continue
        samples.append(array.reshape(channels, -1)[:, ::7].copy())
        enough = len(samples) >= FEWEST_LOOKED_AT and len(samples) * array.size > VOXELS_LOOKED_AT
        if enough or len(samples) == SCANS_LOOKED_AT:
            break
    if not samples:
        raise SpecError(f"None of the {len(cases)} scans can be read: {bad[0]}")
    return samples


def single_pieces(project: Project, labelled: tuple[LabelledCase, ...], classes: int) -> tuple[int, ...]:
    """Class indices that are one piece wherever they occur, in up to `MAPS_LOOKED_AT` label maps spread over all.

    A map in which some voxels are not looked at says nothing: a stroke in one of many lesions is one piece, too. Where
    there is no other, no class is known to be one.
    """
    single: set[int] | None = None
    for entry in labelled[:: math.ceil(len(labelled) / MAPS_LOOKED_AT) or 1]:
        labels = project.case(entry.case).read_labels(entry.revision)
        if labels is None or (labels.array == UNSEEN).any():
            continue
        single = set(range(1, classes)) if single is None else single
        for index, info in enumerate(project.classes, start=1):
            mask = labels.array == info.value
            if mask.any():
                numbers, count = connected_pieces(mask)
                pieces = value_counts(numbers, count + 1)[1:]
                if pieces.max() < ONE_PIECE * pieces.sum():
                    single.discard(index)
    return tuple(sorted(single or ()))


def labelled_voxels(project: Project, labelled: tuple[LabelledCase, ...], spacing: tuple[float, ...]) -> int:
    """Voxels of that spacing in all labelled scans together, told from up to `CASES_LOOKED_AT` of them."""
    some = labelled[:: max(1, len(labelled) // CASES_LOOKED_AT)]
    grids = [project.case(entry.case).grid for entry in some]
    sizes = [math.prod(grid.shape) * math.prod(grid.spacing) for grid in grids]
    return round(float(np.mean(sizes)) / math.prod(spacing) * len(labelled)) if sizes else 0
