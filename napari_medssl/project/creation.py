"""Making a project in one go: all of it, or nothing that was not there before."""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ..locking import NO_LOCKS_NAME, forget_lock, lock_files
from .classes import ClassInfo
from .inventory import INVENTORY_NAME
from .project import Project
from .refused import REFUSED_NAME
from .settings import PROJECT_NAME

_OWN = (REFUSED_NAME, PROJECT_NAME)  # last, what makes the folder a project


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
    meanwhile, stays, and so does a lock that somebody has or had before. So the same command can be tried again.

    Raises
    ------
    ProjectError
        As `Project.create` does; and whatever the block raises.
    """
    root = Path(root).expanduser().absolute()
    theirs = {path for name in _OWN for path in lock_files(root / name)}
    missing = [folder for folder in (root, *root.parents) if not folder.exists()]  # deepest first
    try:
        project = Project.create(root, classes=classes, channels=channels, name=name)
    except BaseException:
        _remove_empty(missing)
        raise
    try:
        yield project
    except BaseException:
        _take_back(project, theirs)
        _remove_empty(missing)
        raise


def _take_back(project: Project, theirs: Collection[Path]) -> None:
    """Remove the cases that this `Project` added, and the files that every project has; not the locks of others."""
    cases = project.root / "cases"
    for case in project.cases():
        shutil.rmtree(case.folder, ignore_errors=True)
    _remove_empty([cases])
    with suppress(OSError):
        (project.root / INVENTORY_NAME).unlink(missing_ok=True)
    for name in _OWN:
        with suppress(OSError):
            (project.root / name).unlink(missing_ok=True)
        if not any(path in theirs for path in lock_files(project.root / name)):
            forget_lock(project.root / name)
    if not theirs and not any(lock_files(project.root / name) for name in _OWN):
        with suppress(OSError):
            (project.root / NO_LOCKS_NAME).unlink(missing_ok=True)


def _remove_empty(folders: Iterable[Path]) -> None:
    for folder in folders:
        with suppress(OSError):  # not empty: somebody else put something in it
            os.rmdir(folder)
