"""What crashes and kills left in a project, and proposals nobody looks at any more: found, and removed on request.

Only files that the program made are removed, by their names.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from ..disk import ages_in, is_temporary, names_in
from .proposals import PROPOSAL_NAME
from .run_names import empty_runs, remove_empty_runs

if TYPE_CHECKING:
    from .project import Project

_DAY = 86_400.0


def find_temporary(root: Path) -> list[Path]:
    """Temporary files that a killed writer left more than a day ago, anywhere in a project."""
    found, age = [], ages_in(root)
    for folder, _, names in os.walk(root):
        for name in names:
            path = Path(folder, name)
            if is_temporary(name) and age(path) > _DAY:
                found.append(path)
    return sorted(found)


def find_empty_runs(root: Path) -> list[Path]:
    """Folders of runs that were reserved and never written to."""
    return empty_runs(root / "runs")


def find_aside(root: Path) -> list[Path]:
    """Damaged files that are kept under another name."""
    return sorted(path for path in root.rglob("*.damaged-*") if path.is_file())


def remove_leftovers(root: Path) -> list[str]:
    """Remove temporary files and empty folders of runs; what was done, in sentences."""
    files = find_temporary(root)
    done = []
    for path in files:
        with suppress(OSError):
            path.unlink()
            done.append(f"{path}: removed; a writer that was killed left it.")
    return [*done, *(f"{folder}: removed; this run was never begun." for folder in remove_empty_runs(root / "runs"))]


def old_proposals(project: Project, which: str) -> list[Path]:
    """Folders of proposals to clear.

    Parameters
    ----------
    which : str
        The name of a run; or "older": all but the newest proposal of each case.
    """
    found = []
    for case in project.cases():
        folder = case.proposals_folder
        if which != "older":
            found += [folder / which] if (folder / which / PROPOSAL_NAME).exists() else []
            continue
        found += [folder / one.run for one in case.proposals()[:-1]]
    return found


def clear_proposals(folders: list[Path]) -> int:
    """Remove proposals; returns the bytes that became free. What else lies in their folders stays."""
    freed = 0
    for folder in folders:
        freed += _remove(folder / PROPOSAL_NAME)  # first: without it there is no proposal
        for path in _parts(folder):
            freed += _remove(path)
        with suppress(OSError):
            folder.rmdir()
    return freed


def _parts(folder: Path) -> Iterator[Path]:
    yield from (folder / name for name in names_in(folder, ".nii.gz"))
    yield from (folder / name for name in names_in(folder, ".png"))


def _remove(path: Path) -> int:
    with suppress(OSError):
        size = path.stat().st_size
        path.unlink()
        return size
    return 0
