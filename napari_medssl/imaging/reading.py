"""Reading images, masks and maps; the family of a file is told by its content. Readers are imported when used."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import BadFileError, TooLargeError
from .formats.classes import class_values, values_in
from .formats.names import RASTER_ENDINGS, ending
from .formats.stream import readable, refuse_special
from .grid import Grid
from .header import Header
from .volume import Labels, Volume

_RASTER_MAGICS = (b"\x89PNG", b"\xff\xd8\xff", b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


def read_grid(path: Path | str, *, as_stored: bool = False) -> Header:
    """Read what a file says about itself, and hold it against the file's size; voxels are not read.

    Parameters
    ----------
    path : Path
        An image. Of a .hdr/.img pair, either file.
    as_stored : bool
        Read a picture as versions before did, which neither turned it as its tag says nor asked a TIFF what its
        samples mean.

    Raises
    ------
    BadFileError
        If the file is no image that can be used.
    """
    path = Path(path)
    if is_raster(path):
        from .formats.raster import read_raster_header

        return read_raster_header(path, as_stored=as_stored)
    from .formats.nifti import read_nifti_header

    return read_nifti_header(path)[0].summary()


def check_image(path: Path | str) -> Header:
    """Do as :func:`read_grid`, then go through the whole file so that damage anywhere in it is found.

    Memory stays small: gzipped voxels are unpacked a piece at a time and compared with their checksum.

    Raises
    ------
    BadFileError
        If the file is no image that can be used, or is damaged.
    """
    path = Path(path)
    if is_raster(path):
        from .formats.raster import read_raster

        with _fitting(path):
            read_raster(path)
        return read_grid(path)
    from .formats.nifti import read_nifti_header, verify_data

    header, data = read_nifti_header(path)
    verify_data(header, data)
    return header.summary()


def read_image(path: Path | str, volume: int | None = None, *, as_stored: bool = False) -> Volume:
    """Read an image.

    Parameters
    ----------
    path : Path
        An image. Of a .hdr/.img pair, either file.
    volume : int, optional
        Which volume of a 4-D file, from 0. Needed only where there are several.
    as_stored : bool
        As for `read_grid`.

    Returns
    -------
    Volume
        Values with slope and intercept applied. Voxels that are not finite stay so: see `Volume.finite`.

    Raises
    ------
    BadFileError
        If the file cannot be used, is damaged, or holds several volumes and `volume` does not choose one of them.
    """
    path = Path(path)
    with _fitting(path):
        return _read_image(path, volume, as_stored)


def _read_image(path: Path, volume: int | None, as_stored: bool) -> Volume:
    if is_raster(path):
        from .formats.raster import read_raster

        array = read_raster(path, as_stored=as_stored)
        return Volume(array, Grid.raster(array.shape[1:]), _channel_names(len(array), colours=True))
    from .formats.nifti import read_nifti_header, read_voxels

    header, data = read_nifti_header(path)
    if volume is None and header.volumes > 1:
        rule = f"it holds {header.volumes} volumes (time points)"
        raise BadFileError(path, rule, f"choose one of them, 0 to {header.volumes - 1}, or save one volume per file")
    if volume is not None and not 0 <= volume < header.volumes:
        raise BadFileError(path, f"it has no volume {volume}", f"choose one from 0 to {header.volumes - 1}")
    array = read_voxels(header, data, volume or 0)
    return Volume(_on(header.grid, array), header.grid, _channel_names(len(array), colours=header.samples > 1))


def read_labels(
    path: Path | str,
    mapping: Mapping[int, int] | None = None,
    other: int | None = None,
    *,
    as_stored: bool = False,
) -> Labels:
    """Read a class mask: whole numbers from 0 to 255 of any data type, 255 meaning *not looked at*.

    Parameters
    ----------
    path : Path
        A mask. Of a .hdr/.img pair, either file.
    mapping : mapping of int to int, optional
        What values of the file become; others stay as they are. So values above 255 can be read too.
    other : int, optional
        What all other values but 0 become.
    as_stored : bool
        As for `read_grid`.

    Raises
    ------
    BadFileError
        If the file cannot be used, is damaged, or is no class mask (fractions, values above 255, colours, several
        volumes).
    """
    path = Path(path)
    with _fitting(path):
        array, grid = _read_mask(path, as_stored)
        return Labels(class_values(path, array, mapping, other), grid)


def read_mask_values(path: Path | str, *, as_stored: bool = False) -> tuple[int, ...]:
    """The whole numbers that occur in a mask, ascending, also those beyond 0 to 255.

    Raises
    ------
    BadFileError
        If the file cannot be used, is damaged, or is no mask (fractions, colours, several volumes).
    """
    path = Path(path)
    with _fitting(path):
        return values_in(path, _read_mask(path, as_stored)[0])


def _read_mask(path: Path, as_stored: bool) -> tuple[NDArray[Any], Grid]:
    """Numbers of one volume or picture, on their grid."""
    if is_raster(path):
        from .formats.raster import read_raster_labels

        flat = read_raster_labels(path, as_stored=as_stored)
        return flat, Grid.raster(flat.shape)
    from .formats.nifti import read_nifti_header, read_voxels

    header, data = read_nifti_header(path)
    if header.volumes > 1 or header.channels > 1:
        what = f"{header.volumes} volumes" if header.volumes > 1 else f"{header.channels} channels"
        rule = f"it holds {what}, and a class mask has one"
        raise BadFileError(path, rule, "save one mask per file, with one class value per voxel")
    return _on(header.grid, read_voxels(header, data))[0], header.grid


@contextmanager
def _fitting(path: Path) -> Iterator[None]:
    """Whatever runs out of memory on the way says so of the file."""
    try:
        yield
    except MemoryError:
        raise TooLargeError(path) from None


def read_map(path: Path | str) -> NDArray[np.float32]:
    """Read a map written by :func:`write_map`, of shape grid.shape.

    Raises
    ------
    BadFileError
        If the file cannot be used or is damaged.
    """
    array: NDArray[np.float32] = read_image(path).array[0].astype(np.float32, copy=False)
    return array


def file_sha256(path: Path | str) -> str:
    """Return the SHA-256 of a file's bytes, as 64 hexadecimal digits.

    Raises
    ------
    BadFileError
        If it cannot be read.
    """
    path = Path(path)
    with readable(path), path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def is_raster(path: Path) -> bool:
    """Tell the family by the first bytes; the name decides only what to say about a file that is neither."""
    if not ending(path):
        with readable(path):
            path.stat()
        rule = "its name does not end like an image that is read"
        raise BadFileError(path, rule, "give NIfTI (.nii, .nii.gz, .hdr/.img), or PNG, TIFF or JPEG")
    refuse_special(path)
    with readable(path), path.open("rb") as file:
        start = file.read(4)
    return start.startswith(_RASTER_MAGICS) or ending(path) in RASTER_ENDINGS


def _channel_names(count: int, *, colours: bool) -> tuple[str, ...]:
    if count == 1:
        return ("image",)
    return ("red", "green", "blue") if colours and count == 3 else tuple(f"channel {n}" for n in range(count))


def _on(grid: Grid, array: NDArray[Any]) -> NDArray[Any]:
    """Drop the third axis of a map or mask that was written for a raster image."""
    return array[..., 0] if grid.ndim == 2 else array
