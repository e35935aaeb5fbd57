"""Which methods help each other: {scratch, desd, pcrlv2} x {supervised, bcp, cdma}, equal wall-clock for each.

    python benchmarks/methods.py                          the grid that is not in the results yet, then the table
    python benchmarks/methods.py --cohort pathology --seeds 0 --first scratch --then supervised bcp
    python benchmarks/methods.py --pace                   how many steps a minute gives (a quarter of them undisturbed)
    python benchmarks/methods.py --paced                  as many steps as those minutes give, however busy the machine
    python benchmarks/methods.py --table                  only the table in docs/benchmarks.md

A cell is a chain of runs: pre-training (`--first`, half of the minutes; "scratch" is none), then training with the rest
of them. Pre-training sees the unlabelled training scans and nothing else; its run is shared by the trainings that begin
with it. Runs come one after the other, each in one compute thread. Labels of test cases are read only after a chain has
ended. Every cell is one line in `benchmarks/results/methods.jsonl`; a cell that has its line is not repeated, so that
the grid can be made in pieces. With `--paced` the minutes are those of a quiet core: each run has as many steps as were
measured to fit there (`benchmarks/results/pace.jsonl`), so that other work on the machine makes the grid slower, and no
worse. The scans are looked for in `MEDSSL_DATA` (default `../shared/data`).
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any

import cohorts
import records
import tables
from pace import quiet_step
from real_scans import measure

from napari_medssl.project import Project
from napari_medssl.runs.drivers import ProcessDriver
from napari_medssl.runs.journal import JOURNAL_NAME, replay
from napari_medssl.runs.request import make_spec
from napari_medssl.runs.status import RunStatus

RESULTS = "methods"
PACE = "pace"
PACE_STEPS = 60
FIRST = ("scratch", "desd", "pcrlv2")
THEN = ("supervised", "bcp", "cdma")
COHORTS = ("hippocampus", "la-half", "pathology")
PRETRAINING = 0.5  # of the minutes


def main() -> int:
    """Run what is missing and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cohort", nargs="+", choices=COHORTS, default=["hippocampus"])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--labelled", nargs="+", type=int, default=[4])
    parser.add_argument("--minutes", type=float, default=8.0, help="training time of each chain (default: 8)")
    parser.add_argument("--first", nargs="+", choices=FIRST, default=list(FIRST))
    parser.add_argument("--then", nargs="+", choices=THEN, default=list(THEN))
    parser.add_argument("--pace", action="store_true", help="measure how long steps take")
    parser.add_argument("--paced", action="store_true", help="count minutes in steps of that length")
    parser.add_argument("--table", action="store_true", help="only write the table")
    asked = parser.parse_args()
    if not asked.table:
        data = cohorts.data_folder()
        if data is None:
            print(
                "No scans: set MEDSSL_DATA to the folder that holds hippocampus/, la/ and pathology/.", file=sys.stderr
            )
            return 2
        if asked.pace:
            for name in asked.cohort:
                measure_pace(
                    cohorts.load(data, name, 0, 4), [first for first in asked.first if first != "scratch"] + asked.then
                )
            return 0
        for seed in asked.seeds:
            for name in asked.cohort:
                for labelled in asked.labelled:
                    cohort = cohorts.load(data, name, seed, labelled)
                    for first in asked.first:
                        run_chains(cohort, seed, asked.minutes, first, asked.then, asked.paced)
    tables.write_methods(RESULTS)
    return 0


def measure_pace(cohort: cohorts.Cohort, methods: list[str]) -> None:
    """Seconds per step of methods on a cohort, over both phases of those that have two; appends a line for each."""
    with tempfile.TemporaryDirectory(prefix="medssl-bench-") as folder:
        project = cohort.make_project(Path(folder) / "project")
        for method in methods:
            run, _ = train(project, method, {"steps": PACE_STEPS}, 0)
            seconds = quiet_step(list(replay(project.run_folder(run) / JOURNAL_NAME)))
            records.append(PACE, {"cohort": cohort.name, "method": method, "seconds": seconds})


def budget(cohort: cohorts.Cohort, method: str, minutes: float, paced: bool) -> dict[str, Any]:
    """How long to train: minutes, or the steps that they give on a quiet core."""
    if not paced:
        return {"minutes": minutes}
    known = [r for r in records.read(PACE) if (r["cohort"], r["method"]) == (cohort.name, method)]
    if not known:
        raise SystemExit(f"{cohort.name}, {method}: not measured yet; run with --pace --cohort {cohort.name} first")
    return {"steps": max(1, round(60 * minutes / known[-1]["seconds"]))}


def run_chains(
    cohort: cohorts.Cohort, seed: int, minutes: float, first: str, then: list[str], paced: bool = False
) -> None:
    """The chains that begin with `first`; appends a line for each that is missing."""
    key = {"cohort": cohort.name, "labelled": len(cohort.labelled), "minutes": minutes, "seed": seed, "first": first}
    key["paced"] = paced
    missing = [method for method in then if not records.is_there(RESULTS, {**key, "then": method})]
    if not missing:
        return
    with tempfile.TemporaryDirectory(prefix="medssl-bench-") as folder:
        start, before, left = None, 0, minutes
        if first != "scratch":
            blind = cohort.make_unlabelled_project(Path(folder) / "unlabelled")
            left = minutes * (1 - PRETRAINING)
            run, status = train(blind, first, budget(cohort, first, minutes - left, paced), seed)
            start, before = str(blind.run_folder(run)), status.step
        project = cohort.make_project(Path(folder) / "project")
        for method in missing:
            run, status = train(project, method, budget(cohort, method, left, paced), seed, start, cohort.test)
            line = {**key, "then": method, "steps": status.step, "steps_before": before}
            records.append(RESULTS, {**line, **measure(cohort, project, run)})


def train(
    project: Project,
    method: str,
    length: dict[str, Any],
    seed: int,
    start: str | None = None,
    propose: tuple[str, ...] = (),
) -> tuple[str, RunStatus]:
    """Train in a process of its own with one thread; the run's name and its end."""
    spec = make_spec(
        project,
        method,
        **length,
        seed=seed,
        device="cpu",
        settings={"threads": 1},
        start_from=start,
        propose=propose,
    )
    status = ProcessDriver().start(project.root, spec.run).wait(timeout=4 * 3600)
    if status.state != "completed":
        raise SystemExit(f"{project.root}: {spec.run}: {status.state}: {status.message}")
    return spec.run, status


if __name__ == "__main__":
    sys.exit(main())
