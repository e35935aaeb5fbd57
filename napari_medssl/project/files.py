"""Which files a person means who names files and folders."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path

from ..errors import BadFileError
from ..imaging import ending, find_images

_LABEL_NAME = re.compile(r".+_(label|labels|seg|mask)$", re.IGNORECASE)
_KINDS = "NIfTI (.nii, .nii.gz, .hdr/.img), PNG, TIFF or JPEG"


def gather(paths: Path | str | Iterable[Path | str], look_in: Callable[[Path], list[Path]]) -> Iterable[Path]:
    """Files by absolute path, each once, in the order given."""
    several = [paths] if isinstance(paths, Path | str) else list(paths)
    seen: dict[Path, None] = {}
    for one in several:
        path = Path(one).expanduser().absolute()
        for file in look_in(path) if path.is_dir() else [path]:
            seen.setdefault(file)
    return seen


def scans_in(folder: Path) -> list[Path]:
    """Scans lying in a folder, else those in its own folders (a folder per patient)."""
    found = [path for path in find_images(folder) if not is_named_label(path)]
    if not found:
        below = sorted(sub for sub in folder.iterdir() if sub.is_dir() and not sub.name.startswith("."))
        found = [path for sub in below for path in find_images(sub) if not is_named_label(path)]
    if not found:
        remedy = f"choose a folder with {_KINDS} files (convert DICOM to NIfTI first)"
        raise BadFileError(folder, "there are no scans in this folder", remedy)
    return found


def labels_in(folder: Path) -> list[Path]:
    """Files in a folder that are named like labels; all, where none is."""
    found = find_images(folder)
    if not found:
        raise BadFileError(folder, "there are no labels in this folder", f"choose a folder with {_KINDS} files")
    return [path for path in found if is_named_label(path)] or found


def bare(path: Path) -> str:
    """The file name less its ending."""
    return path.name[: -len(ending(path))] if ending(path) else path.stem


def is_named_label(path: Path) -> bool:
    """Whether a file is named like labels: …_label, …_seg, …_mask."""
    return _LABEL_NAME.fullmatch(bare(path)) is not None
