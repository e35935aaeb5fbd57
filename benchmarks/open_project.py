"""How long does a project of many cases take to open?

Makes a project of tiny cases in a temporary folder (no voxels: images are empty files, labels one byte), then opens it
in fresh interpreters, as napari would, and prints the times: opened, listed, and with the status of every case.

    python benchmarks/open_project.py [--cases 10000] [--repeats 3]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from napari_medssl.imaging import Grid, NiftiCodes
from napari_medssl.project import ClassInfo, Project
from napari_medssl.project.images import ImageRef
from napari_medssl.project.records import new_record
from napari_medssl.project.revisions import Revision, new_revision_id, revision_to_json

MEASURE = """
import json, sys, time
from napari_medssl.project import Project
start, busy = time.perf_counter(), time.process_time()
project = Project.open(sys.argv[1])
cases = project.cases()
listed, listed_cpu = time.perf_counter() - start, time.process_time() - busy
found = {}
for case in cases:
    found[case.status] = found.get(case.status, 0) + 1
status, status_cpu = time.perf_counter() - start, time.process_time() - busy
times = {"listed": listed, "listed_cpu": listed_cpu, "status": status, "status_cpu": status_cpu}
print(json.dumps({**times, "found": found}))
"""


def make_project(folder: Path, count: int) -> Path:
    """A project of `count` cases: a third labelled, a third with a proposal, the rest new."""
    project = Project.create(folder / "project", classes=[ClassInfo(1, "liver")])
    affine = np.array([[0.71, 0.02, 0, -91.3], [-0.02, 0.71, 0, -120.8], [0, 0, 3.1, 55.2], [0, 0, 0, 1]])
    grid = Grid((512, 512, 120), affine, header=NiftiCodes.from_affine(affine))
    (folder / "scans").mkdir()
    for number in range(count):
        name = f"patient_{number:05d}"
        image = folder / "scans" / f"{name}.nii.gz"
        image.touch()
        home = project.root / "cases" / name
        home.mkdir(parents=True)
        ref = ImageRef(str(image), f"../scans/{image.name}", f"{number:064x}", 0, image.stat().st_mtime_ns)
        (home / "case.json").write_text(json.dumps(new_record([ref], grid, name), separators=(",", ":")))
        if number % 3 == 0:
            _label(home / "labels")
        elif number % 3 == 1:
            _propose(home / "proposals" / "bcp-001")
    return project.root


def _label(folder: Path) -> None:
    folder.mkdir()
    id, now = new_revision_id([])
    path = folder / f"{id}.nii.gz"
    path.write_bytes(b"0")
    nothing = {"parent": None, "run": None, "note": "", "dice_to_proposal": None, "changes": {}}
    revision = Revision(
        id, path, "reader", now.isoformat(), "drawn", True, 12.5, **nothing, voxels={0: 9, 1: 1}, sha256="0" * 64
    )
    (folder / f"{id}.json").write_text(json.dumps(revision_to_json(revision)))


def _propose(folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "labels.nii.gz").write_bytes(b"0")
    values = {"labels": "labels.nii.gz", "maps": {}, "score": 0.5, "time": "2024-01-01", "info": {}, "sha256": "0" * 64}
    (folder / "proposal.json").write_text(json.dumps(values))


def main() -> None:
    """Make the project, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="medssl-open-") as folder:
        root = make_project(Path(folder), arguments.cases)
        for _ in range(arguments.repeats):
            command = [sys.executable, "-c", MEASURE, str(root)]
            times = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
            found = ", ".join(f"{number} {status}" for status, number in times["found"].items())
            print(
                f"{arguments.cases} cases ({found}): listed in {times['listed']:.2f} s (processor "
                f"{times['listed_cpu']:.2f} s), with every status in {times['status']:.2f} s "
                f"(processor {times['status_cpu']:.2f} s)",
                flush=True,
            )


if __name__ == "__main__":
    main()
