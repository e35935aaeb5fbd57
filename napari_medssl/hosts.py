"""What this computer is called where it leaves word for others, and whether a process of it lives."""

from __future__ import annotations

import hashlib
import os
import re
import socket
import uuid
from contextlib import suppress
from functools import cache

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
