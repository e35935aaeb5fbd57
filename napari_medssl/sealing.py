"""The checksum that a JSON text carries in itself, and what it can put right.

The seal is the last member of the object, `crc32`: the CRC-32 of all bytes before it. It tells damage from what was
written; and where nothing but a single bit has changed, it also tells which one.
"""

from __future__ import annotations

import json
import re
import zlib
from functools import cache
from typing import Any

_SEAL = re.compile(rb',? "crc32": "[0-9a-f]{8}"\}\s*\Z')
_SHAPE = re.compile(rb', "crc32": "([0-9a-f]{8})"\}')


def seal(text: str) -> str:
    """Add the checksum to the text of a JSON object, as its last member `crc32`.

    It is the CRC-32 of all bytes before that member. Whoever edits such a file by hand deletes the member.
    """
    body = text.rstrip().removesuffix("}").rstrip()
    comma = "" if body.endswith("{") else ","
    return f'{body}{comma} "crc32": "{zlib.crc32(body.encode()):08x}"}}'


def unseal(data: bytes) -> dict[str, Any]:
    """The JSON object of a sealed text, without its checksum; of an unsealed one of before, as it is.

    Raises
    ------
    ValueError
        If it is no JSON object, or its checksum does not match.
    """
    try:
        values = json.loads(data.decode())
    except RecursionError:
        raise ValueError("it is nested too deep") from None
    if not isinstance(values, dict):
        raise ValueError("it is no JSON object")
    sealed = values.pop("crc32", None)
    if sealed is not None:
        member = _SEAL.search(data, max(0, len(data.rstrip()) - 32))
        if member is None or f"{zlib.crc32(data[: member.start()]):08x}" != sealed:
            raise ValueError("its checksum does not match")
    return values


def unseal_or_put_right(data: bytes) -> dict[str, Any]:
    """As `unseal`; where a single bit has changed, the object as it was written (see `put_right`).

    Raises
    ------
    ValueError
        If more than that is wrong.
    """
    try:
        return unseal(data)
    except ValueError:
        right = put_right(data)
        if right is None:
            raise
        return unseal(right)


def is_sealed(data: bytes) -> bool:
    """Whether a text ends with a checksum, right or wrong."""
    return _SEAL.search(data) is not None


def put_right(data: bytes) -> bytes | None:
    """The sealed text as it was written, where one bit of it has changed since; None where more has, or it has no seal.

    The checksum tells the bit: no two single bits change it in the same way. What comes back matches its checksum and
    is JSON; that other damage looks so by chance happens once in 100,000 times, and then it is hardly JSON.
    """
    for ending in (b"\n", b""):
        size = len(_tail(b"")) + len(ending)
        body, tail = data[:-size], data[-size:]
        expected = _tail(body) + ending
        if len(tail) < size:
            continue
        if _bits_between(tail, expected) <= 1:  # the seal itself
            found = body + expected
        else:
            said = _SHAPE.match(tail)
            if said is None or not tail.endswith(b"}" + ending):
                continue
            mended = _flip_back(body, int(said[1], 16))
            if mended is None:
                continue
            found = mended + tail
        try:
            unseal(found)
        except ValueError:
            continue
        return found
    return None


def _tail(body: bytes) -> bytes:
    return b', "crc32": "%08x"}' % zlib.crc32(body)


def _bits_between(one: bytes, other: bytes) -> int:
    return sum((a ^ b).bit_count() for a, b in zip(one, other, strict=True)) if len(one) == len(other) else 8


def _flip_back(body: bytes, wanted: int) -> bytes | None:
    """The text with that checksum that is one bit away; None where there is none.

    The checksum is linear: what one bit adds to it depends on nothing but how many bytes follow.
    """
    difference = zlib.crc32(body) ^ wanted
    added = [zlib.crc32(bytes([1 << bit])) ^ zlib.crc32(b"\0") for bit in range(8)]
    table = _table()
    for place in range(len(body) - 1, -1, -1):
        if difference in added:
            mended = bytearray(body)
            mended[place] ^= 1 << added.index(difference)
            return bytes(mended)
        added = [(value >> 8) ^ table[value & 0xFF] for value in added]
    return None


@cache
def _table() -> tuple[int, ...]:
    """What a CRC-32 (IEEE 802.3) becomes when a byte follows, by its lowest byte."""
    table = []
    for value in range(256):
        for _ in range(8):
            value = (value >> 1) ^ (0xEDB88320 if value & 1 else 0)
        table.append(value)
    return tuple(table)
