"""The runs of a project, by name: "bcp-001" is a folder in `runs`."""

from __future__ import annotations

import re
from pathlib import Path

from ..disk import names_in
from ..locking import exclusive
from .names import check_name
from .refusals import one_clear_line

_NUMBER = re.compile(r"-(\d+)$")


def run_names(folder: Path) -> list[str]:
    """Names of the runs in a folder, oldest first."""
    return sorted(names_in(folder), key=_number)


def reserve_run(folder: Path, method: str) -> str:
    """Make the folder of the next run; of several windows that ask at once each gets its own.

    Raises
    ------
    ProjectError
        If it cannot be made.
    """
    check_name(method, "run")
    with one_clear_line("The run was not made", folder), exclusive(folder / "names"):
        number = 1 + max((_number(name)[0] for name in run_names(folder)), default=0)
        while True:
            name = f"{method}-{number:03d}"
            try:
                (folder / name).mkdir()
            except FileExistsError:
                number += 1
                continue
            return name


def _number(name: str) -> tuple[int, str]:
    number = _NUMBER.search(name)
    return (int(number[1]) if number else 0), name
