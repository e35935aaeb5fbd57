"""Writing NIfTI: masks on the very grid they were drawn on, maps packed into bytes, and scans."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...disk import write_atomically
from ..codes import NiftiCodes
from ..grid import Grid
from .names import ending
from .nifti_header import RASTER_MARK

_PIECE = 1 << 20
#: largest length NIfTI-1's 16-bit dimensions can name
_NIFTI1_LONGEST = 32767
#: what can be stored, and NIfTI's number for it
DATATYPES = {"uint8": 2, "int16": 4, "int32": 8, "float32": 16, "uint16": 512}


def write_nifti(path: Path, array: NDArray[Any], grid: Grid, *, slope: float = 1.0, inter: float = 0.0) -> None:
    """Write numbers on a grid, atomically, gzipped where `path` ends in .gz.

    The spatial fields of the header are those of ``grid.header``, bit for bit, where there is one. The same array on
    the same grid gives the same file (no time stamp).

    Parameters
    ----------
    path : Path
        Ends in .nii or .nii.gz.
    array : array of shape grid.shape
        Stored values, of a type in `DATATYPES`.
    grid : Grid
        Where the voxels are.
    slope, inter : float
        Value = slope * stored + inter.

    Raises
    ------
    BadFileError
        If the file cannot be written.
    """
    if ending(path) not in (".nii", ".nii.gz"):
        raise ValueError(f"{path.name} should end in .nii or .nii.gz")
    write_atomically(path, _pieces(_header(array, grid, slope, inter), array, ending(path) == ".nii.gz"))


def _pieces(header: bytes, array: NDArray[Any], packed: bool) -> Iterator[bytes]:
    flat = array.ravel(order="F").astype(array.dtype.newbyteorder("<"), copy=False)
    parts = (header, *(flat[start : start + _PIECE].tobytes() for start in range(0, flat.size, _PIECE)))
    if not packed:
        yield from parts
        return
    # Level 4: masks and maps come out about as small as with 9, in a third of the time.
    deflate = zlib.compressobj(level=4, wbits=31)
    for part in parts:
        yield deflate.compress(part)
    yield deflate.flush()


def _header(array: NDArray[Any], grid: Grid, slope: float, inter: float) -> bytes:
    from nibabel.nifti1 import header_dtype as nifti1
    from nibabel.nifti2 import header_dtype as nifti2

    codes = grid.header
    if codes is None:
        codes = NiftiCodes.from_affine(grid.affine) if grid.unit == "mm" else NiftiCodes(xyzt_units=0)
    second = codes.version == 2 or max(array.shape) > _NIFTI1_LONGEST
    fields: Any = np.zeros((), (nifti2 if second else nifti1).newbyteorder("<"))
    fields["sizeof_hdr"] = 540 if second else 348
    fields["magic"] = b"n+2\0\r\n\x1a\n" if second else b"n+1\0"
    fields["dim"] = (array.ndim, *array.shape, *(1,) * (7 - array.ndim))
    fields["datatype"], fields["bitpix"] = DATATYPES[array.dtype.name], 8 * array.dtype.itemsize
    fields["vox_offset"] = int(fields["sizeof_hdr"]) + 4
    fields["scl_slope"], fields["scl_inter"] = slope, inter
    fields["pixdim"] = (*codes.pixdim, 1.0, 1.0, 1.0, 1.0)
    fields["xyzt_units"] = codes.xyzt_units
    fields["qform_code"], fields["sform_code"] = codes.qform_code, codes.sform_code
    for letter, quaternion in zip("bcd", codes.quatern, strict=True):
        fields[f"quatern_{letter}"] = quaternion
    for axis, letter in enumerate("xyz"):
        fields[f"qoffset_{letter}"] = codes.qoffset[axis]
        fields[f"srow_{letter}"] = codes.srow[4 * axis : 4 * axis + 4]
    fields["descrip"] = RASTER_MARK if grid.unit == "pixel" else b"MedSSL"
    return bytes(fields.tobytes()) + b"\0\0\0\0"  # no extensions
