"""`inventory.jsonl`: which cases were added and how runs ended, so that what is gone is missed. Only added to.

Nothing depends on it: what a project holds follows from its files. It tells only of what those cannot tell of any more,
and claims nothing of what it does not name, as in projects of before. It is not locked: a line that was torn counts as
if it had never been written.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from ..disk import seal, unseal

INVENTORY_NAME = "inventory.jsonl"


@dataclass(frozen=True)
class Ended:
    """How a run stood when it last ended.

    Attributes
    ----------
    journal : int
        Bytes of its journal, which only grows.
    model : bool
        Whether it left a model.
    """

    journal: int
    model: bool


@dataclass(frozen=True)
class Inventory:
    """What a project should hold.

    Attributes
    ----------
    cases : frozenset of str
        Cases that were added and that nobody said to forget.
    runs : mapping of str to Ended
        Runs that ended, in the same way.
    forgotten, forgotten_cases : frozenset of str
        Runs that somebody said to forget since they last ended, and cases that were not added again since.
    """

    cases: frozenset[str] = frozenset()
    runs: Mapping[str, Ended] = field(default_factory=dict)
    forgotten: frozenset[str] = frozenset()
    forgotten_cases: frozenset[str] = frozenset()


def note_cases(root: Path, names: Iterable[str]) -> None:
    """Note cases that are there; a disk that refuses costs nothing but the note."""
    _append(root, [{"case": name} for name in names])


def note_run(root: Path, run: str, journal: int, model: bool) -> None:
    """Note how a run ended: bytes of its journal, and whether it left a model."""
    _append(root, [{"run": run, "journal": journal, "model": model}])


def forget(root: Path, kind: str, name: str) -> None:
    """Note that a "case" or a "run" was taken away on purpose."""
    _append(root, [{kind: name, "forgotten": True}])


def read_inventory(root: Path) -> Inventory:
    """What a project should hold; nothing where nobody noted it."""
    path = root / INVENTORY_NAME
    try:
        now = path.stat()
    except OSError:
        return Inventory()
    return _read(path, now.st_mtime_ns, now.st_size)


@lru_cache(maxsize=16)
def _read(path: Path, changed: int, size: int) -> Inventory:
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError:
        return Inventory()
    cases: dict[str, bool] = {}
    forgotten: set[str] = set()
    runs: dict[str, Ended] = {}
    for line in lines:
        try:
            values = unseal(line)
        except ValueError:
            continue
        case, run, gone = values.get("case"), values.get("run"), bool(values.get("forgotten"))
        if isinstance(case, str):
            cases[case] = not gone
        if isinstance(run, str) and gone:
            runs.pop(run, None)
            forgotten.add(run)
        elif isinstance(run, str) and isinstance(values.get("journal"), int):
            runs[run] = Ended(values["journal"], bool(values.get("model")))
            forgotten.discard(run)
    there = frozenset(case for case, is_there in cases.items() if is_there)
    return Inventory(there, runs, frozenset(forgotten), frozenset(cases.keys() - there))


def _append(root: Path, entries: Iterable[Mapping[str, Any]]) -> None:
    text = "".join(seal(json.dumps(entry)) + "\n" for entry in entries)
    with suppress(OSError), open(root / INVENTORY_NAME, "ab+") as file:
        end = file.seek(0, os.SEEK_END)
        if end:
            file.seek(end - 1)
            text = text if file.read(1) == b"\n" else f"\n{text}"  # torn: what comes next must not be torn with it
        file.write(text.encode())
