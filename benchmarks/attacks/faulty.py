"""A disk that is full, or a process that dies, at the n-th thing that is written below a folder.

What Python writes goes through it, threads included: making, writing, renaming and flushing of files and folders; and
safetensors, where they are imported already. What
is refused or interrupted while it is written is there by half. Removing is never refused: a full disk allows it.
"""

from __future__ import annotations

import builtins
import errno
import io
import os
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from unittest.mock import patch

from safetensors import SafetensorError

_open, _os_open = io.open, os.open


class Disk:
    """The disk under a folder, for the time of a `with`.

    Parameters
    ----------
    root : Path
        What lies elsewhere is written as ever.
    at : int, optional
        Number of the first call that is refused; None: none is, they are counted only.
    code : int
        Of the error.
    stays : bool
        Whether all that follow are refused, too.
    kill : bool
        The process dies by SIGKILL instead.

    Attributes
    ----------
    points : list of str
        What was called so far.
    """

    def __init__(
        self, root: Path, at: int | None = None, code: int = errno.ENOSPC, *, stays: bool = True, kill: bool = False
    ) -> None:
        self.points: list[str] = []
        self._root = os.fspath(root.absolute()) + os.sep
        self._at, self._code, self._stays, self._kill = at, code, stays, kill
        self._guard = threading.Lock()
        self._stack = ExitStack()

    @property
    def refused(self) -> bool:
        """Whether it came that far."""
        return self._at is not None and len(self.points) > self._at

    def point(self, what: str, path: Any, half: Callable[[], object] = lambda: None) -> None:
        """Count a call, and refuse it where its turn has come; `half` does half of it before."""
        if not self._is_below(path):
            return
        with self._guard:
            number = len(self.points)
            self.points.append(f"{what} {os.path.relpath(path, self._root)}")
        if self._at is None or number < self._at or (number > self._at and not self._stays):
            return
        half()
        if self._kill:
            os.kill(os.getpid(), signal.SIGKILL)
        raise OSError(self._code, os.strerror(self._code), os.fspath(path))

    def __enter__(self) -> Disk:
        for where, name in ((builtins, "open"), (io, "open")):
            self._stack.enter_context(patch.object(where, name, self._opened))
        self._stack.enter_context(patch.object(os, "open", self._os_opened))
        for name in ("replace", "rename", "link"):
            self._stack.enter_context(patch.object(os, name, self._counting(name, getattr(os, name), 1)))
        self._stack.enter_context(patch.object(os, "mkdir", self._counting("mkdir", os.mkdir, 0)))
        self._stack.enter_context(patch.object(os, "fsync", self._synced(os.fsync)))
        models = sys.modules.get("napari_medssl.inference.tensor_file")  # of whoever writes any
        if models is not None:
            self._stack.enter_context(patch.object(models, "save_file", self._saved(models.save_file)))
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _is_below(self, path: Any) -> bool:
        return os.path.abspath(os.fsdecode(path)).startswith(self._root)

    def _counting(self, what: str, real: Callable[..., Any], place: int) -> Callable[..., Any]:
        def counted(*args: Any, **more: Any) -> Any:
            self.point(what, args[place])
            return real(*args, **more)

        return counted

    def _synced(self, real: Callable[[int], None]) -> Callable[[int], None]:
        def synced(handle: int) -> None:
            self.point("fsync", os.readlink(f"/proc/self/fd/{handle}"))
            real(handle)

        return synced

    def _saved(self, real: Callable[..., None]) -> Callable[..., None]:
        def saved(tensors: Any, path: Path, header: Any = None) -> None:
            def half() -> None:
                if self._kill:  # else the library takes back what it has written
                    real(tensors, path, header)
                    os.truncate(path, os.path.getsize(path) // 2)

            try:
                self.point("save", path, half)
            except OSError as error:
                raise SafetensorError(
                    f"Error while serializing: I/O error: {error.strerror} (os error {error.errno})"
                ) from None
            real(tensors, path, header)

        return saved

    def _os_opened(self, path: Any, flags: int, *args: Any, **more: Any) -> int:
        if flags & os.O_CREAT and not os.path.lexists(path):
            self.point("make", path)
        return _os_open(path, flags, *args, **more)

    def _opened(
        self,
        file: Any,
        mode: str = "r",
        buffering: int = -1,
        encoding: str | None = None,
        errors: str | None = None,
        newline: str | None = None,
        closefd: bool = True,
        opener: Any = None,
    ) -> Any:
        if isinstance(file, int) or opener or not set(mode) & set("wxa+") or not self._is_below(file):
            return _open(file, mode, buffering, encoding, errors, newline, closefd, opener)
        if not os.path.lexists(file):
            self.point("make", file)
        raw = _Raw(self, file, mode.translate({ord("b"): None, ord("t"): None}))
        if buffering == 0:
            return raw
        buffered = io.BufferedRandom(raw) if "+" in mode else io.BufferedWriter(raw)
        return buffered if "b" in mode else io.TextIOWrapper(buffered, encoding or "utf-8", errors, newline)


class _Raw(io.FileIO):
    """A file whose writes may be refused."""

    def __init__(self, disk: Disk, path: Any, mode: str) -> None:
        super().__init__(path, mode)
        self._disk, self._path = disk, path

    def write(self, data: Any) -> int:
        data = memoryview(data).cast("B")
        write = super().write
        self._disk.point("write", self._path, lambda: write(data[: len(data) // 2]))
        return write(data)
