"""Bytes of a file that may be gzipped, in one pass, in bounded memory, with the checksum checked.

Whether a file is gzipped is seen from its first two bytes, never from its name: both "plain data named .gz" and the
opposite occur in the wild.
"""

from __future__ import annotations

import stat
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from ...errors import BadFileError

GZIP_MAGIC = b"\x1f\x8b"
#: deflate cannot expand more than this (zlib's technical notes: 1032:1), so no honest header can claim more
LARGEST_EXPANSION = 1032
_PIECE = 1 << 18
_COPY_AGAIN = "copy the file again from where it came from"


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Turn the operating system's refusals to read `path` into a `BadFileError`."""
    try:
        yield
    except FileNotFoundError:
        raise BadFileError(path, "there is no such file", "check the path, or mount the drive it is on") from None
    except IsADirectoryError:
        raise BadFileError(path, "it is a folder, not a file", "give the files in it") from None
    except PermissionError:
        raise BadFileError(path, "it may not be read", "ask for permission to read it") from None
    except OSError as error:
        raise BadFileError(path, f"it cannot be read ({error.strerror or error})", _COPY_AGAIN) from None


def refuse_special(path: Path) -> None:
    """Refuse pipes and devices, whose opening may wait for ever and whose end may never come.

    Raises
    ------
    BadFileError
        If it is one, or cannot be looked at.
    """
    with readable(path):
        kind = path.stat().st_mode
    if not (stat.S_ISREG(kind) or stat.S_ISDIR(kind)):
        raise BadFileError(path, "it is a pipe or a device, not a file", "give a file with an image")


class ByteStream:
    """A file read once from front to back, unpacked where it is gzipped.

    Use as a context manager. :meth:`finish` must be called after the last read: only then has the whole stream been
    seen and its checksum compared.

    Parameters
    ----------
    path : Path
        The file.

    Raises
    ------
    BadFileError
        If the file is missing, unreadable, empty, truncated or damaged.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with readable(path):
            self.stored = path.stat().st_size
            self._file: BinaryIO = path.open("rb", buffering=0)
        with readable(path):
            start = self._file.read(2)
        if not start:
            self._file.close()
            raise BadFileError(path, "the file is empty (0 bytes)", _COPY_AGAIN)
        self.gzipped = start == GZIP_MAGIC
        self._file.seek(0)
        self._inflate = zlib.decompressobj(wbits=31)  # 31: gzip framing; zlib compares CRC and length at the end
        self._packed = b""

    def __enter__(self) -> ByteStream:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    @property
    def capacity(self) -> int:
        """The most bytes this file can hold once unpacked."""
        return self.stored * LARGEST_EXPANSION if self.gzipped else self.stored

    def read(self, count: int) -> bytes:
        """Return the next `count` bytes, fewer where the file ends."""
        parts = []
        while count > 0 and (part := self._some(count)):
            parts.append(part)
            count -= len(part)
        return b"".join(parts)

    def skip(self, count: int) -> None:
        """Pass over `count` bytes."""
        if not self.gzipped:
            self._file.seek(count, 1)
            return
        while count > 0 and (part := self._some(min(count, 1 << 20))):
            count -= len(part)

    def fill(self, target: memoryview) -> int:
        """Read into `target` (bytes) until it is full or the file ends; return how many bytes were read."""
        done = 0
        with readable(self.path):
            while done < len(target):
                if self.gzipped:
                    part = self._some(min(len(target) - done, 1 << 20))
                    target[done : done + len(part)] = part
                    got = len(part)
                else:
                    got = self._file.readinto(target[done:]) or 0  # type: ignore[attr-defined]
                if not got:
                    break
                done += got
        return done

    def finish(self) -> None:
        """Read what is left of a gzip stream, so that zlib compares its checksum."""
        while self.gzipped and self._some(1 << 20):
            pass

    def _some(self, most: int) -> bytes:
        """Return at least one and at most `most` bytes, or none at the end."""
        if not self.gzipped:
            with readable(self.path):
                return self._file.read(most)
        while True:
            if self._inflate.eof and not self._next_member():
                return b""
            if not self._packed:
                with readable(self.path):
                    self._packed = self._file.read(_PIECE)
            at_end = not self._packed
            try:
                part = self._inflate.decompress(self._packed, most)
            except zlib.error as error:
                checked = "incorrect data check" in str(error) or "incorrect length check" in str(error)
                rule = "its gzip checksum does not match" if checked else "its gzip stream is damaged"
                raise BadFileError(self.path, f"{rule}, so voxels in it are wrong", _COPY_AGAIN) from None
            self._packed = self._inflate.unconsumed_tail
            if part:
                return part
            if at_end and not self._inflate.eof:
                raise BadFileError(self.path, "its gzip stream ends too early: the file was cut short", _COPY_AGAIN)

    def _next_member(self) -> bool:
        """Go on to the next gzip member (bgzip and `cat a.gz b.gz` make several); anything else ends the stream."""
        rest = self._inflate.unused_data
        if len(rest) < 2:
            with readable(self.path):
                rest += self._file.read(_PIECE)
        if rest[:2] != GZIP_MAGIC:
            return False
        self._packed = rest
        self._inflate = zlib.decompressobj(wbits=31)
        return True
