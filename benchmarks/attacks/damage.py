"""Files of a project are damaged: one bit flipped, cut short, emptied, of another type, or gone.

What must hold: the project opens and every command answers without a traceback; where an answer is another one than
before the damage, the damage is named. A decision, a model or a proposal that is gone leaves no trace to be named by:
those files are changed, not taken away.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import random
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).parent))
from tally import Tally, main

from napari_medssl import cli
from napari_medssl.project import ClassInfo, Project
from napari_medssl.project.champions import decide_champion
from napari_medssl.project.reviews import add_decisions, decide

COMMANDS = (("status",), ("runs", "list"), ("labels", "history"), ("suggest",), ("check",))
#: refused as a whole where they are damaged, for everything else would rest on a guess
KEYSTONES = {"project.json"}
#: what can be gone and be missed, for something else on disk says that it was there
MISSED = ("project.json", "cases/scan-0/case.json", "cases/scan-1/case.json", "/labels/", "spec.json")
Answer = tuple[int, Any, str]


def attack(folder: Path, times: int, seed: int) -> Tally:
    """Damage one file at a time, ask all commands, and put the file back."""
    rng, failures, tried = random.Random(seed), [], dict.fromkeys(WAYS, 0)
    root = _project(folder)
    before = _ask(root)
    files = [path for path in sorted(root.rglob("*")) if path.is_file() and path.suffix != ".lock"]
    kinds = sorted({(path.parent.name if path.suffix != ".json" else path.name, path.suffix) for path in files})
    for number in range(times):
        way = list(WAYS)[number % len(WAYS)]
        kind = rng.choice(kinds)
        path = rng.choice([one for one in files if kind in ((one.parent.name, one.suffix), (one.name, one.suffix))])
        whole = path.read_bytes()
        place = path.relative_to(root).as_posix()
        if way == "files gone" and not any(part in f"/{place}" for part in MISSED):
            way = "bits flipped"
        if way in ("files cut short", "files emptied") and path.name == "events.jsonl":
            way = "bits flipped"  # cut, it is the journal of a run that was killed sooner
        WAYS[way](path, rng)
        tried[way] += 1
        failures += [f"{way}, {place}: {words}" for words in _judge(path, before, _ask(root))]
        path.write_bytes(whole)
        _age(path)
    return Tally(tried, tuple(failures))


def _judge(path: Path, before: list[Answer], now: list[Answer]) -> Iterator[str]:
    named = any(path.stem in told or path.stem in json.dumps(answer) for _, answer, told in now)
    for command, old, new in zip(COMMANDS, before, now, strict=True):
        words = " ".join(command)
        if new[0] not in (0, 1, 2) or "Traceback" in new[2] or "fault of the program" in new[2]:
            yield f"{words} ended in {new[0]}: {new[2][-200:]}"
        elif new[0] == 2 and path.name not in KEYSTONES and command != ("check",):
            yield f"{words} was refused: {new[2][-200:]}"
        elif new[:2] != old[:2] and not named and new[0] != 2:
            yield f"{words} answers otherwise, and nothing names the file"


def _ask(root: Path) -> list[Answer]:
    answers = []
    for command in COMMANDS:
        out, told = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(told):
            code = cli.main([*command, str(root), "--json"])
        answers.append((code, json.loads(out.getvalue() or "null"), told.getvalue()))
    return answers


def _project(folder: Path) -> Path:
    """Four images, labels in two revisions, proposals, decisions, a choice of the model, and a run that trained."""
    rng = np.random.default_rng(0)
    project = Project.create(folder / "project", classes=(ClassInfo(1, "one"),))
    for number in range(4):
        Image.fromarray(rng.integers(0, 255, (16, 16), np.uint8)).save(folder / f"scan-{number}.png")
        case = project.add_case(folder / f"scan-{number}.png", name=f"scan-{number}")
        labels = np.zeros(case.grid.shape, np.uint8)
        labels[:4] = 1
        if number < 2:
            first = case.save_labels(labels, author="a", origin="drawn", complete=False)
            case.save_labels(labels, author="a", origin="drawn", parent=first)
        project.run_folder("bcp-001", create=True)
        case.save_proposal("bcp-001", labels, {"entropy": np.zeros(case.grid.shape, np.float32)}, 0.5, {})
        add_decisions(case, "bcp-001", (decide("accept", "region", "r1", "a"),))
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        cli.main(["train", str(project.root), "--method", "supervised", "--steps", "1", "--device", "cpu"])
    shutil.rmtree(project.root / "cache", ignore_errors=True)
    decide_champion(project, project.runs()[-1], author="a")
    for path in project.root.rglob("*"):
        _age(path)
    return project.root


def _age(path: Path) -> None:
    """Let a file be an hour old: a label file without its record might still be being saved."""
    then = time.time() - 3600
    os.utime(path, (then, then))


def _flip(path: Path, rng: random.Random) -> None:
    data = bytearray(path.read_bytes())
    if data:
        at = rng.randrange(8 * len(data))
        data[at // 8] ^= 1 << at % 8
    path.write_bytes(data)


def _cut(path: Path, rng: random.Random) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: rng.randrange(len(data) or 1)])


def _other_type(path: Path, rng: random.Random) -> None:
    path.write_text(rng.choice(['{"a": [1]}', "[]", "7", "null", "[" * 100_000]), encoding="utf-8")


WAYS = {
    "bits flipped": _flip,
    "files cut short": _cut,
    "files emptied": lambda path, _: path.write_bytes(b""),
    "files of another type": _other_type,
    "files gone": lambda path, _: path.unlink(),
}

if __name__ == "__main__":
    main(attack)
