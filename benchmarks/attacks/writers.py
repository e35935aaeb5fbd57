"""Several processes write to one project at once, a third of them with a wrong clock.

What must hold: nothing that was acknowledged is missing (label revisions, decisions, flags, comments, patients, choices
of a model), no id comes twice, and of those who want the same run at once exactly one has it.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections import Counter
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from unittest.mock import patch

import nibabel as nib
import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
from tally import Tally, main

from napari_medssl.errors import MedSSLError, RunError
from napari_medssl.project import ClassInfo, Project
from napari_medssl.project.champions import decide_champion, read_decisions
from napari_medssl.project.reviews import add_decisions, decide
from napari_medssl.project.reviews import read_decisions as read_reviews
from napari_medssl.runs.process import claim, release

WRITERS = 6
SHIFTS = (0, 0, 0, 0, -3600, 7200, 0, 0, -86_400)
KINDS = ("revision", "decision", "record", "champion", "run")
RUN = "bcp-001"


def attack(folder: Path, times: int, seed: int) -> Tally:
    """Write `times` things with `WRITERS` processes, and count what is there afterwards."""
    project = Project.create(folder / "project", classes=(ClassInfo(1, "one"),))
    nib.save(nib.Nifti1Image(np.arange(60, dtype=np.int16).reshape(6, 5, 2), np.eye(4)), folder / "scan.nii.gz")
    project.add_case(folder / "scan.nii.gz", name="scan")
    project.run_folder(RUN, create=True)
    begin = time.time() + 1.5
    each = -(-times // WRITERS)
    command = [sys.executable, __file__, "--write", str(project.root), str(begin), str(each)]
    writers = [
        subprocess.Popen([*command, str(number), str(seed)], stdout=subprocess.PIPE, text=True)
        for number in range(WRITERS)
    ]
    said = [json.loads(line) for one in writers for line in one.communicate()[0].splitlines()]
    done = Counter(one["what"] for one in said)
    return Tally(dict(done), tuple(_missing(project, said, writers)))


def _missing(project: Project, said: list[dict[str, str]], writers: list[subprocess.Popen[str]]) -> list[str]:
    case = Project.open(project.root).case("scan")
    record = json.loads((case.folder / "case.json").read_text())
    there = Counter(
        [
            *(f"revision {one.note}" for one in case.revisions()),
            *(f"decision {one.what}" for one in read_reviews(case, RUN)),
            *(f"champion {one.author}" for one in read_decisions(project.root)),
            *(f"{one['field']} {one['author']}" for one in record["history"]),
        ]
    )
    wanted = Counter(f"{one['what']} {one['key']}" for one in said if one["what"] != "run")
    failures = [f"missing: {one}" for one in (wanted - there)] + [f"too many: {one}" for one in (there - wanted)]
    ids = Counter(one.id for one in case.revisions())
    failures += [f"twice: {id}" for id, number in ids.items() if number > 1]
    owned = sorted((float(one["key"]), float(one["until"])) for one in said if one["what"] == "run")
    failures += [f"two owners at {b[0]}" for a, b in pairwise(owned) if b[0] < a[1]]
    return failures + [f"a writer ended with {one.returncode}" for one in writers if one.returncode]


def _write(root: Path, begin: float, times: int, number: int, seed: int) -> None:
    rng, shift = random.Random(seed * 1000 + number), timedelta(seconds=SHIFTS[number % len(SHIFTS)])

    class Shifted(datetime):
        @classmethod
        def now(cls, tz=None):  # type: ignore[no-untyped-def, override]
            return datetime.now(tz) + shift

    modules = ("revisions", "records", "reviews", "champions")
    patches = [patch(f"napari_medssl.project.{module}.datetime", Shifted) for module in modules]
    for one in patches:
        one.start()
    time.sleep(max(0.0, begin - time.time()))
    for turn in range(times):
        _one_thing(
            Project.open(root), f"{number}.{turn}", rng.choice(("revision", "decision", "record", "champion", "run"))
        )


def _one_thing(project: Project, key: str, what: str) -> None:
    case = project.case("scan")
    more = {}
    if what == "revision":
        case.save_labels(np.ones(case.grid.shape, np.uint8), author=key, origin="drawn", note=key, complete=False)
    elif what == "decision":
        add_decisions(case, RUN, (decide("accept", "region", key, key),))
    elif what == "champion":
        decide_champion(project, RUN, author=key)
    elif what == "record":
        what = ("flagged", "comment", "patient")[hash(key) % 3]
        {"flagged": lambda: case.flag(True, key), "comment": lambda: case.comment_on(key, key)}.get(
            what, lambda: case.set_patient(key, key)
        )()
    else:
        folder = project.run_folder(RUN)
        try:
            claim(folder)
        except RunError:
            return
        begin = time.monotonic()
        time.sleep(0.01)
        key, more = repr(begin), {"until": repr(time.monotonic())}
        release(folder)
    print(json.dumps({"what": what, "key": key, **more}), flush=True)


if __name__ == "__main__":
    if "--write" in sys.argv:
        root, begin, times, number, seed = sys.argv[2:]
        try:
            _write(Path(root), float(begin), int(times), int(number), int(seed))
        except MedSSLError as error:
            sys.exit(str(error))
    else:
        main(attack)
