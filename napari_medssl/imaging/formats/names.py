"""What file names say: which are images, which belong together, which case they are of."""

from __future__ import annotations

import re
from pathlib import Path

from ...errors import BadFileError

NIFTI_ENDINGS = (".nii.gz", ".nii", ".hdr.gz", ".hdr", ".img.gz", ".img")
RASTER_ENDINGS = (".png", ".tiff", ".tif", ".jpeg", ".jpg")
_ROLE = re.compile(r"(?<=.)_(image|label|seg|0000)$", re.IGNORECASE)


def ending(path: Path | str) -> str:
    """Return the known ending of a file name in lower case, ".nii.gz" counting as one; "" where unknown."""
    name = Path(path).name.lower()
    return next((known for known in (*NIFTI_ENDINGS, *RASTER_ENDINGS) if name.endswith(known)), "")


def is_image_path(path: Path | str) -> bool:
    """Whether a file of this name may be an image; the file is not opened."""
    name = Path(path).name
    return not name.startswith(".") and len(ending(name)) not in (0, len(name))


def case_stem(path: Path | str) -> str:
    """Return the name of the case a file belongs to.

    The file name less its ending and less one trailing ``_image``, ``_label``, ``_seg`` or ``_0000``.
    """
    path = Path(path)
    known = ending(path)
    stem = path.name[: -len(known)] if known and len(known) < len(path.name) else path.stem
    return _ROLE.sub("", stem)


def find_images(folder: Path | str) -> list[Path]:
    """List the images lying directly in a folder, sorted by name; hidden files are skipped.

    Of a .hdr/.img pair only the header is listed.

    Raises
    ------
    BadFileError
        If `folder` is no readable folder.
    """
    folder = Path(folder)
    try:
        names = sorted(entry for entry in folder.iterdir() if is_image_path(entry) and entry.is_file())
    except OSError as error:
        rule = f"it is not a readable folder ({error.strerror or error})"
        raise BadFileError(folder, rule, "give a folder with scans") from None
    present = {name.name.lower() for name in names}

    def has_header(path: Path) -> bool:
        stem = path.name.lower()[: -len(ending(path))]
        return f"{stem}.hdr" in present or f"{stem}.hdr.gz" in present

    return [path for path in names if not (ending(path).startswith(".img") and has_header(path))]


def pair_of(path: Path) -> tuple[Path, Path]:
    """Return header and data file of a .hdr/.img pair, given either; each may be gzipped or not.

    Raises
    ------
    BadFileError
        If the partner is missing, naming it.
    """
    known = ending(path)
    stem = path.name[: -len(known)]
    other = ".img" if known.startswith(".hdr") else ".hdr"
    zipped = known.endswith(".gz")
    candidates = [other + ".gz", other] if zipped else [other, other + ".gz"]
    for suffix in (*candidates, *(suffix.upper() for suffix in candidates)):
        partner = path.with_name(stem + suffix)
        if partner.is_file():
            return (path, partner) if other == ".img" else (partner, path)
    missing = f"{stem}{candidates[0]} (or {stem}{candidates[1]})"
    what = "data" if other == ".img" else "header"
    raise BadFileError(path, f"its {what} file {missing} is missing", "put both files of the pair into one folder")
