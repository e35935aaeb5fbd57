"""What is known of a scan once it was read: its range of values, and a sum that tells it from others."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..errors import BadFileError
from ..imaging import Grid, Pieces, Volume, in_pieces, read_image
from .findings import Scan
from .quarantine import has_note, note_unreadable, withdraw_note

if TYPE_CHECKING:
    from .case import Case

SAMPLE = 200_000  # voxels, to tell the range of values from
#: Told a scan that takes long to read, and how much of it was; says whether to go on.
OnPart = Callable[[str, float], bool]


class StoppedError(Exception):
    """Nobody wants to know any more."""


def describe_file(path: Path, on_part: OnPart = lambda name, share: True) -> Scan:
    """Read a scan and describe it; a large one a piece at a time.

    Raises
    ------
    BadFileError
        If it cannot be used.
    StoppedError
        If `on_part` says so.
    """
    pieces = in_pieces(path)
    if pieces is None:
        return describe(str(path), path.name, read_image(path))
    return describe_pieces(str(path), path.name, pieces.grid, [pieces], on_part)


def describe_case(case: Case, on_part: OnPart = lambda name, share: True) -> Scan:
    """Read the scan of a case and describe it, as `describe_file` does. One that cannot be read is noted.

    Raises
    ------
    BadFileError
        If a file is missing, damaged, changed since it was added, or on another grid.
    StoppedError
        If `on_part` says so.
    """
    pieces = _in_pieces(case)
    if not pieces:
        return describe(case.name, case.name, case.read_image())
    try:
        for ref, one in zip(case.image_refs, pieces, strict=True):
            ref.check_unchanged(one.path)
            difference = case.grid.mismatch(one.grid)
            if difference is not None:
                rule = f"it is not on the grid of case {case.name}: {difference}"
                raise BadFileError(one.path, rule, "export the channels of a case on one grid")
        scan = describe_pieces(case.name, case.name, case.grid, pieces, on_part)
    except BadFileError as error:
        note_unreadable(case.folder, case.images, str(error))
        raise
    if has_note(case.folder):
        withdraw_note(case.folder)
    return scan


def _in_pieces(case: Case) -> list[Pieces]:
    """The files of a case, where all of them are large and can be read so."""
    try:
        refs = zip(case.image_refs, case.images, strict=True)
        pieces = [None if ref.as_stored else in_pieces(path, ref.volume) for ref, path in refs]
    except BadFileError:  # told when it is read
        return []
    return [] if None in pieces else [one for one in pieces if one is not None]


def describe(key: str, name: str, volume: Volume) -> Scan:
    """What is known of a scan once it was read."""
    array = volume.array
    flat = array.reshape(-1)
    sample = flat[:: max(1, flat.size // SAMPLE)].astype(np.float64)
    low, high = _range(sample)
    if high <= low and np.isfinite(sample).any():  # few bright voxels in much air are no constant
        low, high = float(np.nanmin(array)), float(np.nanmax(array))
    part = float(np.isfinite(array).mean()) if array.dtype.kind == "f" else 1.0
    digest = hashlib.blake2b(np.ascontiguousarray(array).view(np.uint8).reshape(-1).data, digest_size=16)
    digest.update(repr((array.shape, array.dtype.str)).encode())
    return Scan(key, name, volume.grid, len(array), low, high, part, digest.hexdigest())


def describe_pieces(key: str, name: str, grid: Grid, channels: Sequence[Pieces], on_part: OnPart) -> Scan:
    """The same of a large scan, in memory for some millions of voxels; its digest is that of other large scans only.

    Raises
    ------
    BadFileError
        If a file is damaged.
    StoppedError
        If `on_part` says so.
    """
    total = sum(one.size for one in channels)
    step, done, finite = max(1, total // SAMPLE), 0, 0
    sample: list[NDArray[np.float64]] = []
    ends: list[tuple[float, float]] = []
    digest = hashlib.blake2b(digest_size=16)
    for file in channels:
        for piece in file:
            if not on_part(name, done / total):
                raise StoppedError
            sample.append(piece[-done % step :: step].astype(np.float64))
            good = piece[np.isfinite(piece)] if piece.dtype.kind == "f" else piece
            finite += good.size
            if good.size:
                ends.append((float(good.min()), float(good.max())))
            digest.update(piece.view(np.uint8).data)
            done += piece.size
    on_part(name, 1.0)
    low, high = _range(np.concatenate(sample))
    if high <= low and ends:
        low, high = min(low for low, _ in ends), max(high for _, high in ends)
    count = sum(one.channels for one in channels)
    digest.update(repr((count, grid.shape, channels[0].dtype.str)).encode())
    return Scan(key, name, grid, count, low, high, finite / total, digest.hexdigest())


def _range(sample: NDArray[np.float64]) -> tuple[float, float]:
    """0.5th and 99.5th percentile of the numbers in a sample; (0, 0) for none."""
    finite = sample[np.isfinite(sample)]
    if not finite.size:
        return 0.0, 0.0
    low, high = (float(value) for value in np.percentile(finite, (0.5, 99.5)))
    return low, high
