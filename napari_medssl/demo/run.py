"""The demo: a generated cohort, two rounds of label, train, propose and correct, within a time one can wait for.

Two projects are made of the same scans and get the same labels: `project` learns with BCP, `supervised-only` from the
labels alone. Both train at the same time for the same time.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from ..terminal.screen import Screen
from .report import as_json, picture_curves, picture_round, show_round, verdict, write_page
from .rounds import METHODS, Round, correct_doubtful, measure_outcome

CASES, LABELLED, CORRECTED, ROUNDS = 24, 3, 3, 2
MINUTES = 4.5
OVERHEAD = 40.0  # seconds of a round beside training, before one has been measured: start, caches, proposals
ENDING = 8.0  # seconds for pictures at the end
LEAST_TRAINING = 3.0  # seconds


def run_demo(out: Path, minutes: float, screen: Screen, *, seed: int = 0) -> dict[str, Any]:
    """Run it.

    Parameters
    ----------
    out : Path
        Where to; must not exist or be empty.
    minutes : float
        For everything, on a machine with two free cores.

    Returns
    -------
    dict
        JSON values: `out`, `project`, `rounds`, `pictures`, `report`, `verdict`, `seconds`.
    """
    from .contest import train_side_by_side
    from .setup import make_demo_project, open_cohort

    begin = time.monotonic()
    screen.note(f"Generating {CASES} abdominal scans, {LABELLED} of them labelled, in {out} …")
    ours = make_demo_project(out, CASES, LABELLED, seed=seed)
    demos = {"supervised": open_cohort(ours.cohort, out / "supervised-only", LABELLED), "bcp": ours}
    classes = [c.name for c in ours.project.classes]

    rounds: list[Round] = []
    pictures: list[Path] = []
    overhead, last = OVERHEAD, dict[str, str]()
    for number in range(1, ROUNDS + 1):
        started = time.monotonic()
        left = 60 * minutes - (started - begin) - ENDING
        budget = max(LEAST_TRAINING, left / (ROUNDS + 1 - number) - overhead) / 60
        labelled, unlabelled = len(ours.cohort.images) - len(ours.unlabelled()), len(ours.unlabelled())
        screen.note(f"Round {number}: {' and '.join(METHODS.values())} train for {budget:.1f} minutes each …")
        ends = train_side_by_side({m: d.project for m, d in demos.items()}, budget, seed, last, screen)
        last = {method: run for method, (run, _) in ends.items()}
        outcomes = {m: measure_outcome(demos[m], m, *ends[m]) for m in demos}
        pictures.append(picture_round(ours, outcomes["bcp"], out / "pictures" / f"round-{number}.png"))
        corrections = correct_doubtful(ours, [demos["supervised"]], CORRECTED) if number < ROUNDS else ()
        rounds.append(Round(number, labelled, unlabelled, budget, outcomes, corrections))
        show_round(screen, rounds[-1], classes)
        overhead = time.monotonic() - started - 60 * budget
    pictures.append(picture_curves(rounds, out / "pictures" / "curves.png"))
    page = write_page(out, rounds, classes, pictures)
    seconds = time.monotonic() - begin
    screen.say(verdict(rounds))
    screen.say(f"{seconds / 60:.1f} minutes. Pictures and tables: {page}. The project: {ours.project.root}")
    return {
        "out": str(out),
        "project": str(ours.project.root),
        "rounds": as_json(rounds),
        "pictures": [str(path) for path in pictures],
        "report": str(page),
        "verdict": verdict(rounds),
        "seconds": round(seconds, 1),
    }
