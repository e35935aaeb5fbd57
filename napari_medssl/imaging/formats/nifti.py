"""Reading voxels of NIfTI files: .nii, .nii.gz and .hdr/.img pairs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import BadFileError, TooLargeError
from .names import ending, pair_of
from .nifti_header import NiftiHeader, read_header
from .stream import ByteStream

_PIECE = 1 << 20


def read_nifti_header(path: Path) -> tuple[NiftiHeader, Path]:
    """Read the header of a file or pair and hold its claims against the size of the data file; read no voxels.

    Returns
    -------
    header : NiftiHeader
        The checked header.
    data : Path
        The file with the voxels; `path` itself where it is no pair.

    Raises
    ------
    BadFileError
        If the header cannot be used, a partner is missing, or the file cannot hold what the header claims.
    """
    header_path, data_path = pair_of(path) if ending(path).startswith(".img") else (path, path)
    with ByteStream(header_path) as stream:
        header = read_header(header_path, stream)
        single = not header.pair and not ending(header_path).startswith(".hdr")
        if single:
            _refuse_bomb(path, header, stream)
    if not single:
        if ending(header_path).startswith(".nii"):
            rule = "its header says that the voxels are in a separate .img file"
            raise BadFileError(path, rule, "rename it to .hdr and put the .img file beside it")
        if data_path == header_path:
            data_path = pair_of(header_path)[1]
        with ByteStream(data_path) as stream:
            _refuse_bomb(data_path, header, stream)
    return header, data_path


def read_voxels(header: NiftiHeader, data: Path, volume: int = 0) -> NDArray[Any]:
    """Read one volume, scaled, in one pass over the file.

    Returns
    -------
    array of shape (C, i, j, k)
        In the machine's byte order; float32 where the header scales.

    Raises
    ------
    BadFileError
        If the file is damaged or too short, or the volume does not fit into memory.
    """
    i, j, k, _, channels = header.stored_shape
    count = i * j * k * channels * header.samples
    size = count * header.dtype.itemsize
    with ByteStream(data) as stream:
        try:
            flat = np.empty(count, header.dtype)
        except MemoryError:
            raise TooLargeError(data, size) from None
        before = header.offset + volume * size
        stream.skip(before)
        got = stream.fill(flat.view(np.uint8).data)
        if got < size:
            rule = f"it is too short: of {size} bytes of voxels the last {size - got} are missing"
            raise BadFileError(data, rule, "copy the file again from where it came from")
        stream.finish()
    if not header.dtype.isnative:
        flat = flat.byteswap(inplace=True).view(header.dtype.newbyteorder("="))
    if header.samples > 1:  # RGB24, RGBA32: colours lie together; opacity is no channel
        return flat.reshape((header.samples, i, j, k), order="F")[:3]
    if (header.slope, header.inter) != (1.0, 0.0):
        flat = scaled(flat, header.slope, header.inter)
    return np.moveaxis(flat.reshape((i, j, k, channels), order="F"), 3, 0)


def verify_data(header: NiftiHeader, data: Path) -> None:
    """Read the whole data file without keeping it, so that a short or damaged one is found.

    Raises
    ------
    BadFileError
        If it is damaged or too short.
    """
    needed = header.offset + header.nbytes
    with ByteStream(data) as stream:
        if not stream.gzipped:
            return  # its length was held against the header already, and it has no checksum
        while needed > 0 and (part := stream.read(min(needed, _PIECE))):
            needed -= len(part)
        if needed > 0:
            rule = f"it is too short: {needed} bytes of voxels are missing"
            raise BadFileError(data, rule, "copy the file again from where it came from")
        stream.finish()


def scaled(flat: NDArray[Any], slope: float, inter: float) -> NDArray[np.float32]:
    """Return ``slope * flat + inter`` as float32, computed in float64, a piece at a time to stay small."""
    values = np.empty(flat.shape, np.float32)
    for start in range(0, flat.size, _PIECE):
        values[start : start + _PIECE] = flat[start : start + _PIECE].astype(np.float64) * slope + inter
    return values


def _refuse_bomb(path: Path, header: NiftiHeader, stream: ByteStream) -> None:
    """Refuse a header that claims more than the file can hold, before any memory is set aside."""
    claimed = header.offset + header.nbytes
    if claimed > stream.capacity:
        shape = " × ".join(str(length) for length in header.stored_shape if length > 1)
        rule = (
            f"its header claims {shape} voxels ({claimed} bytes), but the file has only {stream.stored} bytes"
            f"{', even if packed as tightly as gzip can' if stream.gzipped else ''}"
        )
        raise BadFileError(path, rule, "copy the file again from where it came from, or export the scan again")
