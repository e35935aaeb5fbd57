"""Reading one-page TIFF images."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_medssl.errors import BadFileError
from napari_medssl.imaging.formats.stream import readable

_AGAIN = "copy the file again from where it came from"
_MAGICS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
#: nothing in use packs tighter than LZW's 1 to 1400 or so
_LARGEST_EXPANSION = 2000


def is_tiff(path: Path) -> bool:
    """Whether the file starts like a TIFF."""
    with readable(path), path.open("rb") as file:
        return file.read(4) in _MAGICS


def tiff_layout(path: Path) -> tuple[tuple[int, int], int, str]:
    """Return (rows, columns), channels and dtype of a TIFF without its pixels.

    Raises
    ------
    BadFileError
        If it cannot be used.
    """
    with _opened(path) as page:
        return (page.imagelength, page.imagewidth), _channels(page), np.dtype(page.dtype).name


def read_tiff(path: Path) -> NDArray[Any]:
    """Read a TIFF as (C, row, column); opacity is dropped.

    Raises
    ------
    BadFileError
        If it cannot be used.
    """
    with _opened(path) as page:
        channels, samples, planar = _channels(page), page.samplesperpixel, int(page.planarconfig) == 2
        try:
            array = np.asarray(page.asarray())
        except Exception as first:  # without imagecodecs, tifffile does not know LZW and JPEG inside TIFF; Pillow does
            try:
                array, planar = _with_pillow(path), False
            except Exception:
                raise BadFileError(path, f"its pixels cannot be read ({first})", _AGAIN) from None
    if samples == 1:
        array = array.reshape(1, *array.shape[:2]) if array.ndim == 2 else array
    elif not planar:
        array = np.moveaxis(array, -1, 0)
    if not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="))
    return np.ascontiguousarray(array[:channels])


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """Yield the one page of a TIFF, its header checked against the size of the file."""
    import tifffile

    with readable(path):
        stored = path.stat().st_size
    try:
        file = tifffile.TiffFile(path)
        pages = len(file.pages)
        page: Any = file.pages[0]
        page.dtype, page.samplesperpixel, page.imagedepth  # noqa: B018 - damaged tags show here
    except Exception as error:
        raise BadFileError(path, f"it is not a readable TIFF image ({error})", _AGAIN) from None
    with file:
        if pages > 1:
            rule = f"it has {pages} pages, and a raster image is one picture"
            raise BadFileError(path, rule, "save one page per file, or a stack of slices as NIfTI, which knows its spacing")
        _check_page(path, page, stored)
        yield page


def _check_page(path: Path, page: Any, stored: int) -> None:
    if page.imagedepth > 1 or page.dtype is None or np.dtype(page.dtype).kind not in "uif":
        raise BadFileError(path, "its pixels are of a kind that is not read", "save it as 8- or 16-bit grey or RGB")
    if int(page.photometric) == 3:
        return_to = "save it as grey or RGB"
        raise BadFileError(path, "it is a palette TIFF, which is not read", return_to)
    counts = [int(count) for count in page.databytecounts]
    ends = [int(offset) + count for offset, count in zip(page.dataoffsets, counts, strict=False)]
    if not ends or max(ends) > stored:
        raise BadFileError(path, "it is too short: pixels its header speaks of are missing", _AGAIN)
    size = page.imagelength * page.imagewidth * page.samplesperpixel * page.bitspersample // 8
    packed = int(page.compression) != 1
    if math.prod((page.imagelength, page.imagewidth)) == 0 or size > sum(counts) * (_LARGEST_EXPANSION if packed else 1):
        rule = f"its header claims {page.imagelength} × {page.imagewidth} pixels, which its data cannot fill"  # noqa: RUF001
        raise BadFileError(path, rule, _AGAIN)


def _channels(page: Any) -> int:
    """Return the channels that are colour: opacity comes last and is no channel."""
    samples = int(page.samplesperpixel)
    return samples - len(page.extrasamples or ()) if samples > 1 and samples - len(page.extrasamples or ()) > 0 else samples


def _with_pillow(path: Path) -> NDArray[Any]:
    from PIL import Image

    with Image.open(path, formats=("TIFF",)) as image:
        return np.asarray(image)
