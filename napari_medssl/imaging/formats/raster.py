"""Reading and writing 2-D images: PNG, TIFF and JPEG, grey or colour, 8 or 16 bits.

What a file says of itself is followed: pictures and masks are turned as their orientation tag says (`upright`), of
palettes a picture has the colours and a mask the indices. Opacity is dropped.
"""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...disk import write_atomically
from ...errors import BadFileError, TooLargeError
from ..grid import Grid
from ..header import Header
from .stream import LARGEST_EXPANSION, readable
from .tiff import is_tiff, read_tiff, read_tiff_header
from .upright import AS_STORED, ORIENTATION, orientation_of, upright, upright_shape

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
}


def read_raster_header(path: Path, *, as_stored: bool = False) -> Header:
    """Read size and kind of an image without its pixels.

    Parameters
    ----------
    path : Path
        The file.
    as_stored : bool
        Read it as versions before did, which did not turn it: see `ImageRef`.

    Raises
    ------
    BadFileError
        If it cannot be used: damaged, several pages, or larger than the file can hold.
    """
    if is_tiff(path):
        return read_tiff_header(path, as_stored=as_stored)
    with _opened(path) as image:
        _, channels, dtype = _MODES[image.mode]
        shape, orientation = (image.height, image.width), _orientation(path, image)
        if as_stored:
            return Header(Grid.raster(shape), channels, dtype, notes=() if orientation == 1 else (AS_STORED,))
        return Header(Grid.raster(upright_shape(shape, orientation)), channels, dtype)


def read_raster(path: Path, *, as_stored: bool = False) -> NDArray[Any]:
    """Read an image as (C, row, column): one channel of grey, or red, green, blue.

    Parameters
    ----------
    path, as_stored
        As for `read_raster_header`.

    Raises
    ------
    BadFileError
        If it cannot be used.
    """
    if is_tiff(path):
        return read_tiff(path, as_stored=as_stored)
    with _opened(path) as image:
        orientation = 1 if as_stored else _orientation(path, image)
        return upright(_channels_first(_pixels(path, image, _MODES[image.mode][0])), orientation)


def read_raster_labels(path: Path, *, as_stored: bool = False) -> NDArray[Any]:
    """Read a mask as (row, column): grey values, or the indices of a palette image.

    Parameters
    ----------
    path, as_stored
        As for `read_raster_header`.

    Raises
    ------
    BadFileError
        If the image has colours instead of class values, or was stored with loss.
    """
    if is_tiff(path):
        array = read_tiff(path, indices=True, as_stored=as_stored)
    else:
        with _opened(path) as image:
            if image.format != "PNG":
                rule = "JPEG changes pixel values, so it cannot hold class values"
                raise BadFileError(path, rule, "save the mask as PNG or TIFF from the program it was drawn in")
            mode = image.mode if image.mode in ("P", "1") else _MODES[image.mode][0]
            orientation = 1 if as_stored else _orientation(path, image)
            array = upright(_channels_first(_pixels(path, image, mode)), orientation)
            step = 1 if as_stored else _spread(path)
            array = array if step == 1 else array // step
    for channel in array[1:]:
        if (channel != array[0]).any():
            rule = "it is a colour picture, not class values"
            raise BadFileError(path, rule, "save the mask with one grey value per class")
    mask: NDArray[Any] = array[0]
    return mask


def write_raster(path: Path, array: NDArray[np.uint8]) -> None:
    """Write a mask, or colours (rows, columns, 3), as an 8-bit PNG or TIFF, atomically.

    Raises
    ------
    BadFileError
        If it cannot be written.
    """
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

    with readable(path), path.open("rb") as file:
        start, stored = file.read(26), path.stat().st_size
    if not start:
        raise BadFileError(path, "the file is empty (0 bytes)", _AGAIN)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(path, formats=("PNG", "JPEG")) as checked:
                checked.verify()  # compares the checksums of a PNG's parts
            image = Image.open(path, formats=("PNG", "JPEG"))
    except Image.DecompressionBombError:
        raise BadFileError(path, "it claims too many pixels for one picture", "cut it into smaller tiles") from None
    except Exception as error:  # Pillow raises SyntaxError, OSError, ValueError, struct.error, … for damaged files
        rule = f"it is not a readable PNG, TIFF or JPEG image ({_short(error)})"
        raise BadFileError(path, rule, _AGAIN) from None
    try:
        _refuse_odd(path, image, start, stored)
    except BadFileError:
        image.close()
        raise
    return image


def _refuse_odd(path: Path, image: Any, start: bytes, stored: int) -> None:
    if image.mode not in _MODES:
        raise BadFileError(path, f"its colours ({image.mode}) are of a kind that is not read", "save it as grey or RGB")
    if image.format != "PNG":
        return
    depth, colours = start[24], start[25]
    if depth == 16 and colours != 0:  # Pillow would silently keep 8 of the 16 bits
        rule = "16-bit PNG is read only in grey without opacity"
        raise BadFileError(path, rule, "save it as 16-bit TIFF, or as 8-bit PNG")
    if getattr(image, "n_frames", 1) > 1:
        raise BadFileError(path, f"it is an animation of {image.n_frames} frames", "save one frame per file")
    if image.width * image.height // 8 > stored * LARGEST_EXPANSION:
        rule = f"its header claims {image.height} × {image.width} pixels, more than {stored} bytes can hold"
        raise BadFileError(path, rule, _AGAIN)


def _orientation(path: Path, image: Any) -> int:
    """What its EXIF data, or its XMP data where there is none, say of how it is to be turned."""
    if image.format == "PNG" and not _has_words(path):
        return 1
    try:
        return orientation_of(image.getexif().get(ORIENTATION, 1))
    except Exception:  # damaged EXIF data, which viewers pass over as well
        return 1


def _has_words(path: Path) -> bool:
    """Whether a PNG has parts that may hold EXIF data; Pillow unpacks all pixels before it says so."""
    with path.open("rb") as file:
        file.seek(8)
        while len(part := file.read(8)) == 8:
            length, name = int.from_bytes(part[:4], "big"), part[4:]
            if name in (b"eXIf", b"tEXt", b"zTXt", b"iTXt"):
                return True
            file.seek(length + 4, 1)
    return False


def _spread(path: Path) -> int:
    """The step by which Pillow spreads the values of a grey PNG of 2 or 4 bits over 0 to 255."""
    with path.open("rb") as file:
        start = file.read(26)
    return {2: 85, 4: 17}.get(start[24], 1) if start[25] == 0 else 1


def _pixels(path: Path, image: Any, mode: str) -> NDArray[Any]:
    try:
        array = np.array(image if image.mode == mode else image.convert(mode))
    except MemoryError:
        raise TooLargeError(path) from None
    except Exception as error:
        raise BadFileError(path, f"its pixels are damaged ({_short(error)})", _AGAIN) from None
    return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))


def _channels_first(array: NDArray[Any]) -> NDArray[Any]:
    return np.ascontiguousarray(np.moveaxis(array, 2, 0)) if array.ndim == 3 else array[None]


def _short(error: Exception) -> str:
    """Return a library's reason in one line, without the path that the message names already."""
    return "unknown kind" if "identify" in str(error) else str(error).splitlines()[0] if str(error) else "damaged"
