"""Who owns something for long: a run that trains, a window's place in a project, a case that somebody draws on.

An owner leaves a small record that says who and where, and two signs of life. For this computer it is a lock of the
operating system on `.<name>.lock` beside the record: it ends with its process, whatever happened, so that no number of
a process has to be looked up; where the system keeps no locks, the number of the process and its birth tell that (see
`hosts.lives`). For other computers, whose locks may not be seen from here, a `beat` in the record counts on every few
seconds. An owner elsewhere is gone when a reader saw no beat for `SILENCE` seconds, counted by the
reader's own clock that only goes forward: no times of two clocks are compared to decide that.
"""

from __future__ import annotations

import os
import secrets
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

from .disk import clock_of, make_folder, names_in, read_json, read_json_or_none, remedy, remove_if, write_json
from .errors import BadFileError, DamagedFileError, MedSSLError
from .hosts import host_name, lives, machine_id, may_be_alive, this_process
from .locking import Lock, forget_lock, held_by_another, long_lock

BEAT = 15.0  # seconds between two signs of life
SILENCE = 120.0  # seconds without one after which an owner on another computer is gone

#: "quiet": on another computer, and nobody here has listened for long enough to be sure.
Sign = Literal["alive", "quiet", "gone"]


@dataclass(frozen=True)
class Owner:
    """Who owns something, as its record says.

    Attributes
    ----------
    owner : str
        A person, "" where nobody said.
    host : str
        The computer.
    pid : int
        The process there, for people to read; 0 where it is not known.
    started : str
        Since when (ISO 8601, UTC), by that computer's clock.
    token : str
        Names this one ownership; "" in records of before there were locks.
    said : mapping
        All of the record.
    """

    owner: str
    host: str
    pid: int
    started: str
    token: str = ""
    said: Mapping[str, Any] = field(default_factory=dict, compare=False)

    @property
    def is_of_this_computer(self) -> bool:
        """Whether the locks of this computer decide over it."""
        return self.host == host_name() and self.said.get("machine", machine_id()) == machine_id()

    def __str__(self) -> str:
        who = f"{self.owner} on {self.host}" if self.owner else self.host
        return f"{who} (process {self.pid}, since {self.started[:16].replace('T', ' ')} UTC)"


class OwnedError(MedSSLError):
    """Somebody else owns it, and lives."""

    def __init__(self, path: Path, owner: Owner | None) -> None:
        self.owner = owner
        super().__init__(f"{path}: it belongs to {owner or 'another process'}. Wait until that one is done.")


class Ownership:
    """What this process owns; made by `own`. It beats by itself until it is released."""

    def __init__(self, path: Path, values: dict[str, Any], lock: Lock) -> None:
        self.path = path
        self.is_lost = False
        self._values = values
        self._lock: Lock | None = lock
        self._beating = threading.Lock()

    @property
    def owner(self) -> Owner:
        """This process, as others see it."""
        return _owner(self._values)

    def beat(self) -> None:
        """Show that this process lives, and look whether another computer took it for dead and owns it now."""
        with self._beating:
            if self._lock is None or not self.path.parent.is_dir():  # moved, or not mounted: make nothing anew
                return
            try:
                said = read_json_or_none(self.path)
                if said is not None and said.get("token") != self._values["token"]:
                    self.is_lost = True
                    self._let_go()
                    return
                if not self._lock.is_there:  # somebody tidied up; without it we would count as gone here
                    self._lock.release()
                    self._lock = long_lock(self.path)
                    if self._lock is None:
                        self.is_lost = True
                        _forget(self)
                        return
                self._values["beat"] += 1
                # nothing waits for the disk: a beat that a power cut takes away is missed by nobody
                write_json(self.path, self._values, new=not self.path.exists(), durable=False)
            except (OSError, MedSSLError):
                with suppress(OSError):
                    os.utime(self.path)  # on a full disk too

    def release(self, *, for_good: bool = False) -> None:
        """Own it no more.

        Parameters
        ----------
        for_good : bool
            Nobody will ever own what has this name: remove the file of the lock, too.
        """
        with self._beating:
            if self._lock is None:
                return
            with suppress(OSError):
                if (read_json_or_none(self.path) or {}).get("token") == self._values["token"]:
                    self.path.unlink(missing_ok=True)
            self._let_go()
            if for_good:
                forget_lock(self.path)

    def _let_go(self) -> None:
        _forget(self)
        lock, self._lock = self._lock, None
        if lock is not None:
            lock.release()

    def __enter__(self) -> Ownership:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.release()


