"""What a stroke is as bytes, and which strokes of a file are still whole. Pure.

A record is a mark, the length of what follows, its CRC-32, and deflated pieces. What is damaged or cut short is passed
over: reading goes on at the next mark. Nothing that bytes claim is believed: boxes lie within the scan's grid, and what
they inflate to is bounded.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.typing import NDArray

MARK = b"STRK"
_HEAD = struct.Struct("<4sII")  # mark, bytes that follow, their CRC-32
_ROOM = 64 << 20  # bytes that a record may inflate to, beside eight times the scan


@dataclass(frozen=True, eq=False)
class Piece:
    """What stands in a box of the labels: `values` uint8, `start` the box's first voxel, on the case's own grid."""

    start: tuple[int, ...]
    values: NDArray[np.uint8]


Stroke = Sequence[Piece]


def pack(stroke: Stroke) -> bytes:
    """The record of a stroke."""
    payload = b"".join(
        np.asarray((*piece.start, *piece.values.shape), "<i4").tobytes() + piece.values.tobytes() for piece in stroke
    )
    packed = zlib.compress(payload, 1)
    return _HEAD.pack(MARK, len(packed), zlib.crc32(packed)) + packed


def find_records(data: bytes, shape: Sequence[int], at: int = 0) -> tuple[list[bytes], int]:
    """Whole records of strokes on a grid of this shape, deflated as they are, and how many bytes belong to none.

    Parameters
    ----------
    data : bytes
        Of a whole file.
    at : int
        Where records begin.
    """
    found, unread = [], 0
    patience = 16 * len(data) + _ROOM  # bytes of checks that fail: marks can be forged by the thousand
    while at < len(data):
        packed, claimed = _record_at(data, at, patience > 0)
        if packed is not None and _is_sound(packed, shape):
            found.append(packed)
            at += claimed
        else:
            patience -= claimed
            following = data.find(MARK, at + 1)
            following = len(data) if following < 0 else following
            unread += following - at
            at = following
    return found, unread


def pieces(packed: bytes, shape: Sequence[int]) -> Iterator[Piece]:
    """The pieces of a deflated record, one at a time in memory.

    Raises
    ------
    ValueError
        If it is damaged, a box is not within a grid of this shape, or there is more than can have been drawn.
    """
    source, ndim, room = _Inflating(packed), len(shape), _ROOM + 8 * prod(shape)
    while header := source.take(8 * ndim):
        if len(header) < 8 * ndim:
            raise ValueError("a box is cut short")
        numbers = np.frombuffer(header, "<i4").tolist()
        start, sizes = tuple(numbers[:ndim]), tuple(numbers[ndim:])
        if any(a < 0 or n < 1 or a + n > whole for a, n, whole in zip(start, sizes, shape, strict=True)):
            raise ValueError("a box is not within the grid")
        count = prod(sizes)
        room -= count + len(header)
        if room < 0:
            raise ValueError("there is more than can have been drawn")
        values = source.take(count)
        if len(values) < count:
            raise ValueError("a box is cut short")
        yield Piece(start, np.frombuffer(values, np.uint8).reshape(sizes))
    source.check_end()


class _Inflating:
    """Deflated bytes, inflated as far as they are asked for."""

    def __init__(self, packed: bytes) -> None:
        self._inflate = zlib.decompressobj()
        self._rest = packed

    def take(self, count: int) -> bytes:
        parts = b""
        try:
            while len(parts) < count:
                part = self._inflate.decompress(self._rest, count - len(parts))
                self._rest = self._inflate.unconsumed_tail
                if not part:
                    break
                parts += part
        except zlib.error as error:
            raise ValueError(f"it cannot be inflated ({error})") from None
        return parts

    def check_end(self) -> None:
        if not self._inflate.eof or self._inflate.unused_data:
            raise ValueError("it does not end where it should")


def _record_at(data: bytes, at: int, check: bool) -> tuple[bytes | None, int]:
    """The deflated pieces of a record whose checksum is right (else None), and how many bytes it claims."""
    if not check or len(data) - at < _HEAD.size:
        return None, 0
    mark, length, checksum = _HEAD.unpack_from(data, at)
    end = at + _HEAD.size + length
    if mark != MARK or end > len(data):
        return None, 0
    packed = data[at + _HEAD.size : end]
    return (packed if zlib.crc32(packed) == checksum else None), _HEAD.size + length


def _is_sound(packed: bytes, shape: Sequence[int]) -> bool:
    try:
        for _ in pieces(packed, shape):
            pass
    except ValueError:
        return False
    return True
