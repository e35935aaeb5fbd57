"""Several processes write to one project at once, a third of them with a wrong clock.

What must hold: nothing that was acknowledged is missing (label revisions, decisions, flags, comments, patients, choices
of a model), no id comes twice, and of those who want the same run at once exactly one has it. Two of the writers resume
a run that really trains: its lives come one after the other, each goes on where the one before stood, and their order
is told without a clock.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections import Counter
from contextlib import ExitStack
from datetime import datetime, timedelta
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from subprocess import PIPE
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
from napari_medssl.runs import events
from napari_medssl.runs.drivers import InlineDriver
from napari_medssl.runs.events import RunFinished, RunStarted, Stepped
from napari_medssl.runs.journal import JOURNAL_NAME, replay
from napari_medssl.runs.process import announced, claim, release
from napari_medssl.runs.request import make_spec
from napari_medssl.runs.stop import request_stop, withdraw_stop

WRITERS = 9
SHIFTS = {2: -3600.0, 5: 7200.0, 8: -86_400.0}  # seconds, by the number of the writer
RESUMERS = (1, 5)
KINDS = ("revision", "decision", "record", "champion", "run")
RUN = "bcp-001"
SIZE = (20, 20, 3)
SETTINGS = {
    "widths": [4, 8],
    "batch": 2,
    "patch": [16, 16],
    "precision": "float32",
    "threads": 1,
    "augmentation": "none",
}


def attack(folder: Path, times: int, seed: int) -> Tally:
    """Write `times` things with `WRITERS` processes, and count what is there afterwards."""
    project = Project.create(folder / "project", classes=(ClassInfo(1, "one"),))
    image = np.arange(np.prod(SIZE), dtype=np.int16).reshape(SIZE)
    nib.save(nib.Nifti1Image(image, np.diag([1.0, 1.0, 6.0, 1.0])), folder / "scan.nii.gz")
    project.add_case(folder / "scan.nii.gz", name="scan")
    project.run_folder(RUN, create=True)
    learnt = project.add_case(folder / "scan.nii.gz", name="learnt")
    learnt.save_labels((image % 7 == 0).astype(np.uint8), author="a", origin="drawn")
    trained = make_spec(project, "supervised", steps=100_000, device="cpu", propose=(), settings=SETTINGS).run
    each = -(-times // WRITERS)
    command = [sys.executable, __file__, "--write", str(project.root), str(each)]
    writers = [
        subprocess.Popen([*command, str(number), str(seed)], stdin=PIPE, stdout=PIPE, text=True)
        for number in range(WRITERS)
    ]
    for one in writers:  # all begin at once
        assert one.stdout is not None
        one.stdout.readline()
    for one in writers:
        assert one.stdin is not None
        one.stdin.write("go\n")
        one.stdin.flush()
    said = [json.loads(line) for one in writers for line in one.communicate()[0].splitlines()]
    done = Counter(one["what"] for one in said)
    return Tally(dict(done), (*_missing(project, said, writers), *_torn(project, trained, said)))


def _torn(project: Project, run: str, said: list[dict[str, str]]) -> list[str]:
    """What is wrong with the lives of the run that was resumed."""
    failures, step, turns, lives = [], 0, [0], Counter()
    lived = replay(project.run_folder(run) / JOURNAL_NAME)
    for before, event in pairwise([None, *lived]):
        if isinstance(event, RunStarted):
            lives["begun"] += 1
            turns.append(event.turn)
            if before is not None and not isinstance(before, RunFinished):
                failures.append(f"a life of {run} began in the middle of another one, at step {step}")
            if event.resumed_step != step:
                failures.append(f"a life of {run} began at step {event.resumed_step}, the one before ended at {step}")
        elif isinstance(event, Stepped):
            if event.step <= step:
                failures.append(f"{run} came from step {step} to {event.step}")
            step = event.step
        elif isinstance(event, RunFinished):
            if event.reason != "paused":
                failures.append(f"a life of {run} ended as {event.reason}: {event.message}")
            step = max(step, event.step)
    told = sum(one["what"] == "resume" for one in said)
    if lives["begun"] != told:
        failures.append(f"{run} began {lives['begun']} times, and {told} were told so")
    if turns != sorted(set(turns)):
        failures.append(f"lives of {run} are out of order: {turns}")
    return failures


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
    wanted = Counter(f"{one['what']} {one['key']}" for one in said if one["what"] not in ("run", "resume"))
    failures = [f"missing: {one}" for one in (wanted - there)] + [f"too many: {one}" for one in (there - wanted)]
    ids = Counter(one.id for one in case.revisions())
    failures += [f"twice: {id}" for id, number in ids.items() if number > 1]
    owned = sorted((float(one["key"]), float(one["until"])) for one in said if one["what"] == "run")
    failures += [f"two owners at {b[0]}" for a, b in pairwise(owned) if b[0] < a[1]]
    return failures + [f"a writer ended with {one.returncode}" for one in writers if one.returncode]


def _write(root: Path, times: int, number: int, seed: int) -> None:
    rng = random.Random(seed * 1000 + number)
    kinds = (*KINDS, "resume") if number in RESUMERS else KINDS
    if number in RESUMERS:
        import_module("napari_medssl.training.execute")  # torch, which takes its time
    with ExitStack() as clocks:
        shift = SHIFTS.get(number, 0.0)
        if shift:
            _shift_clocks(clocks, shift)
        print("ready", flush=True)
        sys.stdin.readline()
        for turn in range(times):
            what = "resume" if turn == 0 and number in RESUMERS else rng.choice(kinds)
            _one_thing(Project.open(root), f"{number}.{turn}", what)


def _shift_clocks(stack: ExitStack, seconds: float) -> None:
    """Put the clock of this process elsewhere, for all modules of the program."""

    class Shifted(datetime):
        @classmethod
        def now(cls, tz=None):  # type: ignore[no-untyped-def, override]
            return datetime.now(tz) + timedelta(seconds=seconds)

    right = time.time
    stack.enter_context(patch("time.time", lambda: right() + seconds))
    stack.enter_context(patch.object(events, "_BEGIN", events._BEGIN + seconds))
    for name, module in list(sys.modules.items()):
        if name.startswith("napari_medssl.") and getattr(module, "datetime", None) is datetime:
            stack.enter_context(patch.object(module, "datetime", Shifted))


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
    elif what == "resume":
        run = next(name for name in project.runs() if name.startswith("supervised"))
        if not _resume(project, run):
            return
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


def _resume(project: Project, run: str) -> bool:
    """Go on with a run for a step, and pause it; False where another one has it."""
    folder = project.run_folder(run)
    try:
        with announced(folder):
            withdraw_stop(folder)
            for event in InlineDriver().run(project.root, run, heed=True):
                if isinstance(event, Stepped):
                    request_stop(folder, "pause")
    except RunError:
        return False
    return True


if __name__ == "__main__":
    if "--write" in sys.argv:
        root, times, number, seed = sys.argv[2:]
        try:
            _write(Path(root), int(times), int(number), int(seed))
        except MedSSLError as error:
            sys.exit(str(error))
    else:
        main(attack)