def own(path: Path, owner: str = "", values: Mapping[str, Any] | None = None, witness: Path | None = None) -> Ownership:
    """Own something from now on; of several processes that try at once exactly one succeeds.

    Parameters
    ----------
    path : Path
        Its record; the folder is made where there is none.
    owner : str
        Who, for people.
    values : mapping, optional
        What else the record says.
    witness : Path, optional
        A file that a living owner writes to: when it grows, that is a sign of life too.

    Raises
    ------
    OwnedError
        If somebody else owns it. Where an owner on another computer was silent for long, this waits and listens for
        `SILENCE` seconds in all before it is taken for gone.
    BadFileError
        If the record cannot be written.
    """
    lock = _take_lock(path, witness)
    try:
        _clear(path, witness, lock)
        said = {
            "owner": owner,
            **this_process(),
            "started": datetime.now(UTC).isoformat(),
            "token": secrets.token_hex(8),
            "beat": 0,
            **(values or {}),
        }
        try:
            write_json(path, said, new=True)
        except FileExistsError:  # a computer that does not see our lock was faster
            raise OwnedError(path, read_owner(path)) from None
    except BaseException:
        lock.release()
        raise
    ownership = Ownership(path, said, lock)
    _remember(ownership)
    return ownership


def make_way(path: Path, witness: Path | None = None) -> None:
    """Clear the record of an owner that is gone, so that a process that is about to be started need not listen for it.

    Raises
    ------
    OwnedError, BadFileError
        See `own`.
    """
    lock = _take_lock(path, witness)
    try:
        _clear(path, witness, lock)
    finally:
        lock.release()


def owned_here(path: Path) -> Ownership | None:
    """What this process owns under that record, if it does."""
    with _guard:
        return _owned.get(_key(path))


def read_owner(path: Path) -> Owner | None:
    """What a record says, whether or not its owner lives; None where there is none."""
    try:
        said = read_json(path)
    except (OSError, DamagedFileError):
        return UNREADABLE
    return None if said is None else _owner(said)


def look(path: Path, witness: Path | None = None) -> tuple[Owner | None, Sign]:
    """The owner of something, and what is known of its life; without waiting.

    Returns
    -------
    owner : Owner or None
        None where nobody owns it, or the owner has not said who it is yet.
    sign : {"alive", "quiet", "gone"}
    """
    mine = owned_here(path)
    if mine is not None:
        return mine.owner, "alive"
    held = held_by_another(path)
    owner = read_owner(path)
    if held:
        return owner, "alive"
    if owner is None:
        return None, "gone"
    if owner.is_of_this_computer and owner.token and held is False:
        return owner, "gone"  # for owners elsewhere, whose locks may not be seen from here, that proves nothing
    return owner, _sign_without_lock(path, owner, witness)


def living_owner(path: Path, witness: Path | None = None) -> Owner | None:
    """Who owns something and lives, as far as can be told without waiting; None where nobody does."""
    owner, sign = look(path, witness)
    return (owner or UNKNOWN) if sign == "alive" else None


def silent_for(path: Path) -> float:
    """Seconds since the owner gave a sign of life, by the clock of the disk: an impression, no proof."""
    return _age(path, None)


def living_owners(folder: Path) -> dict[str, Owner]:
    """The living owners of the records in a folder, by the names of the records."""
    found = ((name, living_owner(folder / name)) for name in names_in(folder, ".json"))
    return {name: owner for name, owner in found if owner is not None}


#: An owner that holds the lock and has not written who it is yet; one whose record is damaged, and may be anybody's.
UNKNOWN = Owner("", "this computer", 0, "")
UNREADABLE = Owner("", "another computer", 0, "", "?", {"machine": "?"})


def _owner(said: Mapping[str, Any]) -> Owner:
    try:
        pid = int(said.get("pid", 0))
    except (TypeError, ValueError):
        pid = 0
    owner, host, started, token = (str(said.get(name, "")) for name in ("owner", "host", "started", "token"))
    return Owner(owner, host, pid, started, token, said)


# -- taking it --------------------------------------------------------------------------------------------------------


