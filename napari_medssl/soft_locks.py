"""Locks that are files, for network shares on which the operating system has none.

A lock is the file `.<name>.held`, which only one can make (`link`, or `O_EXCL` where there are no links). It says who
holds it, and a beat in it counts on every few seconds. Whoever holds it on this computer is gone when its process is;
on another computer, when a reader saw no beat for `SILENCE` seconds, counted by the reader's own clock that only goes
forward.

What a holder that is gone left is not removed to take its place: a successor, `.<name>.held.<token>`, is made, which is
named by the lock that it follows, so that of several which try at once one succeeds again. The last of such a row holds
the lock. It then takes the name of the first, in one step, so that rows stay short; whoever read the row before that
and makes a successor of its own finds out when it looks again. Letting go removes the first one first.
"""

from __future__ import annotations

import atexit
import hashlib
import json
import os
import secrets
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from .disk import link_new, move_over
from .hosts import lives, this_process

BEAT = 5.0  # seconds between two signs of life
SILENCE = 60.0  # seconds without one after which a holder on another computer is gone
_POLL = 0.05
_ONCE = os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_BINARY", 0)
_DIGITS = 12
_LET_GO = "let go".ljust(_DIGITS)  # in place of the beat, where the file could not be removed

#: "quiet": on another computer, not heard of late, and nobody here has listened for long enough to be sure.
Sign = Literal["alive", "quiet", "gone"]


@dataclass(frozen=True)
class Holder:
    """Who holds a lock, as its file says.

    Attributes
    ----------
    path : Path
        The file.
    token : str
        Names this one holding of the lock.
    beat : str
        Another one each few seconds.
    said : mapping
        The members of `hosts.this_process`, and "since" (ISO 8601, UTC, by that computer's clock); nothing where the
        file is damaged or not written yet.
    """

    path: Path
    token: str
    beat: str
    said: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        if not self.said:
            return "another program"
        since = str(self.said.get("since", ""))[:16].replace("T", " ")
        return f"{self.said.get('host')} (process {self.said.get('pid')}, since {since} UTC)"


class SoftLock:
    """A lock of this process: `acquire`, then `release`. It beats by itself meanwhile.

    Parameters
    ----------
    path : Path
        Of the first file of the lock; its folder is there.
    """

    def __init__(self, path: Path) -> None:
        self.token = secrets.token_hex(8)
        self.is_stuck = False
        self._path = path
        self._files: list[Path] = []  # the row that ends with ours
        self._beat = 0
        self._process = os.getpid()

    def acquire(self, patience: float) -> bool:
        """Take it; False where another one holds it and lives.

        Where a holder on another computer is silent, this listens for `SILENCE` seconds, however short the patience.

        Raises
        ------
        OSError
            If the files cannot be written or read.
        """
        until = time.monotonic() + patience
        while True:
            sign = self._try()
            if sign is None:
                _remember(self)
                return True
            late = time.monotonic() - until
            if late >= SILENCE or (late >= 0 and sign == "alive"):
                return False
            time.sleep(_POLL)

    def is_ours(self) -> bool:
        """Whether this is still the one that holds it, and nobody tidied its files up or took us for gone."""
        holder = look(self._path)[0]
        return holder is not None and holder.token == self.token

    def release(self) -> None:
        """Let go of it; what another one holds by now stays as it is."""
        if self._process != os.getpid():  # a fork of the process that holds it
            return
        self.is_stuck = not self._remove()
        if not self.is_stuck or self._say(_LET_GO):
            _forget(self)

    def beat(self) -> None:
        """Show that its holder lives; or that it let go, where the files could not be removed."""
        if self.is_stuck:
            # not removed again: by now another one may follow it
            if self._say(_LET_GO) or not self._files[-1].exists():
                _forget(self)
            return
        self._beat += 1
        self._say(f"{self._beat:0{_DIGITS}d}")

    def _say(self, words: str) -> bool:
        """Write a beat; False where the share is away, or the file is no more."""
        try:
            handle = os.open(self._files[-1], os.O_WRONLY | getattr(os, "O_BINARY", 0))
            try:
                os.write(handle, words.encode())
                os.fsync(handle)
            finally:
                os.close(handle)
        except (OSError, IndexError):  # the latter: it is about to be taken
            return False
        return True

    def _try(self) -> Sign | None:
        """None where it is ours now, else what is known of its holder."""
        with _guard:
            _held[self.token] = self  # known as alive before anybody can read of it
        try:
            row = _row(self._path)
            sign = _sign(row[-1]) if row else "gone"
            if sign != "gone":
                return self._not_ours(sign)
            mine = _successor(self._path, row[-1].token) if row else self._path
            self._make(mine)
        except FileExistsError:
            return self._not_ours("quiet")  # another one was faster
        except OSError as error:
            self._not_ours("quiet")
            if os.name == "nt" and isinstance(error, PermissionError):
                return "quiet"  # so says Windows of a file that is just being removed
            raise
        self._files = [*(one.path for one in row), mine]
        if not self.is_ours():  # the one that seemed to be gone let go of it just now
            with suppress(OSError):
                mine.unlink(missing_ok=True)
            return self._not_ours("quiet")
        if row:
            self._come_first(row)
        return None

    def _come_first(self, row: list[Holder]) -> None:
        with suppress(OSError):  # Windows, while another one reads it: the row stays as it is
            move_over(self._files[-1], self._path)
            self._files = [self._path]
            for one in row[1:]:
                one.path.unlink(missing_ok=True)

    def _not_ours(self, sign: Sign) -> Sign:
        _forget(self)
        return sign

    def _make(self, path: Path) -> None:
        said = {**this_process(), "since": datetime.now(UTC).isoformat(), "token": self.token}
        data = f"{0:0{_DIGITS}d}\n{json.dumps(said)}\n".encode()
        whole = path.with_name(f"{path.name}.{self.token}.tmp")
        try:
            _write_new(whole, data)
            link_new(whole, path)  # never seen half written
        except FileExistsError:
            holder = _read(path)  # a share may lose its answer and do it twice
            if holder is None or holder.token != self.token:
                raise
        except OSError:  # no links here
            _write_new(path, data)
        finally:
            with suppress(OSError):
                whole.unlink(missing_ok=True)

    def _remove(self) -> bool:
        """Whether nothing of ours is left to remove."""
        for _ in range(10 if os.name == "nt" else 1):
            try:
                if self.is_ours():
                    for path in self._files:
                        path.unlink(missing_ok=True)
                return True
            except OSError:  # Windows, while another one reads it; or a share that is away
                time.sleep(_POLL)
        return False


