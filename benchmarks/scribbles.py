"""Scribbles instead of whole labels: how much Dice do a hundredth of the voxels cost?

    python benchmarks/scribbles.py                        what is not in the results yet, then the table
    python benchmarks/scribbles.py --seeds 0 --then supervised
    python benchmarks/scribbles.py --table                only the table in docs/benchmarks.md

Hippocampus, the same four cases twice: with all their voxels labelled, and with strokes as a person draws them, one
voxel wide: along the middle of a structure, around the structures, and anywhere in the background, each in one slice,
until the asked share of the scan is labelled. What lies under no stroke is "not looked at". Everything else is as in
`methods.py --paced`: as many steps as those minutes give on a quiet core.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import cohorts
import numpy as np
import records
import tables
from methods import budget, train
from numpy.typing import NDArray
from real_scans import measure
from scipy.ndimage import distance_transform_edt
from skimage.morphology import skeletonize

from napari_medssl.imaging import UNSEEN

RESULTS = "scribbles"
COHORT = "hippocampus"
AROUND = (2.5, 3.5)  # voxels between a structure and the stroke around it
REACH = 6.0  # voxels: how far a stroke goes from where it began


def main() -> int:
    """Run what is missing and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--labelled", type=int, default=4)
    parser.add_argument("--minutes", type=float, default=4.0)
    parser.add_argument("--share", type=float, default=0.01, help="of the voxels that strokes cover")
    parser.add_argument("--then", nargs="+", choices=("supervised", "bcp"), default=["supervised", "bcp"])
    parser.add_argument("--table", action="store_true", help="only write the table")
    asked = parser.parse_args()
    if not asked.table:
        data = cohorts.data_folder()
        if data is None:
            print("No scans: set MEDSSL_DATA to the folder that holds hippocampus/.", file=sys.stderr)
            return 2
        for seed in asked.seeds:
            whole = cohorts.load(data, COHORT, seed, asked.labelled)
            for share in (1.0, asked.share):
                for method in asked.then:
                    run(with_scribbles(whole, share, seed) if share < 1 else whole, seed, asked.minutes, method, share)
    tables.write_scribbles(RESULTS)
    return 0


def run(cohort: cohorts.Cohort, seed: int, minutes: float, method: str, share: float) -> None:
    """One training; appends its line unless it is there."""
    key = {"cohort": cohort.name, "labelled": len(cohort.labelled), "minutes": minutes, "seed": seed}
    key |= {"method": method, "share": share}
    if records.is_there(RESULTS, key):
        return
    with tempfile.TemporaryDirectory(prefix="medssl-bench-") as folder:
        project = cohort.make_project(Path(folder) / "project")
        length = budget(cohort, method, minutes, paced=True)
        name, status = train(project, method, length, seed, propose=cohort.test)
        records.append(RESULTS, {**key, "steps": status.step, **measure(cohort, project, name)})


def with_scribbles(cohort: cohorts.Cohort, share: float, seed: int) -> cohorts.Cohort:
    """The cohort with strokes for labels; the test cases keep the whole truth."""

    def truth(case: str) -> cohorts.Labels:
        labels = cohort.truth(case)
        if case not in cohort.labelled:
            return labels
        rng = np.random.default_rng([seed, cohort.labelled.index(case)])
        return replace(labels, array=scribble(labels.array, share, rng))

    return replace(cohort, truth=truth)


def scribble(truth: NDArray[np.uint8], share: float, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Strokes on a scan.

    Parameters
    ----------
    truth : (I, J, K)
    share : float
        Of the voxels, to be covered; the last stroke may go beyond.

    Returns
    -------
    ndarray of uint8, (I, J, K)
        The truth under the strokes, 255 elsewhere.
    """
    drawn = np.full(truth.shape, UNSEEN, np.uint8)
    structures = np.unique(truth[truth > 0])
    kinds = ("around", "anywhere", *structures.tolist())
    strokes = 0
    while (drawn != UNSEEN).sum() < share * truth.size:
        kind = kinds[strokes % len(kinds)]
        with_it = np.flatnonzero((truth > 0 if isinstance(kind, str) else truth == kind).any(axis=(0, 1)))
        at = int(rng.choice(with_it))
        line = _line(truth[:, :, at], kind, rng)
        drawn[:, :, at][line] = truth[:, :, at][line]
        strokes += 1
    return drawn


def _line(plane: NDArray[np.uint8], kind: int | str, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Where one stroke goes in a slice."""
    if kind == "around":
        away = distance_transform_edt(plane == 0)
        path = (away > AROUND[0]) & (away <= AROUND[1])
    elif kind == "anywhere":
        path = np.zeros(plane.shape, bool)
        path[int(rng.integers(plane.shape[0]))] = True
        path &= plane == 0
    else:
        path = skeletonize(plane == kind)
    places = np.argwhere(path)
    if not len(places):
        return path
    begin = places[rng.integers(len(places))]
    near = np.hypot(*(np.indices(plane.shape) - begin[:, None, None])) <= REACH
    return path & near


if __name__ == "__main__":
    sys.exit(main())
