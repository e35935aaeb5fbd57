"""Runs that could not be begun leave nothing behind: a folder without a journal was never a run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from ..locking import forget_lock
from .journal import JOURNAL_NAME
from .process import PROCESS_NAME, is_running
from .spec import SPEC_NAME

#: What there may be in the folder of a run before it begins.
_OWN = (SPEC_NAME, PROCESS_NAME, "stop.json", "log.txt")


@contextmanager
def taken_back(folders: Sequence[Path]) -> Iterator[None]:
    """Remove the folders of runs in line where the block fails before the first of them begins.

    Only what the program makes is removed, and nothing of a run that has a journal or that a process runs.

    Parameters
    ----------
    folders : sequence of Path
        May grow within the block.
    """
    try:
        yield
    except BaseException:
        if folders and not (folders[0] / JOURNAL_NAME).exists() and not is_running(folders[0]):
            for folder in folders:
                _remove(folder)
        raise


def _remove(folder: Path) -> None:
    with suppress(OSError):
        for name in _OWN:
            (folder / name).unlink(missing_ok=True)
        forget_lock(folder / PROCESS_NAME)
        folder.rmdir()
