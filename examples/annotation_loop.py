"""One round of active learning without a screen: take what is suggested, label it, train again.

Here the labels come from masks that are at hand; in napari a person corrects the proposal instead.

    python examples/annotation_loop.py PROJECT MASKS [--rounds 2] [--per-round 2] [--minutes 10]
"""

from __future__ import annotations

import argparse
from pathlib import Path

import napari_medssl as medssl
from napari_medssl.project import import_labels


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("project", type=Path)
    parser.add_argument("masks", type=Path)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--per-round", type=int, default=2)
    parser.add_argument("--minutes", type=float)
    parser.add_argument("--steps", type=int)
    wanted = parser.parse_args()

    project = medssl.open_project(wanted.project)
    for number in range(1, wanted.rounds + 1):
        if not medssl.suggest(project, 1):
            print("Every case is labeled.")
            return
        run = medssl.train(project, "bcp", minutes=wanted.minutes, steps=wanted.steps)
        next_cases = medssl.suggest(project, wanted.per_round)
        for one in next_cases:
            print(f"round {number}, {run.name}: {one.case} – {one.reason}")
        import_labels(project, wanted.masks, [one.case for one in next_cases], author="example")


if __name__ == "__main__":
    main()
