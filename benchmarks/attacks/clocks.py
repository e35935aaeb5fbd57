"""The clock goes back, ahead, and to the year 9999 between writes.

What must hold: saving stays possible, and what was written last is the newest: label revisions, choices of a model,
proposals.
"""

from __future__ import annotations

import random
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest.mock import patch

import nibabel as nib
import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
from tally import Tally, main

from napari_medssl.project import Case, ClassInfo, Project
from napari_medssl.project.champions import decide_champion, read_decisions

MODULES = ("revisions", "champions", "proposals")
STEPS = (timedelta(), timedelta(hours=-1), timedelta(hours=2), timedelta(days=-9000), timedelta(days=30))
LAST = datetime(9999, 12, 31, 23, 59, 59, 999_999, UTC)


def attack(folder: Path, times: int, seed: int) -> Tally:
    """Write `times` things, the clock elsewhere each time; in the middle it stands in the year 9999."""
    rng, now, failures = random.Random(seed), datetime.now(UTC), []
    project = Project.create(folder / "project", classes=(ClassInfo(1, "one"),))
    nib.save(nib.Nifti1Image(np.arange(60, dtype=np.int16).reshape(6, 5, 2), np.eye(4)), folder / "scan.nii.gz")
    case = project.add_case(folder / "scan.nii.gz", name="scan")
    for number in range(times):
        now = max(datetime(1970, 1, 2, tzinfo=UTC), min(now + rng.choice(STEPS), LAST))
        failures += _write(project, case, LAST if number == times // 2 else now, number)
    ids = [one.id for one in case.revisions()]
    failures += [f"twice: {id}" for id in ids if ids.count(id) > 1]
    return Tally({"writes with a clock that steps": 3 * times}, tuple(failures))


def _write(project: Project, case: Case, at: datetime, number: int) -> list[str]:
    class Clock(datetime):
        @classmethod
        def now(cls, tz=None):  # type: ignore[no-untyped-def, override]
            return at

    patches = [patch(f"napari_medssl.project.{module}.datetime", Clock) for module in MODULES]
    labels = np.ones(case.grid.shape, np.uint8)
    run = f"bcp-{number % 7 + 1:03d}"
    project.run_folder(run, create=True)
    for one in patches:
        one.start()
    try:
        saved = case.save_labels(labels, author="a", origin="drawn")
        decide_champion(project, run, author=str(number))
        case.save_proposal(run, labels, {}, 0.5, {"number": number})
    finally:
        for one in patches:
            one.stop()
    newest, proposal = case.latest(), case.latest_proposal()
    failures = []
    if newest is None or newest.id != saved.id:
        failures.append(f"{number}, {at}: the labels saved last are not the newest")
    if read_decisions(project.root)[-1].author != str(number):
        failures.append(f"{number}, {at}: the model chosen last is not the one chosen")
    if proposal is None or proposal.info["number"] != number:
        failures.append(f"{number}, {at}: the proposal made last is not the newest")
    return failures


if __name__ == "__main__":
    main(attack)
