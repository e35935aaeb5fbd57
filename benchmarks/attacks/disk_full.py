"""The disk is full, the quota used up, or the disk fails, at every single write of everything that saves.

What must hold: one line says what was not saved, where and what to do; nothing that was there is changed, nothing half
counts, no temporary file stays; and once there is room again everything goes on, a training to the same model bit for
bit.
"""

from __future__ import annotations

import errno
import os
import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from faulty import Disk
from little import (
    NAMES,
    RUN,
    TRAIN,
    attempt,
    bytes_of,
    command,
    copy_of,
    flip_bits,
    make_project,
    stray,
    whole,
)
from tally import Tally, main

from napari_medssl.inference.model import MODEL
from napari_medssl.inference.tensor_file import load_tensors
from napari_medssl.project import Case, ClassInfo, Project
from napari_medssl.project.champions import decide_champion, read_decisions
from napari_medssl.project.reviews import add_decisions, decide
from napari_medssl.project.reviews import read_decisions as read_reviews
from napari_medssl.project.strokes import Piece, StrokeLog, read_leftovers
from napari_medssl.project.whole import single_bits

#: What the disk says, whether it goes on saying so, and a word that tells people what to do.
ERRORS = (
    ("full", errno.ENOSPC, True, "ree some space"),
    ("quota used up", errno.EDQUOT, True, "ree some space"),
    ("failing once", errno.EIO, False, "disk"),
)


@dataclass(frozen=True)
class Operation:
    """Something that is saved.

    `count` counts what is there of it, 0 before it was ever done; `again` goes on with what was refused; `prepare`
    damages what is to be mended.
    """

    act: Callable[[Path], object]
    count: Callable[[Path], int]
    kinds: tuple[str, ...] = ("png",)
    again: Callable[[Path], object] | None = None
    prepare: Callable[[Path], object] | None = None


def attack(folder: Path, times: int, seed: int) -> Tally:
    """Refuse `times` writes of each operation, drawn at random (all, where there are fewer), in each way."""
    rng = random.Random(seed)
    tried: Counter[str] = Counter()
    failures: list[str] = []
    for kind in ("png", "nii"):
        template = folder / kind
        template.mkdir(parents=True)
        make_project(template, kind)
        for name, operation in OPERATIONS.items():
            if kind not in operation.kinds:
                continue
            with copy_of(template) as root:
                if operation.prepare:
                    operation.prepare(root)
                with Disk(root) as counting:
                    operation.act(root)
                if not operation.count(root):
                    failures.append(f"{name}: does nothing on a disk that is fine")
                model = _model(root)
            numbers = range(len(counting.points))
            for at in sorted(rng.sample(numbers, min(times, len(numbers)))):
                for error in ERRORS:
                    what = f"{name} ({kind}), {error[0]} from write {at} on"
                    with copy_of(template) as root:
                        failures += [f"{what}: {words}" for words in _try(root, operation, at, error, model)]
                    tried[f"writes refused: {name}"] += 1
    return Tally(dict(tried), tuple(failures))


def _try(
    root: Path, operation: Operation, at: int, error: tuple[str, int, bool, str], model: dict[str, bytes]
) -> Iterator[str]:
    if operation.prepare:
        operation.prepare(root)
    before = bytes_of(root)
    with Disk(root, at, error[1], stays=error[2]) as disk:
        said, bad, noted = attempt(lambda: operation.act(root))
    point = disk.points[at] if disk.refused else "nothing"
    if bad:
        yield f"{point}: {bad}"
    elif not said and not operation.count(root) and os.strerror(error[1]) not in noted:
        yield f"{point}: nobody is told, and it is not there"
    elif said and "\n" in said:
        yield f"{point}: not one line: {said}"
    elif said and not (error[3] in said and str(root.parent) in said):
        yield f"{point}: it does not say where, or what to do: {said}"
    after = bytes_of(root)
    changed = [name for name in before if after.get(name) != before[name]]
    if operation.prepare:  # what is mended is kept aside
        changed = [name for name in changed if before[name] not in after.values()]
    if said and changed:
        yield f"{point}: changed although it was refused: {changed}"
    yield from (f"{point}: {name} stays" for name in stray(root))
    if not operation.prepare:
        yield from (f"{point}: {words}" for words in whole(root))
    if said or bad or os.strerror(error[1]) in noted:
        said, bad, _ = attempt(lambda: (operation.again or operation.act)(root))
        if said or bad:
            yield f"{point}: does not go on afterwards: {said or bad}"
    if not operation.count(root):
        yield f"{point}: not there afterwards"
    yield from (f"{point}, afterwards: {words}" for words in (*stray(root), *whole(root)))
    if model and _model(root) != model:
        yield f"{point}: another model than without"


