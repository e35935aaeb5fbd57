"""Files that look like scans and cannot be read here: what they are, and what to do about them."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

LINK = "dangling links"
DICOM = "DICOM"
KINDS = {
    ".dcm": DICOM,
    ".dicom": DICOM,
    ".ima": DICOM,
    ".nrrd": "NRRD",
    ".nhdr": "NRRD",
    ".mha": "MetaImage",
    ".mhd": "MetaImage",
    ".mgz": "FreeSurfer",
    ".mgh": "FreeSurfer",
    ".mnc": "MINC",
    ".gipl": "GIPL",
    ".bmp": "BMP",
    ".gif": "GIF",
    ".webp": "WebP",
    ".jp2": "JPEG 2000",
    ".svs": "whole-slide image",
    ".ndpi": "whole-slide image",
    ".mrxs": "whole-slide image",
    ".npy": "NumPy",
    ".npz": "NumPy",
}
_TO_NIFTI = "convert them with dcm2niix (dcm2niix -z y -o OUT FOLDER) or 3D Slicer"
_REMEDIES = {
    DICOM: f"MedSSL cannot read DICOM yet: {_TO_NIFTI}",
    "NRRD": "MedSSL cannot read NRRD: save them as NIfTI (.nii.gz) with 3D Slicer",
    "MetaImage": "MedSSL cannot read MetaImage: save them as NIfTI (.nii.gz) with ITK-SNAP or 3D Slicer",
    "FreeSurfer": "MedSSL cannot read .mgz: convert them with mri_convert (mri_convert scan.mgz scan.nii.gz)",
    "whole-slide image": "MedSSL cannot read whole slides: export regions as TIFF or PNG",
    LINK: "what a link points to is not there: fetch it (git annex get, datalad get), or mount the drive it is on",
}
_SNIFFED = 132  # bytes to the end of DICOM's mark
_HEAD = 65536  # bytes in which the number of the series stands
_SERIES = b"\x20\x00\x0e\x00"  # tag (0020,000E), little endian


def unread_kind(path: Path) -> str:
    """What a file is that looks like a scan and is not read; "" for all others.

    Files whose name does not end like anything are looked into: that is how DICOM often comes.
    """
    if path.name.startswith("."):
        return ""
    if path.is_symlink() and not path.exists():
        return LINK if _looks_like_scan(path) else ""
    kind = KINDS.get(path.suffix.lower(), "")
    unknown = not path.suffix or not path.suffix[1:].isalpha()
    return kind or (DICOM if unknown and _head(path, _SNIFFED).endswith(b"DICM") else "")


def why_unread(kind: str) -> str:
    """Why a file of that kind is not taken, and what to do."""
    return _REMEDIES.get(kind, f"MedSSL cannot read {kind}: save them as NIfTI (.nii.gz), or PNG or TIFF")


def unread_words(left: Iterable[Path]) -> str:
    """Such files, counted, and what to do: "DICOM (32 files, 1 series). MedSSL cannot …"; "" where there are none."""
    kinds: dict[str, list[Path]] = {}
    for path in left:
        kind = unread_kind(path)
        if kind:
            kinds.setdefault(kind, []).append(path)
    return " ".join(_told(kind, paths) for kind, paths in kinds.items())


def _told(kind: str, paths: list[Path]) -> str:
    files = "1 file" if len(paths) == 1 else f"{len(paths)} files"
    series = ""
    if kind == DICOM:
        number = len(Counter(filter(None, map(_series, paths))))
        series = f", {number} series" if number else ""
    examples = ", ".join(path.name for path in paths[:2]) + (", …" if len(paths) > 2 else "")
    remedy = why_unread(kind)
    return f"{kind} ({files}{series}: {examples}). {remedy[0].upper()}{remedy[1:]}."


def _looks_like_scan(path: Path) -> bool:
    from ..imaging import is_image_path

    return is_image_path(path) or path.suffix.lower() in KINDS


def _series(path: Path) -> bytes:
    """The identifier of a DICOM file's series; empty where it is not found."""
    head = _head(path, _HEAD)
    at = head.find(_SERIES)
    if at < 0:
        return b""
    explicit = head[at + 4 : at + 6] == b"UI"
    start = at + 8
    length = int.from_bytes(head[at + 6 : at + 8] if explicit else head[at + 4 : at + 8], "little")
    return head[start : start + length].rstrip(b"\0 ") if length <= 64 else b""


def _head(path: Path, count: int) -> bytes:
    with suppress(OSError):
        if os.path.isfile(path):  # a pipe would never end
            with path.open("rb") as file:
                return file.read(count)
    return b""
