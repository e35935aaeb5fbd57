"""Reading and writing 2-D images: PNG, TIFF and JPEG, grey or colour, 8 or 16 bits."""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_medssl.errors import BadFileError
from napari_medssl.imaging.formats.atomic import write_atomically
from napari_medssl.imaging.formats.stream import LARGEST_EXPANSION, readable
from napari_medssl.imaging.formats.tiff import is_tiff, read_tiff, tiff_layout

_AGAIN = "copy the file again from where it came from"
#: Pillow's mode -> the mode to read it as, channels, dtype
_MODES = {
    "1": ("L", 1, "uint8"),
    "L": ("L", 1, "uint8"),
    "LA": ("L", 1, "uint8"),
    "P": ("RGB", 3, "uint8"),
    "RGB": ("RGB", 3, "uint8"),
    "RGBA": ("RGB", 3, "uint8"),
    "CMYK": ("RGB", 3, "uint8"),
    "YCbCr": ("RGB", 3, "uint8"),
    "I;16": ("I;16", 1, "uint16"),
    "I;16B": ("I;16B", 1, "uint16"),
    "I": ("I", 1, "int32"),
    "F": ("F", 1, "float32"),
}


@dataclass(frozen=True)
class RasterHeader:
    """Size and kind of a 2-D image."""

    shape: tuple[int, int]
    channels: int
    dtype: str


def read_raster_header(path: Path) -> RasterHeader:
    """Read size and kind of an image without its pixels.

    Raises
    ------
    BadFileError
        If it cannot be used: damaged, several pages, or larger than the file can hold.
    """
    if is_tiff(path):
        return RasterHeader(*tiff_layout(path))
    with _opened(path) as image:
        _, channels, dtype = _MODES[image.mode]
        return RasterHeader((image.height, image.width), channels, dtype)


def read_raster(path: Path) -> NDArray[Any]:
    """Read an image as (C, row, column): one channel of grey, or red, green, blue; opacity is dropped.

    The pixels are given as stored: a rotation in a camera's EXIF data is not applied.

    Raises
    ------
    BadFileError
        If it cannot be used.
    """
    if is_tiff(path):
        return read_tiff(path)
    with _opened(path) as image:
        array = _pixels(path, image, _MODES[image.mode][0])
    return np.ascontiguousarray(np.moveaxis(array, 2, 0)) if array.ndim == 3 else array[None]


def read_raster_labels(path: Path) -> NDArray[Any]:
    """Read a mask as (row, column): grey values, or the indices of a palette image.

    Raises
    ------
    BadFileError
        If the image has colours instead of class values, or was stored with loss.
    """
    if is_tiff(path):
        array = read_tiff(path)
    else:
        with _opened(path) as image:
            if image.format == "JPEG":
                rule = "JPEG changes pixel values, so it cannot hold class values"
                raise BadFileError(path, rule, "save the mask as PNG or TIFF from the program it was drawn in")
            if image.mode in ("P", "1"):
                return _pixels(path, image, image.mode).astype(np.uint8)
            mode = _MODES[image.mode][0]
            array = np.atleast_3d(_pixels(path, image, mode)).transpose(2, 0, 1)
    if any((array[0] != channel).any() for channel in array[1:]):
        raise BadFileError(path, "it is a colour picture, not class values", "save the mask with one grey value per class")
    return array[0]


def write_raster_labels(path: Path, array: NDArray[np.uint8]) -> None:
    """Write a mask as an 8-bit grey PNG or TIFF, atomically."""
    from PIL import Image

    suffix = path.suffix.lower()
    if suffix not in (".png", ".tif", ".tiff"):
        raise ValueError(f"{path.name} should end in .png or .tif")
    buffer = io.BytesIO()
    image = Image.fromarray(np.ascontiguousarray(array))
    if suffix == ".png":
        image.save(buffer, format="PNG")
    else:
        image.save(buffer, format="TIFF", compression="tiff_adobe_deflate")
    write_atomically(path, [buffer.getvalue()])


def _opened(path: Path) -> Any:
    """Open a PNG or JPEG with Pillow, its header checked and nothing decoded."""
    from PIL import Image

    with readable(path):
        stored = path.stat().st_size
        if path.is_dir():
            raise IsADirectoryError
        start = path.open("rb").read(26)
    if not start:
        raise BadFileError(path, "the file is empty (0 bytes)", _AGAIN)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(path, formats=("PNG", "JPEG")) as checked:
                checked.verify()  # compares the checksums of a PNG's parts
            image = Image.open(path, formats=("PNG", "JPEG"))
    except Image.DecompressionBombError as error:
        raise BadFileError(path, f"it is too large ({error})", "cut it into smaller tiles") from None
    except Exception as error:  # Pillow raises SyntaxError, OSError, ValueError, struct.error, … for damaged files
        raise BadFileError(path, f"it is not a readable PNG or JPEG image ({error})", _AGAIN) from None
    if image.format == "PNG":
        _refuse_png(path, image, start, stored)
    if image.mode not in _MODES:
        image.close()
        raise BadFileError(path, f"its colours ({image.mode}) are of a kind that is not read", "save it as grey or RGB")
    return image


def _refuse_png(path: Path, image: Any, start: bytes, stored: int) -> None:
    depth, colours = start[24], start[25]
    if depth == 16 and colours in (2, 4, 6):
        image.close()
        rule = "16-bit PNG is read only in grey without opacity"
        raise BadFileError(path, rule, "save it as 16-bit TIFF, or as 8-bit PNG")
    if getattr(image, "n_frames", 1) > 1:
        image.close()
        raise BadFileError(path, f"it is an animation of {image.n_frames} frames", "save one frame per file")
    if image.width * image.height // 8 > stored * LARGEST_EXPANSION:
        image.close()
        rule = f"its header claims {image.height} × {image.width} pixels, more than {stored} bytes can hold"  # noqa: RUF001
        raise BadFileError(path, rule, _AGAIN)


def _pixels(path: Path, image: Any, mode: str) -> NDArray[Any]:
    try:
        array = np.asarray(image if image.mode == mode else image.convert(mode))
    except Exception as error:
        raise BadFileError(path, f"its pixels are damaged ({error})", _AGAIN) from None
    return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))