def _model(root: Path) -> dict[str, bytes]:
    models = sorted((root / "runs").rglob(MODEL))
    return {name: one.numpy().tobytes() for path in models for name, one in load_tensors(path)[0].items()}


def _save(root: Path, **more: Any) -> None:
    case = Project.open(root).case(NAMES[-1])
    labels = np.ones(case.grid.shape, np.uint8)
    case.save_labels(labels, author="b", origin="drawn", **more)


def _case(root: Path) -> Case:
    return Project.open(root).case(NAMES[-1])


def _propose(root: Path) -> None:
    case = _case(root)
    maps = {"entropy": np.zeros(case.grid.shape, np.float32)}
    case.save_proposal("bcp-002", np.ones(case.grid.shape, np.uint8), maps, 0.5, {})


def _strokes(root: Path) -> None:
    """Five strokes; where one is refused the next is tried all the same, and the first refusal is told."""
    case, refused = _case(root), None
    log = StrokeLog(case.strokes_folder, case.grid.shape, None, "b")
    noted = []
    for number in range(5):
        start = (number, *(0,) * (len(case.grid.shape) - 1))
        try:
            log.append((Piece(start, np.full((1,) * len(start), 1, np.uint8)),))
            noted.append(start)
        except Exception as error:
            refused = refused or error
    labels = np.zeros(case.grid.shape, np.uint8)
    for left in read_leftovers(case.strokes_folder, case.grid.shape):
        left.put_back(labels)
    missing = [start for start in noted if not labels[start]]
    if missing:
        raise AssertionError(f"strokes {missing} were noted and are not there")
    if refused is not None:
        raise refused


def _train(root: Path) -> str:
    return command("train", root, "--method", "supervised", *TRAIN)


def _resume(root: Path) -> None:
    """Go on with what was begun, or begin."""
    begun = [run for run in Project.open(root).runs() if (root / "runs" / run / "spec.json").exists()]
    for run in begun:
        if not (root / "runs" / run / MODEL).exists() or not _trained(root):
            command("runs", "resume", root, run)
    if not begun:
        _train(root)


def _trained(root: Path) -> int:
    proposed = [one for case in Project.open(root).cases() for one in case.proposals() if one.run != RUN]
    return int(len(proposed) >= 3 and bool(_model(root)))


def _import(root: Path) -> None:
    command("labels", "import", root, root.parent / "masks", "--replace")


def _imported(root: Path) -> int:
    cases = Project.open(root).cases()
    return int(all(case.latest(complete=True) is not None for case in cases))


def _new(root: Path) -> None:
    scans = [root.parent / f"{name}.png" for name in NAMES]
    command("new", root / "other", "--images", *scans, "--class", "1=bright")


def _made(root: Path) -> int:
    there = (root / "other" / "project.json").exists()
    return int(there and len(Project.open(root / "other").cases()) == len(NAMES))


def _damage(root: Path) -> None:
    """Turn a bit in each of two records."""
    for name in ("project.json", f"cases/{NAMES[0]}/case.json"):
        flip_bits(root / name, 40)


def _repair(root: Path) -> str:
    return command("check", root, "--repair")


def _repaired(root: Path) -> int:
    return int(len(list(root.rglob("*.damaged-*"))) >= 2 and not list(single_bits(root)))


BOTH = ("png", "nii")
OPERATIONS = {
    "a draft": Operation(lambda root: _save(root, complete=False), lambda root: len(_case(root).revisions()), BOTH),
    "complete labels": Operation(lambda root: _save(root, run=RUN), lambda root: len(_case(root).revisions()), BOTH),
    "a decision": Operation(
        lambda root: add_decisions(_case(root), RUN, (decide("accept", "region", "r1", "b"),)),
        lambda root: len(read_reviews(_case(root), RUN)),
    ),
    "a flag": Operation(lambda root: _case(root).flag(True, "b"), lambda root: int(_case(root).flagged)),
    "the choice of a model": Operation(
        lambda root: decide_champion(Project.open(root), RUN, author="b"), lambda root: len(read_decisions(root))
    ),
    "structures": Operation(
        lambda root: Project.open(root).set_classes((ClassInfo(1, "bright"), ClassInfo(2, "dark"))),
        lambda root: len(Project.open(root).classes) - 1,
    ),
    "strokes": Operation(_strokes, lambda root: len(list(_case(root).strokes_folder.glob("*.strokes"))), BOTH),
    "a proposal": Operation(_propose, lambda root: len(_case(root).proposals()) - 1, BOTH),
    "an import": Operation(_import, _imported, BOTH),
    "a new project": Operation(_new, _made),
    "check --repair": Operation(_repair, _repaired, prepare=_damage),
    "a training": Operation(_train, _trained, again=_resume),
}

if __name__ == "__main__":
    main(attack)
