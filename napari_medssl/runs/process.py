"""`process.json`: which process a run lives in, so that a later start finds it again and no run lives twice."""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil

from ..disk import read_json_or_none, write_json
from ..errors import RunError

PROCESS_NAME = "process.json"
WRITING = 5.0  # seconds that a process may take to write a few words into the file it just made


@contextmanager
def announced(folder: Path) -> Iterator[None]:
    """Say that this process runs the run of `folder`, for as long as it does.

    Raises
    ------
    RunError
        When another process runs it.
    """
    if (read_process(folder) or {}).get("pid") not in (os.getpid(), os.getppid()):
        claim(folder)
    hand_over(folder, os.getpid())
    try:
        yield
    finally:
        release(folder)


def claim(folder: Path) -> None:
    """Take the run of `folder` for this process; of several that try at once one succeeds.

    Raises
    ------
    RunError
        When a living process has it, or the folder cannot be written to.
    """
    path = folder / PROCESS_NAME
    for _ in range(2):
        try:
            with open(path, "x", encoding="utf-8") as file:
                file.write(json.dumps(_describe(os.getpid())))
            return
        except FileExistsError:
            # in this order: a file that is finished between the two questions is seen by the second
            if _is_being_written(folder) or is_running(folder):
                break
            path.unlink(missing_ok=True)  # left by a process that was killed
        except OSError as error:
            raise RunError(f"Run {folder.name} cannot be started: {error}. Check the disk and its folder.") from error
    raise RunError(f"Run {folder.name} is already running. Stop it first, or wait for its end.")


def hand_over(folder: Path, pid: int) -> None:
    """Say that the run, which this process has claimed, lives in process `pid`."""
    with suppress(psutil.NoSuchProcess):  # it is over already
        write_json(folder / PROCESS_NAME, _describe(pid))


def release(folder: Path) -> None:
    """Say that no process runs the run any more."""
    (folder / PROCESS_NAME).unlink(missing_ok=True)


def read_process(folder: Path) -> dict[str, Any] | None:
    """What a run's process said of itself; None when it said nothing."""
    try:
        said = read_json_or_none(folder / PROCESS_NAME) or {}
    except OSError:
        return None
    return said if {"pid", "host", "born"} <= said.keys() else None


def is_running(folder: Path) -> bool:
    """Whether the process that a run announced lives on this machine.

    Process numbers are used again: the time of birth must agree too.
    """
    said = read_process(folder)
    if said is None or said["host"] != socket.gethostname():
        return False
    try:
        process = psutil.Process(said["pid"])
        return bool(process.status() != psutil.STATUS_ZOMBIE and abs(process.create_time() - said["born"]) < 2.0)
    except psutil.Error:
        return False


def _describe(pid: int) -> dict[str, Any]:
    return {"pid": pid, "host": socket.gethostname(), "born": psutil.Process(pid).create_time(), "since": time.time()}


def _is_being_written(folder: Path) -> bool:
    """Whether somebody made the file just now and has not written into it yet."""
    try:
        age = time.time() - (folder / PROCESS_NAME).stat().st_mtime
    except OSError:
        return False
    return read_process(folder) is None and age < WRITING
