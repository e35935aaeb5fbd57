"""Who works on a project: a small file per window, so that a second window can say that there is a first.

Advisory only: label revisions never collide, so nobody is kept out. A window that died leaves its file; it no longer
counts once its process is gone (same computer) or its file has not been touched for two minutes (another one).
"""

from __future__ import annotations

import os
import secrets
import socket
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

from ..disk import make_folder, names_in, read_json_or_none, write_json
from ..errors import MedSSLError

STALE_SECONDS = 120.0


@dataclass(frozen=True)
class Holder:
    """A window that works on the project."""

    owner: str
    host: str
    pid: int
    started: str

    def __str__(self) -> str:
        who = f"{self.owner} on {self.host}" if self.owner else self.host
        return f"{who} (process {self.pid}, since {self.started[:16].replace('T', ' ')} UTC)"


class Lease:
    """This window's lease. Call `renew` at least once a minute, and `release` at the end; or use it in a `with`.

    Parameters
    ----------
    path : Path or None
        Its file; None where the project cannot be written to.
    values : dict
        What is in it.
    """

    def __init__(self, folder: Path, path: Path | None, values: dict[str, Any]) -> None:
        self._folder = folder
        self._values = values
        self.path = path

    @property
    def name(self) -> str:
        """What this window is called where it leaves notes; "" where it has no lease."""
        return "" if self.path is None else self.path.name

    @property
    def others(self) -> list[Holder]:
        """The other windows that are alive, oldest first."""
        found = (_holder(self._folder / name) for name in names_in(self._folder, ".json") if not self._is_mine(name))
        return sorted((one for one in found if one is not None), key=lambda one: one.started)

    @property
    def warning(self) -> str | None:
        """One sentence for a person where other windows work on the project, else None."""
        others = self.others
        if not others:
            return None
        names = "; ".join(str(one) for one in others)
        return f"This project is open elsewhere too: {names}. Nothing is lost: each save is a revision of its own."

    def renew(self) -> None:
        """Show that this window lives."""
        if self.path is not None:
            with suppress(OSError, MedSSLError):
                if self.path.exists():
                    os.utime(self.path)
                else:  # cleared by a computer that took this window for dead
                    write_json(self.path, self._values)

    def release(self) -> None:
        """Say that this window is done."""
        if self.path is not None:
            with suppress(OSError):
                self.path.unlink(missing_ok=True)
            self.path = None

    def _is_mine(self, name: str) -> bool:
        return self.path is not None and self.path.name == name

    def __enter__(self) -> Lease:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.release()


def take_lease(folder: Path, owner: str) -> Lease:
    """Take a lease in a folder, and clear those of windows that are gone; never fails, a lease is a courtesy."""
    with suppress(OSError):
        for name in names_in(folder, ".json"):
            if _holder(folder / name) is None:
                with suppress(OSError):
                    (folder / name).unlink()
    path = folder / f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}.json"
    values = {
        "owner": owner,
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "born": _born(os.getpid()),
        "started": datetime.now(UTC).isoformat(),
    }
    try:
        make_folder(folder)
        write_json(path, values)
    except (OSError, MedSSLError):
        return Lease(folder, None, values)
    return Lease(folder, path, values)


def is_held(folder: Path, name: str) -> bool:
    """Whether the window whose lease has this name still lives."""
    return bool(name) and _holder(folder / name) is not None


def _holder(path: Path) -> Holder | None:
    """Who holds a lease; None where its window is gone."""
    try:
        raw: dict[str, Any] = read_json_or_none(path) or {}
        holder = Holder(str(raw["owner"]), str(raw["host"]), int(raw["pid"]), str(raw["started"]))
        if holder.host == socket.gethostname():
            born = _born(holder.pid)
            return holder if born is not None and born == raw["born"] else None
        return holder if time.time() - path.stat().st_mtime < STALE_SECONDS else None
    except (OSError, KeyError, TypeError, ValueError):
        return None


def _born(pid: int) -> float | None:
    """When a process of this computer began, so that a number used again is not taken for the old process."""
    import psutil

    try:
        return float(psutil.Process(pid).create_time())
    except psutil.Error:
        return None
