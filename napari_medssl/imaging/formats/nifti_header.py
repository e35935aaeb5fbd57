"""Reading a NIfTI-1 or NIfTI-2 header and believing nothing in it.

The field tables are nibabel's; every number is checked here before memory is set aside for voxels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import BadFileError
from ..codes import NiftiCodes, Source
from ..grid import Grid
from ..header import Header
from ..orientation import affine_fault
from ..same_grid import SAME_VOXEL, corners_apart
from .stream import ByteStream

#: `descrip` of a map or mask written for a raster image, whose grid is in pixels
RASTER_MARK = b"MedSSL raster"

_EXPORT = "export the scan again, as NIfTI with a plain number per voxel"
_SOURCE = "copy the file again from where it came from, or export the scan again"

#: NIfTI data type code -> numpy; RGB24 and RGBA32 are three and four bytes per voxel
_DTYPES = {
    2: "u1",
    4: "i2",
    8: "i4",
    16: "f4",
    64: "f8",
    128: "RGB",
    256: "i1",
    512: "u2",
    768: "u4",
    1024: "i8",
    1280: "u8",
    2304: "RGBA",
}
_REFUSED = {
    1: "one bit per voxel",
    32: "complex numbers",
    1536: "128-bit floats",
    1792: "complex numbers",
    2048: "complex numbers",
}


@dataclass(frozen=True, eq=False)
class NiftiHeader:
    """A checked header.

    Parameters
    ----------
    grid : Grid
        Where the voxels are.
    stored_shape : tuple of int
        (i, j, k, volumes, channels) as the voxels lie in the file, i fastest.
    ndim : int
        Number of dimensions the header names, 2 or more.
    dtype : dtype
        Of one stored number, with its byte order.
    samples : int
        Stored numbers per voxel: 1, or 3 and 4 for RGB24 and RGBA32 (fastest of all).
    offset : int
        Where the voxels begin, in bytes of the unpacked data file.
    slope, inter : float
        Value = slope * stored + inter; 1 and 0 where the file says nothing.
    pair : bool
        Whether the voxels are in a file of their own.
    notes : tuple of str
        What a careful reader should know.
    """

    grid: Grid
    stored_shape: tuple[int, int, int, int, int]
    ndim: int
    dtype: np.dtype[Any]
    samples: int
    offset: int
    slope: float
    inter: float
    pair: bool
    notes: tuple[str, ...]

    @property
    def volumes(self) -> int:
        """Volumes in the file."""
        return self.stored_shape[3]

    @property
    def channels(self) -> int:
        """Channels per volume; of RGBA the opacity is not one."""
        return min(self.samples, 3) if self.samples > 1 else self.stored_shape[4]

    @property
    def nbytes(self) -> int:
        """Bytes of all voxels."""
        return math.prod(self.stored_shape) * self.samples * self.dtype.itemsize

    def summary(self) -> Header:
        """Return what others need to know."""
        return Header(self.grid, self.channels, self.dtype.newbyteorder("=").name, self.volumes, self.notes)


def read_header(path: Path, stream: ByteStream) -> NiftiHeader:
    """Read and check the header at the start of `stream`.

    Raises
    ------
    BadFileError
        If it is no NIfTI header, or one that cannot be used.
    """
    fields = _fields(path, stream.read(540))
    magic = bytes(fields["magic"])
    pair = magic.startswith(b"ni")
    ndim, stored_shape = _shape(path, [int(length) for length in fields["dim"]])
    dtype, samples = _dtype(path, int(fields["datatype"]), fields["dim"].dtype)
    slope, inter = _scaling(path, float(fields["scl_slope"]), float(fields["scl_inter"]))
    if samples > 1 and stored_shape[4] > 1:
        raise BadFileError(path, "it holds colours along a fifth dimension", _EXPORT)
    grid, notes = _grid(path, fields, stored_shape[:3], ndim)
    return NiftiHeader(
        grid=grid,
        stored_shape=stored_shape,
        ndim=ndim,
        dtype=dtype,
        samples=samples,
        offset=_offset(path, float(fields["vox_offset"]), pair, int(fields["sizeof_hdr"])),
        slope=slope,
        inter=inter,
        pair=pair,
        notes=notes,
    )


def _fields(path: Path, block: bytes) -> Any:
    """Find version and byte order; return the header as a numpy record."""
    from nibabel.nifti1 import header_dtype as nifti1
    from nibabel.nifti2 import header_dtype as nifti2

    size = block[:4]
    for order in ("<", ">"):
        for expected, table in ((348, nifti1), (540, nifti2)):
            if size == np.array(expected, order + "i4").tobytes():
                if len(block) < expected:
                    raise BadFileError(path, f"its header is cut short ({len(block)} of {expected} bytes)", _SOURCE)
                fields = np.frombuffer(block[:expected], table.newbyteorder(order))[0]
                magic = bytes(fields["magic"])
                if magic[:3] in ((b"n+1", b"ni1") if expected == 348 else (b"n+2", b"ni2")):
                    return fields
                if expected == 348:
                    rule = "it is an ANALYZE 7.5 header, not NIfTI, so it does not say where left and right are"
                    raise BadFileError(path, rule, "export the scan again as NIfTI or DICOM")
    raise BadFileError(path, "it is not a NIfTI file (no NIfTI header at its start)", "give a .nii or .nii.gz file")


def _shape(path: Path, dim: list[int]) -> tuple[int, tuple[int, int, int, int, int]]:
    if not 1 <= dim[0] <= 7:
        raise BadFileError(path, f"its header claims {dim[0]} dimensions (1 to 7 are possible)", _SOURCE)
    lengths = dim[1 : dim[0] + 1]
    if min(lengths) < 1:
        raise BadFileError(path, f"its header claims a length of {min(lengths)} voxels along an axis", _SOURCE)
    while len(lengths) > 2 and lengths[-1] == 1:
        lengths.pop()
    if len(lengths) < 2:
        raise BadFileError(path, "it has one dimension only, so it is no image", _EXPORT)
    if len(lengths) > 5:
        rule = f"it has {len(lengths)} dimensions; at most five (i, j, k, time, channel) are read"
        raise BadFileError(path, rule, _EXPORT)
    i, j, k, t, c = (*lengths, 1, 1, 1)[:5]
    if t > 1 and c > 1:
        raise BadFileError(path, f"it holds {t} volumes of {c} channels each", "save one volume per file")
    return dim[0], (i, j, k, t, c)


def _dtype(path: Path, code: int, sample: np.dtype[Any]) -> tuple[np.dtype[Any], int]:
    """Return the dtype of one number, in the header's byte order (that of `sample`), and numbers per voxel."""
    if code not in _DTYPES:
        rule = f"it stores {_REFUSED[code]}" if code in _REFUSED else f"its data type code {code} is unknown"
        raise BadFileError(path, rule, _EXPORT)
    name = _DTYPES[code]
    if name.startswith("RGB"):
        return np.dtype(np.uint8), len(name)
    return np.dtype(name).newbyteorder(sample.byteorder), 1


