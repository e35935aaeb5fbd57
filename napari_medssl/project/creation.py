"""Making a project in one go: all of it, or nothing that was not there before."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ..locking import forget_lock
from .classes import ClassInfo
from .project import Project
from .refused import REFUSED_NAME
from .settings import PROJECT_NAME


@contextmanager
def new_project(
    root: Path | str,
    *,
    classes: Iterable[ClassInfo] = (),
    channels: Iterable[str] = ("image",),
    name: str | None = None,
) -> Iterator[Project]:
    """Make a project, and fill it within the block; where that fails, what was made is removed again.

    Only what this very call made is removed: whatever else lies in the folder, hidden files say, or comes into it
    meanwhile, stays. So the same command can be tried again.

    Raises
    ------
    ProjectError
        As `Project.create` does; and whatever the block raises.
    """
    root = Path(root).expanduser().absolute()
    missing = [folder for folder in (root, *root.parents) if not folder.exists()]  # deepest first
    try:
        project = Project.create(root, classes=classes, channels=channels, name=name)
    except BaseException:
        _remove_empty(missing)
        raise
    try:
        yield project
    except BaseException:
        _take_back(project)
        _remove_empty(missing)
        raise


def _take_back(project: Project) -> None:
    """Remove the cases that this `Project` added, and the files that every project has."""
    cases = project.root / "cases"
    for case in project.cases():
        shutil.rmtree(case.folder, ignore_errors=True)
    _remove_empty([cases])
    for name in (REFUSED_NAME, PROJECT_NAME):  # last, what makes the folder a project
        with suppress(OSError):
            (project.root / name).unlink(missing_ok=True)
            forget_lock(project.root / name)


def _remove_empty(folders: Iterable[Path]) -> None:
    for folder in folders:
        with suppress(OSError):  # not empty: somebody else put something in it
            os.rmdir(folder)
