"""Images by reference: they stay where they are, and a case remembers what they were when it was added."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import BadFileError
from ..imaging import Grid, Header, check_image, ending, file_sha256, pair_of, read_grid, read_image


@dataclass(frozen=True)
class ImageRef:
    """Where an image is and what it was.

    Parameters
    ----------
    path : str
        Absolute path.
    relative : str
        Path from the project's folder, so that project and images can move together; "" across drives.
    sha256 : str
        Of the file's bytes (of both files of a .hdr/.img pair), 64 hexadecimal digits.
    size, mtime_ns : int
        Bytes, and nanoseconds since the epoch: while both are the same, the bytes are taken to be.
    channels : int
        Channels in this file.
    volume : int or None
        Which volume of a 4-D file.
    as_stored : bool
        Whether it is read as versions before did, which neither turned a picture as its tag says nor asked a TIFF what
        its samples mean. So are all that were added then: labels drawn on them must not come to lie elsewhere.
    """

    path: str
    relative: str
    sha256: str
    size: int
    mtime_ns: int
    channels: int = 1
    volume: int | None = None
    as_stored: bool = True  # a record that does not say so is of then

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> ImageRef:
        """Rebuild from `dataclasses.asdict`; fields a newer version added are left out."""
        return cls(**{name: values[name] for name in cls.__dataclass_fields__ if name in values})

    def check_types(self) -> None:
        """Make sure that each field is what it should be.

        Raises
        ------
        TypeError
            If one is not.
        """
        words, numbers = (self.path, self.relative, self.sha256), (self.size, self.mtime_ns, self.channels)
        if not all(isinstance(one, str) for one in words) or not all(type(one) is int for one in numbers):
            raise TypeError("an image is not described as it should be")
        if not self.path or "\0" in self.path + self.relative or not isinstance(self.volume, int | None):
            raise TypeError("an image is not described as it should be")

    def locate(self, root: Path) -> Path:
        """Where the image is now: beside the project if both moved, else where it was."""
        beside = self._beside(root)
        return Path(beside if beside and os.path.exists(beside) else self.path)

    def _beside(self, root: Path) -> str:
        return os.path.normpath(os.path.join(root, self.relative)) if self.relative else ""

    def check_unchanged(self, path: Path) -> None:
        """Refuse a file that is gone or no longer the one that was added: labels drawn on it may not fit.

        Raises
        ------
        BadFileError
            If it is missing or has other bytes.
        """
        size, mtime_ns = _stat(path)
        if (size, mtime_ns) != (self.size, self.mtime_ns) and (size != self.size or _sha256(path) != self.sha256):
            rule = "the scan has changed since it was added, so labels drawn on it may no longer fit"
            raise BadFileError(path, rule, "put the original file back, or add the new one as a case of its own")


def is_there(values: Mapping[str, Any], root: Path) -> bool:
    """Whether the image of an `ImageRef` as JSON is in any place it could be; cheap, a list asks it of every case."""
    return os.path.exists(values["path"]) or ImageRef.from_json(values).locate(root).exists()


def look_at_image(path: Path, root: Path, volume: int | None = None) -> tuple[ImageRef, Header]:
    """Check a whole image file and describe it; its voxels are not kept.

    Raises
    ------
    BadFileError
        If it cannot be used, is damaged, or has several volumes and `volume` picks none of them.
    """
    path = Path(os.path.abspath(path.expanduser()))
    header = check_image(path)
    if header.volumes > 1 and volume is None:
        rule = f"it holds {header.volumes} volumes (time points)"
        raise BadFileError(path, rule, "save the one to segment as a file of its own")
    try:
        relative = Path(os.path.relpath(path, root)).as_posix()
    except ValueError:  # another drive
        relative = ""
    size, mtime_ns = _stat(path)
    sha256 = _sha256(path)
    return ImageRef(str(path), relative, sha256, size, mtime_ns, header.channels, volume, as_stored=False), header


def look_at_images(
    paths: Sequence[Path], root: Path, channels: Sequence[str], volume: int | None = None
) -> tuple[list[ImageRef], Grid]:
    """Do as `look_at_image` for the files of one case: all channels in one, or one in each.

    Raises
    ------
    BadFileError
        If one cannot be used, they have other channels, or lie on different grids.
    """
    looked = [look_at_image(path, root, volume) for path in paths]
    _check_channels(paths, [ref.channels for ref, _ in looked], channels)
    grid = looked[0][1].grid
    for path, (_, header) in zip(paths, looked, strict=True):
        difference = grid.mismatch(header.grid)
        if difference is not None:
            rule = f"it is not on the grid of {paths[0].name}: {difference}"
            raise BadFileError(path, rule, "export the channels of a case on one grid")
    return [ref for ref, _ in looked], grid


def read_headers(refs: Sequence[ImageRef], paths: Sequence[Path]) -> list[Header]:
    """What the image files of a case say of themselves, without their voxels.

    Raises
    ------
    BadFileError
        If one cannot be read.
    """
    return [read_grid(path, as_stored=ref.as_stored) for ref, path in zip(refs, paths, strict=True)]


def is_read_as_stored(refs: Sequence[ImageRef]) -> bool:
    """Whether the pictures of a case, and so masks for them, are read as versions before did (see `ImageRef`)."""
    return any(ref.as_stored for ref in refs)


def read_channels(refs: Sequence[ImageRef], paths: Sequence[Path], grid: Grid, case: str) -> NDArray[np.float32]:
    """The image of a case: shape (channels, *grid.shape).

    Raises
    ------
    BadFileError
        If a file is missing, damaged, changed since it was added, or on another grid.
    """
    parts = []
    for ref, path in zip(refs, paths, strict=True):
        ref.check_unchanged(path)
        volume = read_image(path, ref.volume, as_stored=ref.as_stored)
        difference = grid.mismatch(volume.grid)
        if difference is not None:
            rule = f"it is not on the grid of case {case}: {difference}"
            raise BadFileError(path, rule, "export the channels of a case on one grid")
        parts.append(volume.array)
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _check_channels(paths: Sequence[Path], counts: list[int], channels: Sequence[str]) -> None:
    if sum(counts) == len(channels) and (len(paths) == 1 or set(counts) == {1}):
        return
    bad = next((index for index, count in enumerate(counts) if count != 1), 0) if len(paths) > 1 else 0
    wants = 1 if len(paths) > 1 else len(channels)
    rule = f"it has {_channels(counts[bad])}, and {_channels(wants)} {'is' if wants == 1 else 'are'} wanted"
    raise BadFileError(paths[bad], rule, f"this project's channels are: {', '.join(channels)}")


def _channels(count: int) -> str:
    return f"{count} channel{'' if count == 1 else 's'}"


def _files(path: Path) -> tuple[Path, ...]:
    return pair_of(path) if ending(path).startswith((".hdr", ".img")) else (path,)


def _stat(path: Path) -> tuple[int, int]:
    try:
        stats = [file.stat() for file in _files(path)]
    except OSError as error:
        rule = f"the scan is not there ({error.strerror})"
        raise BadFileError(path, rule, "put it back, or mount the drive it is on") from None
    return sum(stat.st_size for stat in stats), max(stat.st_mtime_ns for stat in stats)


def _sha256(path: Path) -> str:
    sums = [file_sha256(file) for file in _files(path)]
    return sums[0] if len(sums) == 1 else hashlib.sha256("".join(sums).encode()).hexdigest()
