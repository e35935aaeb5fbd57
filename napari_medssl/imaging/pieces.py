"""Scans too large to be looked at in memory at once, read a piece at a time."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import BadFileError
from .counting import value_counts
from .formats.classes import class_values
from .formats.nifti import read_nifti_header, scaled
from .formats.nifti_header import NiftiHeader
from .formats.stream import ByteStream
from .grid import Grid
from .reading import is_raster

#: Voxels from which a scan is large: half a GiB as float32.
LARGE = 1 << 27
_PIECE = 1 << 22  # values


@dataclass(frozen=True)
class Pieces:
    """One volume of a large scan.

    Attributes
    ----------
    grid : Grid
    channels : int
    dtype : dtype
        Of its values, scaled where the header scales.
    size : int
        Values of all channels.
    """

    path: Path
    grid: Grid
    channels: int
    dtype: np.dtype[Any]
    size: int
    _header: NiftiHeader
    _data: Path
    _volume: int

    def __iter__(self) -> Iterator[NDArray[Any]]:
        """Its values in the order of the file, some millions at a time.

        Raises
        ------
        BadFileError
            If the file is damaged or too short.
        """
        header, left = self._header, self.size
        width = header.dtype.itemsize
        with ByteStream(self._data) as stream:
            stream.skip(header.offset + self._volume * self.size * width)
            while left:
                flat = np.empty(min(left, _PIECE), header.dtype)
                got = stream.fill(flat.view(np.uint8).data)
                if got < flat.nbytes:
                    missing = left * width - got
                    rule = f"it is too short: of {self.size * width} bytes of voxels the last {missing} are missing"
                    raise BadFileError(self._data, rule, "copy the file again from where it came from")
                left -= flat.size
                if not header.dtype.isnative:
                    flat = flat.byteswap(inplace=True).view(header.dtype.newbyteorder("="))
                yield scaled(flat, header.slope, header.inter) if _scales(header) else flat
            stream.finish()


def in_pieces(path: Path, volume: int | None = None) -> Pieces | None:
    """A scan to be read a piece at a time; None where it is not large, or cannot be read so.

    Raises
    ------
    BadFileError
        If its header cannot be used.
    """
    if is_raster(path):
        return None
    header, data = read_nifti_header(path)
    size = math.prod(header.stored_shape[:3]) * header.stored_shape[4]
    several = (volume is None and header.volumes > 1) or not 0 <= (volume or 0) < header.volumes
    if size < LARGE or header.samples > 1 or several:
        return None
    dtype = np.dtype(np.float32) if _scales(header) else header.dtype.newbyteorder("=")
    return Pieces(path, header.grid, header.stored_shape[4], dtype, size, header, data, volume or 0)


def count_classes(mask: Pieces) -> dict[int, int]:
    """Voxels of each value of a large mask.

    Raises
    ------
    BadFileError
        If it is damaged, or no class mask.
    """
    counts = np.zeros(256, np.int64)
    for piece in mask:
        counts += value_counts(class_values(mask.path, piece))
    return {int(value): int(counts[value]) for value in np.flatnonzero(counts)}


def _scales(header: NiftiHeader) -> bool:
    return (header.slope, header.inter) != (1.0, 0.0)
