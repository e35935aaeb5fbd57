"""kill -9 while somebody paints on a slow disk, one that is full for a while, and logs with flipped bits.

What must hold: each stroke that was noted is there when the case is opened again, whatever became of the drafts; a
flipped bit costs the strokes of one record at most, the person is told, and the log is not deleted.
"""

from __future__ import annotations

import os
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path
from random import Random

import numpy as np
from painter import CASE, value_of
from tally import Tally, main

from napari_medssl.project import Case, ClassInfo, Project
from napari_medssl.project.stroke_records import MARK, pieces
from napari_medssl.project.strokes import ENDING, read_leftovers
from napari_medssl.ui.loading import ShownCase, load_case

SHAPE = (40, 40, 40)
FSYNC_MS = (0, 25, 100, 500)


def make_project(root: Path) -> Project:
    """A project of one small scan."""
    import nibabel

    scan = root.with_name(f"{CASE}.nii.gz")
    root.parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(nibabel.Nifti1Image(np.zeros(SHAPE, np.int16), np.eye(4)), scan)
    project = Project.create(root, classes=[ClassInfo(n, f"structure {n}") for n in (1, 2, 3)])
    project.add_case(scan)
    return project


class Painting:
    """One project, painted on in several lives; knows each stroke that was noted."""

    def __init__(self, root: Path) -> None:
        self.project = make_project(root)
        self.noted: list[int] = []
        self.drafts = 0

    @property
    def case(self) -> Case:
        return self.project.case(CASE)

    def live(self, seconds: float, fsync: float, draft_seconds: float, full_every: float) -> None:
        """Paint at 60 Hz for so long, then die."""
        script = Path(__file__).with_name("painter.py")
        first = max(self.noted, default=-1) + 1
        values = (self.project.root, first, 60, fsync, draft_seconds, full_every)
        painter = subprocess.Popen([sys.executable, str(script), *map(str, values)], stdout=subprocess.PIPE)
        assert painter.stdout is not None
        begun = painter.stdout.read(4)  # the first stroke is noted
        time.sleep(seconds)
        os.kill(painter.pid, signal.SIGKILL)
        told = begun + painter.stdout.read()
        painter.wait()
        self.noted += [number for (number,) in struct.iter_unpack("<i", told[: len(told) // 4 * 4])]
        self.drafts = len(self.case.revisions())

    def missing(self) -> list[int]:
        """Strokes that were noted and are not there when the case is opened again; nothing is changed."""
        return self.missing_in(load_case(self.project, CASE))

    def missing_in(self, shown: ShownCase) -> list[int]:
        """Strokes that were noted and are not on the screen."""
        labels = shown.labels.ravel()
        return [number for number in self.noted if labels[number] != value_of(number)]


def attack(folder: Path, times: int, seed: int) -> Tally:
    """Kill a painter so many times, on disks of all kinds; then flip a bit in what it left."""
    rng, failures = Random(seed), []
    strokes = drafts = flips = 0
    painting = Painting(folder / "0" / "project")
    for life in range(times):
        fsync, full = FSYNC_MS[life % len(FSYNC_MS)], rng.choice([0, 0, 0.4])
        painting.live(rng.uniform(0, 2 + fsync / 100), fsync, rng.choice([0.05, 0.3, 0.8]), full)
        what = f"life {life} of seed {seed}, fsync {fsync} ms{', disk full now and then' if full else ''}"
        if missing := painting.missing():
            failures.append(f"{what}: {len(missing)} of {len(painting.noted)} strokes are missing: {missing[:5]}")
        strokes, drafts = len(painting.noted), painting.drafts
        if rng.random() < 0.5:
            flips += 1
            failures += [f"{what}: {words}" for words in flip_a_bit(painting, rng)]
        if failures or len(painting.noted) > np.prod(SHAPE) // 2:
            painting = Painting(folder / str(life + 1) / "project")
    tried = {
        "kills while painting": times,
        "strokes noted at the end": strokes,
        "drafts": drafts,
        "flipped bits": flips,
    }
    return Tally(tried, tuple(failures))


def flip_a_bit(painting: Painting, rng: Random) -> list[str]:
    """Turn a bit in a log, open the case, turn it back; what did not hold."""
    case, failures = painting.case, []
    logs = sorted(case.strokes_folder.glob(f"*{ENDING}"))
    if not logs:
        return []
    path = rng.choice(logs)
    data = path.read_bytes()
    at = rng.randrange(len(data))
    whole = next(left for left in read_leftovers(case.strokes_folder, SHAPE) if left.path == path)
    turned = bytearray(data)
    turned[at] ^= 1 << rng.randrange(8)
    path.write_bytes(bytes(turned))
    inside = at >= data.index(MARK)
    most = max(len(list(pieces(packed, SHAPE))) for packed in whole.records)
    shown = load_case(painting.project, CASE)
    missing = painting.missing_in(shown)
    if len(missing) > (most if inside else 0):
        failures.append(f"a flipped bit at {at} of {path.name} costs {len(missing)} strokes")
    if inside and missing and not shown.recovered.said:
        failures.append(f"a flipped bit at {at} of {path.name} costs strokes, and nobody is told")
    if inside and not path.exists():
        failures.append(f"{path.name} was deleted, and not read to its end")
    path.write_bytes(data)
    return failures


if __name__ == "__main__":
    main(attack)
