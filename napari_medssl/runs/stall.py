"""How long a run may be silent before somebody should look: pure."""

from __future__ import annotations

from itertools import pairwise

from .status import RunStatus

FLOOR = 120.0  # seconds: the least that is worth a warning
LONG = 600.0  # scans are read and prepared for the first time, or a whole one is predicted
PLANNING = 900.0  # all scans are looked at
TIMES = 5  # as long as the longest silence of this phase
STEPS = 20  # as long as this many steps
RECENT = 200  # events


def patience(status: RunStatus) -> float:
    """Seconds without a word that are nothing to worry about, at what the run does now."""
    if status.started is None or status.state == "waiting" or not status.phase:
        return PLANNING
    if status.phase == "propose":
        slowest = max((one.seconds for one in status.proposed), default=0.0)
        return max(FLOOR, TIMES * slowest) if status.proposed else LONG
    points = [point for point in status.loss[-RECENT:] if point.step > status.phase_step]
    usual = [later.seconds - earlier.seconds for earlier, later in pairwise(points)]
    measures = status.started.held_out > 0 and not status.dice  # it may be measured for the first time
    known = max(FLOOR, TIMES * max(usual, default=0.0), STEPS * status.step_seconds)
    return max(known, LONG) if len(usual) < 2 or measures else known


def is_stalled(status: RunStatus, silent: float) -> bool:
    """Whether a run whose process lives has been silent, for `silent` seconds, for much longer than it usually is."""
    return not status.is_over and not status.waits_for and silent > patience(status)