def _take_lock(path: Path, witness: Path | None) -> Lock:
    if owned_here(path) is not None:
        raise OwnedError(path, read_owner(path))
    try:
        make_folder(path.parent)
        lock = long_lock(path)
    except OSError as error:
        raise BadFileError(path, f"it cannot be written ({error.strerror or error})", remedy(error)) from error
    if lock is None:
        raise OwnedError(path, look(path, witness)[0])
    return lock


def _clear(path: Path, witness: Path | None, lock: Lock) -> None:
    """Remove the record of an owner that is gone; the lock is ours."""
    owner = read_owner(path)
    proven = owner is not None and owner.token and owner.is_of_this_computer and lock.is_of_system
    if owner is not None and not proven:
        while True:
            sign = _sign_without_lock(path, owner, witness)
            if sign == "alive":
                raise OwnedError(path, owner)
            if sign == "gone" or owner is UNREADABLE:
                break
            time.sleep(min(1.0, SILENCE / 20))
    _remove(path, owner)


def _sign_without_lock(path: Path, owner: Owner, witness: Path | None) -> Sign:
    if owner.is_of_this_computer:
        alive = lives(owner.said) if owner.token else may_be_alive(owner.pid, owner.said.get("born"))
        if alive is not None:
            return "alive" if alive else "gone"
    return _listen(path, read_owner(path) or owner, witness)


def _remove(path: Path, owner: Owner | None) -> None:
    """Remove the record of `owner`, but not one that another computer wrote just now in its place."""
    token = None if owner is None else owner.token
    if not remove_if(path, lambda file: token in (None, (read_owner(file) or UNREADABLE).token)):
        raise OwnedError(path, read_owner(path))


# -- beating ----------------------------------------------------------------------------------------------------------

_guard = threading.RLock()
_owned: dict[str, Ownership] = {}
_pulse: threading.Thread | None = None


def _key(path: Path) -> str:
    return os.path.abspath(path)


def _remember(ownership: Ownership) -> None:
    global _pulse
    with _guard:
        _owned[_key(ownership.path)] = ownership
        if _pulse is None or not _pulse.is_alive():
            _pulse = threading.Thread(target=_beat_all, name="napari-medssl-beats", daemon=True)
            _pulse.start()


def _forget(ownership: Ownership) -> None:
    with _guard:
        if _owned.get(_key(ownership.path)) is ownership:
            del _owned[_key(ownership.path)]


def _beat_all() -> None:
    """One thread beats for all that this process owns; it ends when that is nothing any more."""
    global _pulse
    while True:
        time.sleep(BEAT)
        with _guard:
            owned = list(_owned.values())
            if not owned:
                _pulse = None
                return
        for ownership in owned:
            ownership.beat()


# -- listening --------------------------------------------------------------------------------------------------------

#: Of each record of another computer: what was last heard, when by our own clock, and what it looked like at first.
_heard: dict[str, tuple[tuple[object, ...], float, Sign]] = {}


def _listen(path: Path, owner: Owner, witness: Path | None) -> Sign:
    beat = (owner.token, owner.said.get("beat"), _stamp(path), None if witness is None else _stamp(witness))
    now = time.monotonic()
    with _guard:
        before = _heard.get(_key(path))
        if before is None:
            # how long ago by the clock of the disk that both files are on: a first impression, and no more than that
            sign: Sign = "quiet" if _age(path, witness) > SILENCE else "alive"
            _heard[_key(path)] = (beat, now, sign)
            return sign
        if before[0] != beat:
            # a beat counts on; a file that was only touched must have been so just now, by the clock of its disk
            beats = before[0][:2] != beat[:2] or before[0][3] != beat[3]
            sign = "alive" if beats or _age(path, witness) <= SILENCE else "quiet"
            _heard[_key(path)] = (beat, now, sign)
            return sign
        return "gone" if now - before[1] >= SILENCE else before[2]


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        with path.open("rb") as file:  # opened, not only asked about: a network share tells its newest state then
            stat = os.fstat(file.fileno())
    except OSError:
        return None
    return stat.st_size, stat.st_mtime_ns


def _age(path: Path, witness: Path | None) -> float:
    """Seconds since the last sign of life, by the clock of the disk where it can be asked."""
    stamps = [stamp[1] for one in (path, witness) if one is not None and (stamp := _stamp(one)) is not None]
    return abs(clock_of(path.parent) - max(stamps, default=0) / 1e9)
