"""Who works on a project: a small record per window, so that a second window can say that there is a first.

Advisory only: label revisions never collide, so nobody is kept out. A window that died leaves its record; it no longer
counts then (see `ownership`: no clock of a computer, and no number of a process, is asked).
"""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from ..disk import names_in
from ..errors import MedSSLError
from ..hosts import host_name
from ..locking import forget_lock
from ..ownership import Owner, Ownership, living_owner, living_owners, look, own, silent_for

#: A window that works on the project.
Holder = Owner

_DAY = 86_400.0


class Lease:
    """This window's lease, which shows by itself that the window lives. `release` it at the end; or use it in a `with`.

    Parameters
    ----------
    folder : Path
        Where the leases of the project are.
    ownership : Ownership or None
        None where the project cannot be written to.
    """

    def __init__(self, folder: Path, ownership: Ownership | None) -> None:
        self._folder = folder
        self._ownership = ownership

    @property
    def path(self) -> Path | None:
        """Its file; None where it has none."""
        return None if self._ownership is None else self._ownership.path

    @property
    def name(self) -> str:
        """What this window is called where it leaves notes; "" where it has no lease."""
        return "" if self.path is None else self.path.name

    @property
    def others(self) -> list[Holder]:
        """The other windows that are alive, oldest first."""
        found = living_owners(self._folder)
        found.pop(self.name, None)
        return sorted(found.values(), key=lambda one: one.started)

    @property
    def warning(self) -> str | None:
        """One sentence for a person where other windows work on the project, else None."""
        others = self.others
        if not others:
            return None
        names = "; ".join(str(one) for one in others)
        return (
            f"This project is open elsewhere too: {names}. Agree on who works on which case: where both draw on one, "
            "you are asked before newer labels are replaced."
        )

    def renew(self) -> None:
        """Show at once that this window lives."""
        if self._ownership is not None:
            self._ownership.beat()

    def release(self) -> None:
        """Say that this window is done."""
        if self._ownership is not None:
            self._ownership.release(for_good=True)
            self._ownership = None

    def __enter__(self) -> Lease:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.release()


def take_lease(folder: Path, owner: str) -> Lease:
    """Take a lease in a folder, and clear those of windows that are gone; never fails, a lease is a courtesy."""
    with suppress(OSError, MedSSLError):
        _clear_gone(folder)
    name = f"{host_name()}-{os.getpid()}-{secrets.token_hex(3)}.json"
    try:
        return Lease(folder, own(folder / name, owner))
    except (OSError, MedSSLError):
        return Lease(folder, None)


def is_held(folder: Path, name: str) -> bool:
    """Whether the window whose lease has this name still lives."""
    return bool(name) and living_owner(folder / name) is not None


def _clear_gone(folder: Path) -> None:
    for name in names_in(folder, ".json"):
        path = folder / name
        _, sign = look(path)
        # one that only seems to be gone writes its lease again
        if sign == "gone" or (sign == "quiet" and silent_for(path) > _DAY):
            path.unlink(missing_ok=True)
            forget_lock(path)
