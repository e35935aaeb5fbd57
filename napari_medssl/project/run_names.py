"""The runs of a project, by name: "bcp-001" is a folder in `runs`."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path

from ..disk import ages_in, names_in
from ..locking import exclusive
from .names import check_name
from .refusals import one_clear_line

_RESERVED = 3_600.0  # seconds that a run may take from its folder to its spec
_NUMBER = re.compile(r"-(\d+)$")


def run_names(folder: Path) -> list[str]:
    """Names of the runs in a folder, oldest first."""
    return sorted(names_in(folder), key=_number)


def empty_runs(folder: Path) -> list[Path]:
    """Folders of runs that were reserved more than an hour ago and never written to: whoever made them was killed."""
    age = ages_in(folder)
    there = (folder / name for name in sorted(names_in(folder)))
    return [one for one in there if one.is_dir() and _is_empty(one) and age(one) > _RESERVED]


def remove_empty_runs(folder: Path) -> list[Path]:
    """Remove them, while nobody reserves another one; which ones were."""
    if not empty_runs(folder):
        return []
    with exclusive(folder / "names"):
        return _sweep(folder)


def reserve_run(folder: Path, method: str) -> str:
    """Make the folder of the next run; of several windows that ask at once each gets its own.

    Raises
    ------
    ProjectError
        If it cannot be made.
    """
    check_name(method, "run")
    with one_clear_line("The run was not made", folder), exclusive(folder / "names"):
        _sweep(folder)
        number = 1 + max((_number(name)[0] for name in run_names(folder)), default=0)
        while True:
            name = f"{method}-{number:03d}"
            try:
                (folder / name).mkdir()
            except FileExistsError:
                number += 1
                continue
            return name


def _sweep(folder: Path) -> list[Path]:
    done = []
    for one in empty_runs(folder):
        with suppress(OSError):
            one.rmdir()
            done.append(one)
    return done


def _is_empty(folder: Path) -> bool:
    try:
        return not any(folder.iterdir())
    except OSError:
        return False


def _number(name: str) -> tuple[int, str]:
    number = _NUMBER.search(name)
    return (int(number[1]) if number else 0), name
