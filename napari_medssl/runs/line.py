"""Runs that stand in line: one begins with the model of the one before, in the same process. No torch.

The spec of the run in front names the one behind it (`then`), whose own spec lies ready. A run that ends with a model
lets the next one begin; one that is paused, failed or lost keeps it waiting, one that is discarded takes it with it.
"""

from __future__ import annotations

from pathlib import Path

from ..errors import MedSSLError
from .history import read_past_run
from .journal import JOURNAL_NAME
from .process import claim, is_running
from .request import pick_again
from .status import RunStatus, lose
from .stop import stop_token


def take_turn(root: Path, run: str, state: str) -> str | None:
    """The run that begins now, claimed for this process; None where `run` was the last, or did not end with a model.

    Parameters
    ----------
    root : Path
        The project.
    run : str
        The run that has just ended; this process must still have it, so that nobody finds both without a process.
    state : str
        How it ended.

    Raises
    ------
    RunError
        When a living process has the next one.
    """
    if state not in ("completed", "stopped"):
        return None
    folder = root / "runs" / run
    if stop_token(folder)() in ("pause", "discard"):
        return None  # asked for too late to be heard by the run itself
    following = read_past_run(folder).then
    if following is None or (folder.parent / following / JOURNAL_NAME).exists():
        return None  # begun before: a person decides how that one goes on
    pick_again(root, following)
    claim(root / "runs" / following)
    return following


def run_in_front(folder: Path) -> str | None:
    """The run after which the run of `folder` comes."""
    try:
        front = read_past_run(folder).start_from
        if front and read_past_run(folder.parent / front).then == folder.name:
            return front
    except MedSSLError:  # gone, or of a newer version
        pass
    return None


def status_in_line(folder: Path, front: str, before: RunStatus) -> RunStatus:
    """The status of a run that has never begun and comes after another.

    Parameters
    ----------
    folder : Path
        Of the run that has not begun.
    front : str
        The run in front of it.
    before : RunStatus
        The status of that one.
    """
    if before.state == "discarded":
        return RunStatus(state="discarded", message=f"{front}, with which it was to begin, was thrown away.")
    if before.state in ("completed", "stopped"):
        # in this order: the process in front claims the next run before it lets go of its own
        if is_running(folder.parent / front) or is_running(folder):
            return RunStatus(waits_for=front, message=f"Begins now, with {front}.")
        return lose(RunStatus(), f"{front} is done, but the process ended before this one began. Resume it to begin.")
    if before.state in ("waiting", "running"):
        return RunStatus(waits_for=front, message=f"Begins when {front} is done.")
    return RunStatus(waits_for=front, message=f"Waits for {front}, which is {before.state}: resume that one first.")
