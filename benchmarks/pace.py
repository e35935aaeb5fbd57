"""How long a step of a run takes on a core of its own, told from a run on a core that was shared."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

import numpy as np

from napari_medssl.runs.events import PhaseStarted, RunEvent, Stepped

QUIET = 25  # percentile of the steps: what else the machine does makes the others slower


def quiet_step(events: Iterable[RunEvent]) -> float:
    """Seconds per step of a run had the machine been its own: the quicker steps of each phase, by its steps."""
    phases: list[list[Stepped]] = []
    for event in events:
        if isinstance(event, PhaseStarted):
            phases.append([])
        elif isinstance(event, Stepped):
            phases[-1].append(event)
    steps, seconds = 0, 0.0
    for told in filter(lambda phase: len(phase) > 1, phases):
        each = [(after.at - before.at) / (after.step - before.step) for before, after in pairwise(told)]
        count = told[-1].step - told[0].step
        steps, seconds = steps + count, seconds + count * float(np.percentile(each, QUIET))
    return seconds / steps
