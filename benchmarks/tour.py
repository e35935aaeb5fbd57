"""Every method on real scans in 2-D and 3-D: trains, pauses, resumes exactly, and its loss falls.

    python benchmarks/tour.py                       all rows that are not in the results yet, then the table
    python benchmarks/tour.py --method cdma --scans pathology
    python benchmarks/tour.py --table               only the table in docs/benchmarks.md

A row is two runs with the same seed. One goes straight through from the command line (`napari-medssl train`); the
other is started as napari starts it, in a process of its own, paused on the way, resumed and followed to its end. The
two models must then be the same bit for bit. The scans are looked for in `MEDSSL_DATA` (default `../shared/data`).
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import cohorts
import numpy as np
import records
import tables

from napari_medssl.methods.catalog import CATALOG
from napari_medssl.project import Project
from napari_medssl.runs.drivers import ProcessDriver
from napari_medssl.runs.events import Stepped
from napari_medssl.runs.journal import JOURNAL_NAME, replay
from napari_medssl.runs.request import make_spec

RESULTS = "tour"
MODEL = "model.safetensors"
SCANS: dict[str, tuple[str, dict[str, Any]]] = {
    "hippocampus, 3-D": ("hippocampus", {}),
    "hippocampus, slices": ("hippocampus", {"slice_axis": 2}),
    "pathology, RGB": ("pathology", {}),
}
CLI = "import sys; from napari_medssl.cli import main; sys.exit(main())"


def main() -> int:
    """Run what is missing and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--method", nargs="+", choices=list(CATALOG), default=list(CATALOG))
    parser.add_argument("--scans", nargs="+", choices=list(SCANS), default=list(SCANS))
    parser.add_argument("--preset", choices=("auto", "paper"), default="auto")
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--table", action="store_true", help="only write the table")
    asked = parser.parse_args()
    if not asked.table:
        data = cohorts.data_folder()
        if data is None:
            print("No scans: set MEDSSL_DATA to the folder that holds hippocampus/ and pathology/.", file=sys.stderr)
            return 2
        for scans in asked.scans:
            for method in asked.method:
                key = {"scans": scans, "method": method, "preset": asked.preset, "steps": asked.steps}
                if not records.is_there(RESULTS, key):
                    run_row(data, key)
    tables.write_tour(RESULTS)
    return 0


def run_row(data: Path, key: dict[str, Any]) -> None:
    """Both runs; appends a line."""
    cohort, settings = SCANS[key["scans"]]
    with tempfile.TemporaryDirectory(prefix="medssl-tour-") as folder:
        project = cohorts.load(data, cohort, 0, 4).make_project(Path(folder) / "project")
        wish = {**settings, "threads": 1}
        begin = time.monotonic()
        straight, proposals = train_from_command_line(project, key, wish)
        seconds = time.monotonic() - begin
        broken, paused_at = train_with_a_pause(project, key, wish)
        same = same_model(project.run_folder(straight) / MODEL, project.run_folder(broken) / MODEL)
        first, last = losses(project, straight)
    line = {
        **key,
        "loss_first": first,
        "loss_last": last,
        "paused_at": paused_at,
        "same": same,
        "proposals": proposals,
        "seconds": round(seconds, 1),
    }
    records.append(RESULTS, line)


def train_from_command_line(project: Project, key: dict[str, Any], settings: dict[str, Any]) -> tuple[str, int]:
    """A run from the command line, with proposals for two cases; its name and how many proposals it made."""
    segments = CATALOG[key["method"]].segments
    cases = [c.name for c in project.cases() if c.status == "new" and c.role == "pool"][:2] if segments else ["none"]
    wishes = [f"{name}={json.dumps(value)}" for name, value in settings.items()]
    asked = ["train", str(project.root), "--method", key["method"], "--preset", key["preset"], "--json"]
    asked += ["--steps", str(key["steps"]), "--device", "cpu", "--set", *wishes, "--propose", *cases]
    done = subprocess.run([sys.executable, "-c", CLI, *asked], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{key}: {done.stderr.strip().splitlines()[-1]}")
    run = str(json.loads(done.stdout)["run"])
    return run, sum(any(p.run == run for p in project.case(name).proposals()) for name in cases if segments)


def train_with_a_pause(project: Project, key: dict[str, Any], settings: dict[str, Any]) -> tuple[str, int]:
    """The same run in a process as napari starts it, paused once; its name and the step it was paused at."""
    spec = make_spec(
        project,
        key["method"],
        steps=key["steps"],
        preset=key["preset"],
        device="cpu",
        settings=settings,
        propose=(),
    )
    driver = ProcessDriver()
    handle = driver.start(project.root, spec.run)
    while handle.status().step < key["steps"] // 3 and not handle.status().is_over:
        time.sleep(0.05)
    handle.stop("pause")
    paused = handle.wait(timeout=600)
    if paused.state != "paused":
        raise RuntimeError(f"{key}: asked to pause, but {paused.state}: {paused.message}")
    ended = driver.start(project.root, spec.run).wait(timeout=3600)
    if ended.state != "completed":
        raise RuntimeError(f"{key}: resumed, but {ended.state}: {ended.message}")
    return spec.run, paused.step


def same_model(one: Path, other: Path) -> bool:
    """Whether all tensors are equal bit for bit."""
    from napari_medssl.inference.tensor_file import load_tensors

    a, b = load_tensors(one)[0], load_tensors(other)[0]
    return a.keys() == b.keys() and all(bool((a[name] == b[name]).all()) for name in a)


def losses(project: Project, run: str) -> tuple[float, float]:
    """Mean loss of the first and of the last quarter of the steps that the journal tells of."""
    told = [e.losses["total"] for e in replay(project.run_folder(run) / JOURNAL_NAME) if isinstance(e, Stepped)]
    quarter = max(1, len(told) // 4)
    return float(np.mean(told[:quarter])), float(np.mean(told[-quarter:]))


if __name__ == "__main__":
    sys.exit(main())
