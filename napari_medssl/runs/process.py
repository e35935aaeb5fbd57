"""`process.json`: who runs a run, here or on another computer, so that it is found again and never lives twice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..errors import BadFileError, RunError
from ..ownership import OwnedError, Owner, Ownership, living_owner, look, make_way, own, read_owner
from .journal import JOURNAL_NAME, whole_length

PROCESS_NAME = "process.json"
#: What a worker ends with that found the run running already.
TAKEN = 75

_mine: dict[Path, Ownership] = {}  # what this process runs, or is about to
_ahead: set[Path] = set()  # those it is about to run


@contextmanager
def announced(folder: Path, order: str = "") -> Iterator[None]:
    """Own the run of `folder` for as long as this process runs it.

    Parameters
    ----------
    folder : Path
    order : str
        A word by which whoever started this process finds out that it is this one.

    Raises
    ------
    RunError
        When another process runs it.
    """
    if folder in _ahead:
        _ahead.discard(folder)
    else:
        _own(folder, order)
    try:
        yield
    finally:
        release(folder)


def claim(folder: Path) -> None:
    """Take the run of `folder` for this process, which announces it next; of several that try at once one succeeds.

    Raises
    ------
    RunError
        When it runs already, here or elsewhere, or the folder cannot be written to.
    """
    _own(folder, "")
    _ahead.add(folder)


def free(folder: Path) -> None:
    """See to it that a process can be started that runs the run of `folder`: nobody else does.

    Raises
    ------
    RunError
        When it runs already, here or elsewhere, or the folder cannot be written to.
    """
    with _in_words(folder):
        make_way(folder / PROCESS_NAME, folder / JOURNAL_NAME)


def release(folder: Path) -> None:
    """Own the run no more."""
    _ahead.discard(folder)
    ownership = _mine.pop(folder, None)
    if ownership is not None:
        ownership.release()


def is_lost(folder: Path) -> bool:
    """Whether another computer took this process for dead and runs its run now."""
    ownership = _mine.get(folder)
    return ownership is not None and ownership.is_lost


def read_process(folder: Path) -> Mapping[str, Any] | None:
    """What a run's process said of itself; None when it said nothing."""
    owner = read_owner(folder / PROCESS_NAME)
    return None if owner is None or not owner.said.get("pid") else owner.said


def runner(folder: Path) -> Owner | None:
    """Who runs a run, here or on another computer; None where nobody does."""
    return living_owner(folder / PROCESS_NAME, folder / JOURNAL_NAME)


def is_running(folder: Path) -> bool:
    """Whether a process runs it, here or on another computer."""
    return runner(folder) is not None


def where_it_runs(folder: Path) -> str:
    """In words, where a run runs, if that is another computer; else empty."""
    owner = runner(folder)
    return "" if owner is None or owner.is_of_this_computer else f"Runs on {owner.host}."


def is_taken(folder: Path) -> RunError:
    """The error of whoever wants to run what runs already."""
    owner, _ = look(folder / PROCESS_NAME, folder / JOURNAL_NAME)
    where = f" on {owner.host}" if owner is not None and not owner.is_of_this_computer else ""
    return RunError(f"Run {folder.name} is already running{where}. Stop it first, or wait for its end.")


def _own(folder: Path, order: str) -> None:
    journal = folder / JOURNAL_NAME
    with _in_words(folder):
        said = {"order": order, "after": whole_length(journal)}
        _mine[folder] = own(folder / PROCESS_NAME, values=said, witness=journal)


@contextmanager
def _in_words(folder: Path) -> Iterator[None]:
    try:
        yield
    except OwnedError as error:
        raise is_taken(folder) from error
    except (BadFileError, OSError) as error:
        raise RunError(f"Run {folder.name} cannot be started: {error}. Check the disk and its folder.") from error