def look(path: Path) -> tuple[Holder | None, Sign]:
    """Who holds the lock with that first file, and what is known of its life; without waiting.

    Raises
    ------
    OSError
        If it cannot be read.
    """
    row = _row(path)
    return (row[-1], _sign(row[-1])) if row else (None, "gone")


def clear(path: Path) -> None:
    """Remove the files that a holder left which is gone; of a lock that somebody holds they stay."""
    with suppress(OSError):
        lock = SoftLock(path)
        if path.exists() and lock._try() is None:
            lock.release()


# -- files ------------------------------------------------------------------------------------------------------------


def _write_new(path: Path, data: bytes) -> None:
    handle = os.open(path, _ONCE, 0o666)
    try:
        os.write(handle, data)
    except OSError:
        os.close(handle)
        path.unlink(missing_ok=True)
        raise
    os.close(handle)


def _successor(path: Path, token: str) -> Path:
    return path.with_name(f"{path.name}.{token}")


def _row(path: Path) -> list[Holder]:
    """The holder of a lock, behind those that are gone whose places it took."""
    row: list[Holder] = []
    at = path
    while (holder := _read(at)) is not None and all(holder.token != one.token for one in row):
        row.append(holder)
        at = _successor(path, holder.token)
    return row


def _read(path: Path) -> Holder | None:
    try:
        with path.open("rb") as file:  # opened anew, so that a network share tells its newest state
            data, changed = file.read(), os.fstat(file.fileno()).st_mtime_ns
    except (FileNotFoundError, NotADirectoryError):
        return None
    beat, _, text = data.decode(errors="replace").partition("\n")
    try:
        said = json.loads(text)
        token = said["token"]
        if isinstance(token, str) and token.isalnum():
            return Holder(path, token, beat, said)
    except (ValueError, KeyError, TypeError):
        pass
    mark = hashlib.sha256(data + str(changed).encode()).hexdigest()[:16]
    return Holder(path, mark, beat)


# -- signs of life ----------------------------------------------------------------------------------------------------

_guard = threading.RLock()
_held: dict[str, SoftLock] = {}  # by token, of this process
#: Of each holder on another computer: its token and beat, since when by our own clock, and what that told.
_heard: dict[str, tuple[str, str, float, Sign]] = {}
_pulse: threading.Thread | None = None


def _sign(holder: Holder) -> Sign:
    with _guard:
        mine = _held.get(holder.token)
    if mine is not None:
        return "gone" if mine.is_stuck else "alive"
    if holder.beat == _LET_GO:
        return "gone"
    alive = lives(holder.said)
    if alive is not None:
        # of this very process, and no more held: what could not be removed
        return "alive" if alive and holder.said.get("pid") != os.getpid() else "gone"
    key, now = os.path.abspath(holder.path), time.monotonic()
    with _guard:
        token, beat, since, told = _heard.get(key, ("", "", 0.0, "quiet"))
        if token == holder.token and beat == holder.beat:
            silent = now - since
            return "gone" if silent >= SILENCE else "quiet" if silent > 3 * BEAT else told
        sign: Sign = "alive" if token == holder.token else "quiet"
        _heard[key] = (holder.token, holder.beat, now, sign)
        return sign


def _remember(lock: SoftLock) -> None:
    global _pulse
    with _guard:
        _held[lock.token] = lock
        if _pulse is None or not _pulse.is_alive():
            _pulse = threading.Thread(target=_beat_all, name="napari-medssl-locks", daemon=True)
            _pulse.start()


def _forget(lock: SoftLock) -> None:
    with _guard:
        _held.pop(lock.token, None)


def _beat_all() -> None:
    """One thread beats for all that this process holds; it ends when that is nothing any more."""
    global _pulse
    while True:
        time.sleep(BEAT)
        with _guard:
            held = list(_held.values())
            if not held:
                _pulse = None
                return
        for lock in held:
            lock.beat()


@atexit.register
def _release_all() -> None:
    for lock in list(_held.values()):
        lock.release()
