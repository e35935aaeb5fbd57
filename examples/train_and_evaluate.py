"""Make a project of scans and a few masks, train, and measure on the other scans that have a mask.

python examples/train_and_evaluate.py PROJECT IMAGES LABELS [--labeled 4] [--minutes 10]
"""

from __future__ import annotations

import argparse
from pathlib import Path

import napari_medssl as medssl


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("project", type=Path)
    parser.add_argument("images", type=Path)
    parser.add_argument("labels", type=Path)
    parser.add_argument("--labeled", type=int, default=4, help="how many masks to train with")
    parser.add_argument("--method", default="bcp")
    parser.add_argument("--minutes", type=float)
    parser.add_argument("--steps", type=int)
    wanted = parser.parse_args()

    masks = sorted(wanted.labels.iterdir())
    project = medssl.create_project(wanted.project, wanted.images, masks[: wanted.labeled])
    print(f"{len(project.cases())} cases, {wanted.labeled} labeled, classes: {[one.name for one in project.classes]}")

    run = medssl.train(project, wanted.method, minutes=wanted.minutes, steps=wanted.steps)
    print(f"{run.name}: {run.status.step} steps, {len(run.proposals)} proposals")

    measured = medssl.evaluate(project, wanted.labels, run.name)
    mean = measured.table()["mean"]
    print(f"On {len(measured.scores)} cases that it did not learn from: Dice {mean['dice']:.3f}")
    print(f"HD95 {mean['hd95']:.1f} mm, NSD {mean['nsd']:.3f} within {measured.tolerance:g} mm")


if __name__ == "__main__":
    main()
