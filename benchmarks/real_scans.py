"""Supervised against BCP on real scans, with few labels and equal wall-clock.

    python benchmarks/real_scans.py                       all runs that are not in the results yet, then the table
    python benchmarks/real_scans.py --cohort la-half --seeds 0 --minutes 10
    python benchmarks/real_scans.py --table               only the table in docs/benchmarks.md

The scans are looked for in `MEDSSL_DATA` (default `../shared/data`). Both methods of a seed run at the same time, one
process and one compute thread each, so that a busy machine is equally busy for both; with `--in-turn`, one after the
other, for a machine with one free core. Labels of test cases are read
only after both runs have ended. Every run is one line in `benchmarks/results/real_scans.jsonl`; a run that has its
line is not repeated.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import cohorts
import numpy as np
import records
import tables

from napari_medssl.inference.metrics import mean_scores, score_case
from napari_medssl.project import Project
from napari_medssl.runs.drivers import ProcessDriver
from napari_medssl.runs.request import make_spec

RESULTS = "real_scans"
MINUTES = {"hippocampus": 4.0, "la-half": 4.0}
METHODS = ("supervised", "bcp")


def main() -> int:
    """Run what is missing and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cohort", nargs="+", choices=sorted(MINUTES), default=sorted(MINUTES))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--minutes", type=float, help="training time of each run (default: 4)")
    parser.add_argument("--labelled", type=int, default=4)
    parser.add_argument("--in-turn", action="store_true", help="one run after the other")
    parser.add_argument("--table", action="store_true", help="only write the table")
    asked = parser.parse_args()
    if not asked.table:
        data = cohorts.data_folder()
        if data is None:
            print("No scans: set MEDSSL_DATA to the folder that holds hippocampus/ and la/.", file=sys.stderr)
            return 2
        for cohort in asked.cohort:
            for seed in asked.seeds:
                loaded = cohorts.load(data, cohort, seed, asked.labelled)
                run_pair(loaded, seed, asked.minutes or MINUTES[cohort], asked.in_turn)
    tables.write_real_scans(RESULTS)
    return 0


def run_pair(cohort: cohorts.Cohort, seed: int, minutes: float, in_turn: bool) -> None:
    """Both methods on one seed's cases; appends a line for each."""
    key = {"cohort": cohort.name, "labelled": len(cohort.labelled), "minutes": minutes, "seed": seed}
    methods = [m for m in METHODS if not records.is_there(RESULTS, {**key, "method": m})]
    if not methods:
        return
    with tempfile.TemporaryDirectory(prefix="medssl-bench-") as folder:
        started = []
        for method in methods:
            project = cohort.make_project(Path(folder) / method)
            spec = make_spec(
                project, method, minutes=minutes, seed=seed, device="cpu", settings={"threads": 1}, propose=cohort.test
            )
            started.append((method, project, spec.run, ProcessDriver().start(project.root, spec.run)))
            if in_turn:
                started[-1][-1].wait(timeout=60 * minutes * 3 + 3600)
        for method, project, run, handle in started:
            status = handle.wait(timeout=60 * minutes * 3 + 3600)
            if status.state != "completed":
                print(f"{key} {method}: {status.state}: {status.message}", file=sys.stderr)
                continue
            line = {**key, "method": method, "steps": status.step, **measure(cohort, project, run)}
            records.append(RESULTS, line)


def measure(cohort: cohorts.Cohort, project: Project, run: str) -> dict[str, Any]:
    """Mean Dice, HD95 and NSD (2 mm) of the test cases, over classes and cases."""
    scores = []
    for name in cohort.test:
        case = project.case(name)
        proposal = next(p for p in case.proposals() if p.run == run).read_labels()
        truth = cohort.truth(name)
        if problem := truth.grid.mismatch(proposal.grid):
            raise RuntimeError(f"{name}: {problem}")
        scores.append(score_case(truth.array, proposal.array, truth.grid.spacing, [c.value for c in project.classes]))
    per_class = {c.name: float(np.mean([s[c.value].dice for s in scores])) for c in project.classes}
    mean = asdict(mean_scores(scores))
    return {"dice": mean["dice"], "hd95": mean["hd95"], "nsd": mean["nsd"], "classes": per_class, "cases": len(scores)}


if __name__ == "__main__":
    sys.exit(main())
