"""Pictures turned as their orientation tag says: EXIF in JPEG and PNG, tag 274 in TIFF.

Every viewer and drawing program turns such a picture, so what was drawn on it is turned, too.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

#: number of the orientation tag, in EXIF as in TIFF
ORIENTATION = 274
#: what is told of a picture that is read as versions before did (see `ImageRef.as_stored`)
AS_STORED = (
    "The file says that the picture is to be shown otherwise, turned or with other colours, than it is here: the scan "
    "was added before that was followed, and what is drawn on it stays where it is."
)
#: tag -> whether rows and columns change places, and then whether rows and columns run backwards
_TURNS = {
    1: (False, False, False),
    2: (False, False, True),
    3: (False, True, True),
    4: (False, True, False),
    5: (True, False, False),
    6: (True, False, True),
    7: (True, True, True),
    8: (True, True, False),
}


def orientation_of(value: object) -> int:
    """The orientation that a tag's value stands for, 1 to 8; what is none of them turns nothing, as in viewers."""
    return value if isinstance(value, int) and value in _TURNS else 1


def upright(array: NDArray[Any], orientation: int) -> NDArray[Any]:
    """A picture (…, row, column) turned as its tag says.

    Parameters
    ----------
    array : array of shape (..., row, column)
        As stored.
    orientation : int
        1 to 8: where the first row and the first column lie.
    """
    swapped, rows, columns = _TURNS[orientation]
    turned = array.swapaxes(-1, -2) if swapped else array
    turned = turned[..., :: -1 if rows else 1, :: -1 if columns else 1]
    return np.ascontiguousarray(turned)


def upright_shape(shape: tuple[int, int], orientation: int) -> tuple[int, int]:
    """Rows and columns of a picture after `upright`."""
    return (shape[1], shape[0]) if _TURNS[orientation][0] else shape
