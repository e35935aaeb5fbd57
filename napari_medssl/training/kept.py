"""An array in the cache that says what it was made of, and whether it is still what was written.

The file is a `.npy` with a line behind it, which numpy passes over: what the array was made of, and the CRC-32 of all
bytes before. One that is of something else, cut short or changed is no such array: it is made anew.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from ..disk import seal, unseal

_CHUNK = 1 << 20
_Stamp = tuple[int, int, int]
_verified: dict[str, tuple[_Stamp, str]] = {}  # files that this process has read through, and what they are of


def source_of(*parts: object) -> str:
    """A name for what an array is made of: the same for the same parts."""
    return hashlib.sha256(json.dumps(parts, default=str).encode()).hexdigest()


def write_kept(file: BinaryIO, array: NDArray[np.generic], source: str) -> None:
    """Write an array with what it was made of."""
    summing = _Summing(file)
    np.save(summing, array, allow_pickle=False)
    file.write(_line(source, summing.sum))


def read_kept(path: Path, source: str) -> NDArray[Any] | None:
    """The array of a file, memory-mapped; None where there is none that is whole and made of `source`.

    A file is read through once in the life of a process, and again when it was replaced.
    """
    try:
        stat = path.stat()
        stamp = (stat.st_ino, stat.st_mtime_ns, stat.st_size)
        if _verified.get(str(path)) != (stamp, source):
            if not _is_whole(path, source, stat.st_size):
                return None
            _verified[str(path)] = (stamp, source)
        array: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError, OSError):
        return None
    return array


def is_kept(path: Path) -> bool:
    """Whether a file is an array of the cache that is whole, whatever it is of.

    Older versions wrote the array and nothing behind it: it is not used any more, and no damage.
    """
    try:
        size = path.stat().st_size
        if _ends_with_array(path, size):
            return True
        with path.open("rb") as file:
            file.seek(size - len(_line("0" * 64, 0)))
            return _is_whole(path, str(unseal(file.read()[1:])["of"]), size)
    except (OSError, EOFError, ValueError, KeyError):
        return False


def _ends_with_array(path: Path, size: int) -> bool:
    array = np.load(path, mmap_mode="r", allow_pickle=False)
    return isinstance(array, np.memmap) and array.offset + array.nbytes == size


def _is_whole(path: Path, source: str, size: int) -> bool:
    left, total = size - len(_line(source, 0)), 0
    if left < 0:
        return False
    with path.open("rb") as file:
        while left > 0 and (chunk := file.read(min(left, _CHUNK))):
            total = zlib.crc32(chunk, total)
            left -= len(chunk)
        return file.read() == _line(source, total)


def _line(source: str, total: int) -> bytes:
    return b"\n" + seal(json.dumps({"of": source, "sum": f"{total:08x}"})).encode()


class _Summing:
    """A file that sums what is written to it."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.sum = 0

    def write(self, data: bytes) -> int:
        self.sum = zlib.crc32(data, self.sum)
        return self._file.write(data)
