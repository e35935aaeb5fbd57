"""What a file says about itself before its voxels are read."""

from __future__ import annotations

from dataclasses import dataclass

from .grid import Grid


@dataclass(frozen=True, eq=False)
class Header:
    """The readable part of an image file's header.

    Parameters
    ----------
    grid : Grid
        Where the voxels are.
    channels : int
        Channels of one volume.
    dtype : str
        Stored data type, such as "int16".
    volumes : int
        Volumes in the file (time points); `read_image` wants to know which one where there are several.
    notes : tuple of str
        What a careful reader should know, as sentences: no orientation, sform and qform differ…
    """

    grid: Grid
    channels: int
    dtype: str
    volumes: int = 1
    notes: tuple[str, ...] = ()
