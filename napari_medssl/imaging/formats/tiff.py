"""Reading TIFF images of one page.

A stack of pages is refused rather than guessed at: it may be slices, time points or channels, and a TIFF seldom knows
its spacing.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import BadFileError
from ..grid import Grid
from ..header import Header
from .stream import readable
from .tiff_meaning import Meaning, Unclear, as_image, as_mask, meaning_of
from .tiff_pillow import raw_samples
from .upright import AS_STORED, upright, upright_shape

_AGAIN = "copy the file again from where it came from"
_OTHERWISE = "save it as 8- or 16-bit grey or RGB"
_MAGICS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
#: nothing in use packs tighter than LZW's 1 to 1400 or so
_LARGEST_EXPANSION = 2000
_UNCOMPRESSED = 1
_PALETTE = 3
_PLANAR = 2


def is_tiff(path: Path) -> bool:
    """Whether the file starts like a TIFF."""
    with readable(path), path.open("rb") as file:
        return file.read(4) in _MAGICS


def read_tiff_header(path: Path, *, as_stored: bool = False) -> Header:
    """Read size and kind of a TIFF without its pixels.

    Raises
    ------
    BadFileError
        If it cannot be used.
    """
    with _opened(path) as page:
        shape, number = (page.imagelength, page.imagewidth), _number(page).name
        if as_stored:
            return Header(Grid.raster(shape), _colours(page), number, notes=_notes(page))
        meaning = _meaning(path, page)
        number = number if meaning.kind in ("grey", "white is zero", "rgb") else "uint8"
        return Header(Grid.raster(upright_shape(shape, meaning.orientation)), meaning.channels, number)


def read_tiff(path: Path, *, indices: bool = False, as_stored: bool = False) -> NDArray[Any]:
    """Read a TIFF as (C, row, column), as it says of itself; opacity is dropped.

    Parameters
    ----------
    path : Path
        The file.
    indices : bool
        Whether class values are wanted: of a palette, its indices.
    as_stored : bool
        Read it as versions before did, which took the first samples for the image: see `ImageRef`.

    Raises
    ------
    BadFileError
        If it cannot be used.
    """
    with _opened(path) as page:
        if as_stored:
            return _stored_colours(path, page, indices)
        meaning = _meaning(path, page)
        raw, palette = _samples(path, page, meaning), page.colormap
        try:
            array = as_mask(raw, meaning) if indices else as_image(raw, meaning, palette)
        except Unclear as error:
            raise BadFileError(path, str(error), _OTHERWISE) from None
        return upright(array, meaning.orientation)


def _meaning(path: Path, page: Any) -> Meaning:
    try:
        return meaning_of(page)
    except Unclear as error:
        raise BadFileError(path, str(error), _OTHERWISE) from None
    except Exception as error:  # damaged tags are no numbers
        raise BadFileError(path, f"it is not a readable TIFF image ({error})", _AGAIN) from None


def _notes(page: Any) -> tuple[str, ...]:
    """What is told of a picture that is read as versions before did."""
    try:
        plain = meaning_of(page).plain
    except Exception:  # read all the same, as it was before
        plain = False
    return () if plain else (AS_STORED,)


def _samples(path: Path, page: Any, meaning: Meaning) -> NDArray[Any]:
    """All samples as stored, (sample, row, column), in the machine's byte order."""
    shape = (page.samplesperpixel, page.imagelength, page.imagewidth)
    try:
        array = np.asarray(page.asarray())
        if int(page.planarconfig) != _PLANAR and array.ndim == 3:
            array = np.moveaxis(array, -1, 0)
        array = array.reshape(shape)
    except MemoryError:
        raise
    except Exception as first:  # without imagecodecs, tifffile does not know JPEG and some others; Pillow does
        try:
            array = raw_samples(path, page, meaning).reshape(shape)
        except MemoryError:
            raise
        except Exception:
            raise BadFileError(path, f"its pixels cannot be read ({first})", _AGAIN) from None
    return np.require(array, _number(page), ["C", "W"])


def _stored_colours(path: Path, page: Any, indices: bool) -> NDArray[Any]:
    if int(page.photometric) == _PALETTE and not indices:
        raise BadFileError(path, "it is a palette TIFF, which is not read", "save it as grey or RGB")
    colours, planar, number = _colours(page), int(page.planarconfig) == _PLANAR, _number(page)
    try:
        array = np.asarray(page.asarray())
    except MemoryError:
        raise
    except Exception as first:
        try:
            array, planar = _with_pillow(path), False
        except MemoryError:
            raise
        except Exception:
            raise BadFileError(path, f"its pixels cannot be read ({first})", _AGAIN) from None
    if array.ndim == 2:
        array = array[None]
    elif not planar:
        array = np.moveaxis(array, -1, 0)
    return np.ascontiguousarray(array[:colours], dtype=number)


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """Yield the one page of a TIFF, its header checked against the size of the file."""
    import tifffile

    with readable(path):
        stored = path.stat().st_size
    try:
        file = tifffile.TiffFile(path)
    except MemoryError:
        raise
    except Exception as error:  # tifffile lets struct.error, IndexError and others through for damaged files
        raise BadFileError(path, f"it is not a readable TIFF image ({error})", _AGAIN) from None
    with file:
        try:
            fault = _fault(file, stored)
        except MemoryError:
            raise
        except Exception as error:
            raise BadFileError(path, f"it is not a readable TIFF image ({error})", _AGAIN) from None
        if fault is not None:
            raise BadFileError(path, *fault)
        yield file.pages[0]


def _fault(file: Any, stored: int) -> tuple[str, str] | None:
    """Return rule and remedy where a TIFF cannot be used."""
    page, pages = file.pages[0], len(file.pages)
    _ = int(page.photometric), int(page.planarconfig), _colours(page), _number(page)  # damaged ones are no numbers
    if pages > 1 or file.series[0].size != page.size:  # ImageJ puts a whole stack behind one page
        count = max(pages, file.series[0].size // max(page.size, 1))
        remedy = "save one page per file, or a stack of slices as NIfTI, which knows its spacing"
        return f"it has {count} pages, and a raster image is one picture", remedy
    if page.imagedepth > 1 or page.dtype is None or np.dtype(page.dtype).kind not in "buif":
        return "its pixels are of a kind that is not read", "save it as 8- or 16-bit grey or RGB"
    counts = [int(count) for count in page.databytecounts]
    ends = [int(offset) + count for offset, count in zip(page.dataoffsets, counts, strict=False)]
    if not ends or max(ends) > stored:
        return "it is too short: pixels its header speaks of are missing", _AGAIN
    size = page.imagelength * page.imagewidth * page.samplesperpixel * page.bitspersample // 8
    expansion = 1 if int(page.compression) == _UNCOMPRESSED else _LARGEST_EXPANSION
    if page.imagelength * page.imagewidth < 1 or size > sum(counts) * expansion:
        return f"its header claims {page.imagelength} × {page.imagewidth} pixels, which its data cannot fill", _AGAIN
    return None


def _colours(page: Any) -> int:
    """Return the samples that are colour: opacity comes last and is no channel."""
    samples, extra = int(page.samplesperpixel), len(page.extrasamples or ())
    return samples - extra if samples > extra else samples


def _number(page: Any) -> np.dtype[Any]:
    number = np.dtype(page.dtype)
    return np.dtype(np.uint8) if number.kind == "b" else number.newbyteorder("=")


def _with_pillow(path: Path) -> NDArray[Any]:
    from PIL import Image

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of damaged tags; what cannot be read raises
        with Image.open(path, formats=("TIFF",)) as image:
            return np.asarray(image)
