"""What this computer is called where it leaves word for others, and whether a process of it lives."""

from __future__ import annotations

import hashlib
import os
import re
import socket
import uuid
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

_PROGRAM = re.compile(r"napari([-_]medssl.*)?(\.exe)?$")


def host_name() -> str:
    """The name of this computer."""
    return socket.gethostname()


@cache
def machine_id() -> str:
    """Tells two computers of the same name apart; a hash, so that it says nothing of the machine to anybody."""
    node = uuid.getnode()
    known = "" if node >> 40 & 1 else str(node)  # a number drawn at random would be another one in each process
    return hashlib.sha256(f"napari-medssl {known}".encode()).hexdigest()[:12]


def this_process() -> dict[str, Any]:
    """What a record says of this process, so that others find out whether it lives (see `lives`)."""
    pid = os.getpid()
    return {"host": host_name(), "machine": machine_id(), "place": _place(), "pid": pid, "born": _born(pid)}


def lives(said: Mapping[str, Any]) -> bool | None:
    """Whether the process that a record names lives; None where that cannot be told from here.

    Numbers of processes say something only where they were given out: within one start of one computer, and of one
    container in it. Elsewhere the answer is None.

    Parameters
    ----------
    said : mapping
        Has the members of `this_process`.
    """
    if said.get("host") != host_name() or said.get("machine") != machine_id() or said.get("place") != _place():
        return None
    pid, born = said.get("pid"), said.get("born")
    if not isinstance(pid, int) or pid <= 0 or not isinstance(born, str | float):
        return None
    return _born(pid) == born if isinstance(born, str) else may_be_alive(pid, born)


@cache
def _place() -> str:
    """Within what numbers of processes are given out; "" where the system does not tell."""
    with suppress(OSError):
        start = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return hashlib.sha256(f"{start} {os.readlink('/proc/self/ns/pid')}".encode()).hexdigest()[:12]
    return ""


def _born(pid: int) -> str | float | None:
    """When a living process began; a text where no clock that is put right can change it."""
    if _place():
        try:
            words = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
        except OSError:
            return None
        is_dead = words[0] in "ZX" and int(words[17]) < 2  # with more, some of its threads are still on their way out
        return None if is_dead else f"{words[19]} ticks"
    import psutil

    with suppress(psutil.Error):
        return float(psutil.Process(pid).create_time())
    return None


def may_be_alive(pid: int, born: object) -> bool:
    """Whether a process of this computer may be the one that wrote a record before there were locks.

    Its time of birth moves with the clock, so a process of this program counts whatever that says.
    """
    import psutil

    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        with suppress(TypeError, ValueError):
            if abs(process.create_time() - float(born)) < 2.0:  # type: ignore[arg-type]
                return True
        return any(_PROGRAM.match(os.path.basename(word)) for word in process.cmdline()[:4])
    except (psutil.NoSuchProcess, ValueError, OverflowError):
        return False
    except psutil.Error:
        return True
