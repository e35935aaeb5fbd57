"""What the samples of a TIFF mean: which end is white, what is opacity, what a palette, which inks.

What a file says of itself is followed, or the file is refused; nothing is guessed at.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from .upright import ORIENTATION, orientation_of

Kind = Literal["grey", "white is zero", "rgb", "palette", "cmyk", "ycbcr"]

_KINDS: dict[int, Kind] = {0: "white is zero", 1: "grey", 2: "rgb", 3: "palette", 5: "cmyk", 6: "ycbcr"}
_COLOURS: dict[Kind, int] = {"grey": 1, "white is zero": 1, "rgb": 3, "palette": 1, "cmyk": 4, "ycbcr": 3}
_PHOTOMETRIC, _INK_SET, _EXTRA_SAMPLES = 262, 332, 338
_FAX = (2, 3, 4)  # compressions whose white is zero where nothing is said
_JPEG = (6, 7)  # decoded into red, green and blue
_ASSOCIATED, _OPACITY = 1, (1, 2, 999)  # 999: Corel's word for 2


class Unclear(ValueError):
    """What a TIFF says of itself cannot be followed; the message is the rule, as a clause."""


@dataclass(frozen=True)
class Meaning:
    """What a page says of its samples.

    Parameters
    ----------
    kind : str
        What the colours are.
    bits : int
        Per sample.
    opacity : int or None
        Which sample is opacity.
    associated : bool
        Whether colours are multiplied by it.
    extra : int
        Samples beside colours and opacity: channels of their own.
    orientation : int
        Of the orientation tag, 1 to 8.
    """

    kind: Kind
    bits: int
    opacity: int | None
    associated: bool
    extra: int
    orientation: int

    @property
    def channels(self) -> int:
        """Channels of the image: of palettes and inks, the colours they stand for."""
        return (3 if self.kind in ("palette", "cmyk", "ycbcr") else _COLOURS[self.kind]) + self.extra

    @property
    def plain(self) -> bool:
        """Whether the first samples, as stored, are the image."""
        return self.kind in ("grey", "rgb") and not self.associated and not self.extra and self.orientation == 1


def meaning_of(page: Any) -> Meaning:
    """What a page of tifffile's says of its samples.

    Raises
    ------
    Unclear
        If it cannot be followed.
    """
    samples, bits = int(page.samplesperpixel), int(page.bitspersample)
    kind = _kind(page)
    if _PHOTOMETRIC in page.tags and int(page.compression) in _JPEG and kind == "ycbcr":
        kind = "rgb"
    if kind == "cmyk" and int(page.tags.valueof(_INK_SET, 1)) != 1:
        raise Unclear("its inks are not cyan, magenta, yellow and black")
    if kind in ("cmyk", "ycbcr") and np.dtype(page.dtype) != np.uint8:
        raise Unclear(f"its colours ({kind.upper()}) have {bits} bits, of which 8 are read")
    if kind == "white is zero" and np.dtype(page.dtype).kind not in "bu":
        raise Unclear("it says that 0 is white, and has no largest value that is black")
    more = samples - _COLOURS[kind]
    if more < 0:
        raise Unclear(f"it has {samples} samples per pixel, too few for its colours")
    said = page.tags.valueof(_EXTRA_SAMPLES, ())
    types = [int(one) for one in (said if isinstance(said, tuple) else (said,))][-more:] if more else []
    opacity = next((at for at, one in enumerate(types) if one in _OPACITY), None)
    return Meaning(
        kind=kind,
        bits=bits,
        opacity=None if opacity is None else samples - len(types) + opacity,
        associated=opacity is not None and types[opacity] == _ASSOCIATED,
        extra=more - (opacity is not None),
        orientation=orientation_of(page.tags.valueof(ORIENTATION, 1)),
    )


def as_image(raw: NDArray[Any], meaning: Meaning, palette: NDArray[Any] | None) -> NDArray[Any]:
    """Channels (C, row, column) of an image from its samples as stored (sample, row, column).

    Parameters
    ----------
    palette : array of shape (3, colours), uint16, or None
        The colour map.

    Raises
    ------
    Unclear
        If an index is beyond the palette.
    """
    count = _COLOURS[meaning.kind]
    colours, opacity = raw[:count], None if meaning.opacity is None else raw[meaning.opacity]
    if meaning.associated and opacity is not None:
        colours = _freed(colours, opacity)
    if meaning.kind == "white is zero":
        colours = _largest(colours, meaning) - colours
    elif meaning.kind == "palette":
        if palette is None or int(colours.max(initial=0)) >= palette.shape[1]:
            raise Unclear("its palette has fewer colours than its pixels use")
        colours = (palette >> 8).astype(np.uint8)[:, colours[0]]
    elif meaning.kind in ("cmyk", "ycbcr"):
        colours = _red_green_blue(colours, "CMYK" if meaning.kind == "cmyk" else "YCbCr")
    extra = [raw[at] for at in range(count, len(raw)) if at != meaning.opacity]
    return np.concatenate([colours, np.stack(extra)]) if extra else colours


def as_mask(raw: NDArray[Any], meaning: Meaning) -> NDArray[Any]:
    """Class values (channel, row, column) of a mask from its samples; of a palette, the indices.

    Raises
    ------
    Unclear
        If the samples are no class values, or can be meant in two ways.
    """
    if meaning.kind in ("cmyk", "ycbcr"):
        raise Unclear("it is a colour picture, not class values")
    if meaning.kind == "white is zero" and meaning.bits > 1:
        raise Unclear("it says that 0 is white, so its values can be meant either way round")
    opacity = raw[meaning.opacity] if meaning.associated and meaning.opacity is not None else None
    if opacity is not None and (opacity != _largest(raw, meaning)).any():
        raise Unclear("its values are mixed with an opacity")
    values = np.stack([raw[at] for at in range(len(raw)) if at != meaning.opacity])
    return 1 - values if meaning.kind == "white is zero" else values


def _kind(page: Any) -> Kind:
    if _PHOTOMETRIC not in page.tags:  # as libtiff does where nothing is said
        if int(page.samplesperpixel) >= 3:
            return "rgb"
        return "white is zero" if int(page.compression) in _FAX else "grey"
    kind = _KINDS.get(int(page.photometric))
    if kind is None:
        raise Unclear(
            f"its colours ({getattr(page.photometric, 'name', page.photometric)}) are of a kind that is not read"
        )
    return kind


def _largest(samples: NDArray[Any], meaning: Meaning) -> Any:
    """The value that is full: white where 0 is black, opaque."""
    return (
        1.0 if samples.dtype.kind == "f" else samples.dtype.type(min(2**meaning.bits - 1, np.iinfo(samples.dtype).max))
    )


def _freed(colours: NDArray[Any], opacity: NDArray[Any]) -> NDArray[Any]:
    """Colours before they were multiplied by an opacity; where that is nothing there is no colour."""
    if colours.dtype.kind == "f":
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(opacity > 0, colours / opacity, 0).astype(colours.dtype)
    full = np.iinfo(colours.dtype).max
    wide = colours.astype(np.uint64) * full // np.maximum(opacity, 1)
    return np.where(opacity > 0, np.minimum(wide, full), 0).astype(colours.dtype)


def _red_green_blue(samples: NDArray[Any], mode: str) -> NDArray[Any]:
    from PIL import Image

    picture = np.ascontiguousarray(np.moveaxis(samples, 0, -1), np.uint8)
    size = (picture.shape[1], picture.shape[0])
    return np.moveaxis(np.asarray(Image.frombytes(mode, size, picture.tobytes()).convert("RGB")), -1, 0)