def _scaling(path: Path, slope: float, inter: float) -> tuple[float, float]:
    if slope == 0 or not math.isfinite(slope):  # the standard: no scaling
        return 1.0, 0.0
    if not math.isfinite(inter):
        raise BadFileError(path, f"its intercept (scl_inter) is {inter}", _SOURCE)
    return slope, inter


def _offset(path: Path, offset: float, pair: bool, header: int) -> int:
    first = 0 if pair else header + 4  # after the header come four bytes that announce extensions
    if offset == 0:
        return first
    if not (math.isfinite(offset) and offset == int(offset) and first <= offset < 2**40):
        raise BadFileError(path, f"its header puts the voxels at byte {offset:g}, which is impossible", _SOURCE)
    return int(offset)


def _grid(path: Path, fields: Any, shape: tuple[int, int, int], ndim: int) -> tuple[Grid, tuple[str, ...]]:
    if bytes(fields["descrip"]).startswith(RASTER_MARK):
        return Grid.raster(shape[:2] if shape[2] == 1 else shape), ()
    codes = _codes(fields, shape, ndim)
    try:
        affine = codes.affine(shape)
    except ValueError as error:
        raise BadFileError(path, str(error), _SOURCE) from None
    fault = affine_fault(affine)
    if fault is not None:
        rule = "its spacing (pixdim)" if codes.source == "pixdim" else f"its orientation ({codes.source})"
        raise BadFileError(path, f"{rule} {fault}", "correct the header, or export the scan again")
    grid = Grid(shape, affine, header=codes)
    return grid, _notes(codes, grid)


def _codes(fields: Any, shape: tuple[int, int, int], ndim: int) -> NiftiCodes:
    pixdim = [float(value) for value in fields["pixdim"][:4]]
    for axis in range(3):  # a flat image often names no thickness
        if shape[axis] == 1 and axis + 1 > min(ndim, 2) and pixdim[axis + 1] == 0:
            pixdim[axis + 1] = 1.0
    return NiftiCodes(
        version=1 if int(fields["sizeof_hdr"]) == 348 else 2,
        qform_code=int(fields["qform_code"]),
        sform_code=int(fields["sform_code"]),
        quatern=tuple(float(fields[f"quatern_{letter}"]) for letter in "bcd"),
        qoffset=tuple(float(fields[f"qoffset_{letter}"]) for letter in "xyz"),
        srow=tuple(float(value) for letter in "xyz" for value in fields[f"srow_{letter}"]),
        pixdim=tuple(pixdim),
        xyzt_units=int(fields["xyzt_units"]),
    )


def _notes(codes: NiftiCodes, grid: Grid) -> tuple[str, ...]:
    if codes.source == "pixdim":
        return ("The file carries no orientation: left and right are a guess.",)
    if codes.sform_code <= 0 or codes.qform_code <= 0:
        return ()
    other: Source = "qform" if codes.source == "sform" else "sform"
    if codes.fault(other) is not None:
        return (f"The {other} cannot be used; the {codes.source} is.",)
    qform = codes.qform()
    qform[:3] *= codes.mm_per_unit
    if corners_apart(grid, Grid(grid.shape, qform)) <= SAME_VOXEL:
        return ()
    ends = np.array(np.meshgrid(*((0, length - 1) for length in grid.shape), [1])).reshape(4, -1)
    away = float(np.linalg.norm((qform - grid.affine) @ ends, axis=0).max())
    return (f"The sform and the qform differ by up to {away:.3g} mm; the sform is used.",)
