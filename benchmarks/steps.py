"""Seconds per training step and peak memory of the paper networks, at fixed sizes, through the whole engine.

    python benchmarks/steps.py                            all methods, on the CPU with one thread
    python benchmarks/steps.py --method bcp-3d --precision float32 bfloat16 --threads 1 2
    python benchmarks/steps.py --device cuda --repeats 30

Each row is a run of its own, in a process of its own, on generated scans: batches come from the cache through the
usual augmentation, so that waiting for data shows. Seconds are the median over the steps after the first few. "times
the official code" compares with what the authors' code took on a machine of this kind with one thread in float32.
Rows are appended to `benchmarks/results/steps.jsonl`.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import records
import tables

WARM = 3  # steps that are not timed
RESULTS = "steps"


@dataclass(frozen=True)
class Task:
    """A method at a size; `official` is the authors' seconds per step."""

    method: str
    shape: tuple[int, ...]
    settings: dict[str, Any] = field(default_factory=dict)
    channels: int = 1
    official: float = float("nan")
    spacing: tuple[float, ...] = (1.0, 1.0, 1.0)


LA = {"patch": [64, 64, 48], "batch": 4}
TASKS = {
    "bcp-3d": Task("bcp", (72, 72, 56), {**LA, "warmup_share": 0.0}, official=1.84),
    "bcp-3d-labels-first": Task("bcp", (72, 72, 56), {**LA, "warmup_share": 0.9}, official=0.65),
    "bcp-2d": Task("bcp", (256, 256), {"patch": [256, 256], "batch": 12, "warmup_share": 0.0}, official=3.04),
    "cdma-2d": Task("cdma", (160, 160), {"patch": [128, 128], "batch": 4}, channels=3, official=2.31),
    "desd-3d": Task("desd", (160, 160, 24), {"patch": [96, 96, 16], "batch": 2}, official=2.3),
    "pcrlv2-3d": Task("pcrlv2", (96, 96, 96), {"patch": [48, 48, 48], "batch": 2, "scales": 3}, official=12.6),
}


def main() -> int:
    """Run the rows that were asked for and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--method", nargs="+", choices=sorted(TASKS), default=list(TASKS))
    parser.add_argument("--precision", nargs="+", choices=("float32", "bfloat16"), default=["float32", "bfloat16"])
    parser.add_argument("--threads", nargs="+", type=int, default=[1])
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--repeats", type=int, default=12, help="steps that are timed")
    parser.add_argument("--row", help=argparse.SUPPRESS)
    parser.add_argument("--table", action="store_true", help="only write the table")
    asked = parser.parse_args()
    if asked.row:
        print(json.dumps(measure(**json.loads(asked.row))))
        return 0
    if not asked.table:
        for name in asked.method:
            for precision in asked.precision:
                for threads in asked.threads:
                    run_row(name, precision, threads, asked.device, asked.repeats)
    tables.write_steps(RESULTS, {name: task.official for name, task in TASKS.items()})
    return 0


def run_row(name: str, precision: str, threads: int, device: str, repeats: int) -> None:
    """One row, in a process of its own so that its memory is its own."""
    row = {"name": name, "precision": precision, "threads": threads, "device": device, "repeats": repeats}
    command = [sys.executable, __file__, "--row", json.dumps(row)]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": str(threads)})
    if done.returncode:
        print(f"{name} {precision}: {done.stderr.strip().splitlines()[-1]}", file=sys.stderr)
        return
    records.append(RESULTS, {**row, **json.loads(done.stdout.splitlines()[-1])})


def measure(name: str, precision: str, threads: int, device: str, repeats: int) -> dict[str, Any]:
    """Median seconds per step, share of it spent waiting for data, and peak memory in GB."""
    from napari_medssl.runs.drivers import InlineDriver
    from napari_medssl.runs.request import make_spec
    from napari_medssl.training import engine

    task = TASKS[name]
    taken: list[float] = []
    waits: list[float] = []
    step_of, get = engine.Engine._step, engine.Prefetcher.get

    def timed(self: engine.Engine, *arguments: Any) -> Any:
        assert list(self._plan.patch) == task.settings["patch"], f"{self._plan.patch} is another size"
        begin = time.perf_counter()
        out = step_of(self, *arguments)
        if device != "cpu":
            import torch

            torch.cuda.synchronize()
        taken.append(time.perf_counter() - begin)
        return out

    def waited(self: engine.Prefetcher, *arguments: Any) -> Any:
        begin = time.perf_counter()
        out = get(self, *arguments)
        waits.append(time.perf_counter() - begin)
        return out

    # a clock around both, which the type checker takes for an assignment to a method
    engine.Engine._step, engine.Prefetcher.get = timed, waited  # type: ignore[method-assign]
    with tempfile.TemporaryDirectory(prefix="medssl-steps-") as folder:
        project = make_project(Path(folder), task)
        settings = {**task.settings, "precision": precision, "threads": threads}
        spec = make_spec(
            project, task.method, steps=repeats + WARM, preset="paper", device=device, settings=settings, propose=()
        )
        last = list(InlineDriver().run(project.root, spec.run))[-1]
    if last.reason != "completed":  # type: ignore[union-attr]
        raise SystemExit(last.message)  # type: ignore[union-attr]
    step, wait = statistics.median(taken[WARM:]), statistics.median(waits[WARM:])
    return {"seconds": step + wait, "wait": wait / (step + wait), "gigabytes": peak_memory(device) / 1e9}


def make_project(root: Path, task: Task) -> Any:
    """Generated scans, some labelled, in the shape of the task."""
    import nibabel as nib
    from PIL import Image

    from napari_medssl.project import Project
    from napari_medssl.project.classes import ClassInfo

    rng = np.random.default_rng(0)
    channels = ("red", "green", "blue") if task.channels == 3 else ("image",)
    project = Project.create(root / "project", classes=(ClassInfo(1, "structure", "#E69F00"),), channels=channels)
    for number in range(6):
        shape = (*task.shape, 3) if task.channels == 3 else task.shape
        array = rng.normal(100, 20, shape).astype(np.float32)
        if len(task.shape) == 3:
            path = root / f"case-{number}.nii"
            nib.save(nib.Nifti1Image(array, np.diag([*task.spacing, 1.0])), path)
        else:
            path = root / f"case-{number}.png"
            Image.fromarray(array.clip(0, 255).astype(np.uint8)).save(path)
        case = project.add_case(path)
        if number < 3:
            labels = np.zeros(task.shape, np.uint8)
            labels[tuple(slice(n // 3, 2 * n // 3) for n in task.shape)] = 1
            case.save_labels(labels, author="benchmark", origin="drawn")
    return project


def peak_memory(device: str) -> float:
    """Bytes, of this process or of the GPU."""
    if device != "cpu":
        import torch

        return float(torch.cuda.max_memory_allocated())
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024.0


if __name__ == "__main__":
    sys.exit(main())
