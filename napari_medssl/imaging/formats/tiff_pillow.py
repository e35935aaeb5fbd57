"""TIFF samples as stored, by Pillow: for compressions that tifffile knows only together with imagecodecs.

Pillow makes a picture of what it reads: it turns it, swaps black and white, frees colours from opacity. It is given a
copy of the file that asks for none of that, so that what a file means is told in one place (`tiff_meaning`).
"""

from __future__ import annotations

import io
import struct
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .tiff_meaning import Meaning
from .upright import ORIENTATION

_PHOTOMETRIC, _EXTRA_SAMPLES = 262, 338
_BLACK_IS_ZERO, _UNASSOCIATED = 1, 2
_FORMATS = {3: "H", 4: "I"}  # SHORT, LONG
_STEP = {2: 85, 4: 17}  # by which Pillow spreads the values of so many bits over 0 to 255


def raw_samples(path: Path, page: Any, meaning: Meaning) -> NDArray[Any]:
    """All samples of a page as stored, (sample, row, column).

    Raises
    ------
    Exception
        Of any kind, where Pillow cannot read it, or would lose some of it.
    """
    from PIL import Image

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of damaged tags; what cannot be read raises
        with Image.open(io.BytesIO(_neutral(path, page, meaning)), formats=("TIFF",)) as image:
            array = np.asarray(image)
    array = np.moveaxis(array, -1, 0) if array.ndim == 3 else array[None]
    if len(array) != page.samplesperpixel:
        raise ValueError("some of its samples are of a kind that is not read")
    if array.dtype.itemsize < np.dtype(page.dtype).itemsize:
        raise ValueError(f"its {meaning.bits} bits per sample would be cut to {8 * array.dtype.itemsize}")
    return array // _STEP[meaning.bits] if meaning.bits in _STEP and meaning.kind != "palette" else array


def _neutral(path: Path, page: Any, meaning: Meaning) -> bytes:
    """A copy of the file whose tags ask for nothing but its samples."""
    data = bytearray(path.read_bytes())
    wanted = {ORIENTATION: 1, _EXTRA_SAMPLES: _UNASSOCIATED}
    if meaning.kind == "white is zero":
        wanted[_PHOTOMETRIC] = _BLACK_IS_ZERO
    if _PHOTOMETRIC not in page.tags:
        raise ValueError("it does not say which end of the range is white")
    for code, value in wanted.items():
        if code not in page.tags:
            continue
        tag = page.tags[code]
        if tag.count != 1:
            raise ValueError("it has several extra samples")
        struct.pack_into(page.parent.byteorder + _FORMATS[tag.dtype], data, tag.valueoffset, value)
    return bytes(data)
