"""`process.json`: which process a run lives in, so that a later start finds it again."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

PROCESS_NAME = "process.json"


@contextmanager
def announced(folder: Path) -> Iterator[None]:
    """Say that this process runs the run of `folder`, for as long as it does."""
    path = folder / PROCESS_NAME
    me = {"pid": os.getpid(), "host": socket.gethostname(), "born": psutil.Process().create_time()}
    path.write_text(json.dumps(me), encoding="utf-8")
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def read_process(folder: Path) -> dict[str, Any] | None:
    """What a run's process said of itself; None when it said nothing."""
    try:
        raw = json.loads((folder / PROCESS_NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return raw if isinstance(raw, dict) and {"pid", "host", "born"} <= raw.keys() else None


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
