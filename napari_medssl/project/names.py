"""Names of cases and runs: also names of folders, on every file system.

File systems count 255 bytes, not letters, and a case's name is part of longer ones. So new names are short; those that
are there, of versions that counted letters, are still opened.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata

from ..errors import ProjectError

LONGEST = 100  # bytes of a new name; letters of one that is there
_DIGEST = 8  # letters that tell long names apart whose beginnings are the same
#: what no new name has: besides the unsafe, what steers a terminal, and bytes of file names that are not UTF-8
_UNWANTED = re.compile("[\x80-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]+")
_UNSAFE = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f@]+')
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
_DIGITS = re.compile(r"(\d+)")


def safe_name(text: str) -> str:
    """The nearest name to `text` that can be a folder anywhere; "case" where nothing is left.

    A long one is cut, and ends with a digest of the whole, so that two of the same beginning stay two.
    """
    name = _cleaned(_UNWANTED.sub("_", text))
    if len(name.encode()) > LONGEST:
        digest = hashlib.sha256(name.encode()).hexdigest()[:_DIGEST]
        kept = name.encode()[: LONGEST - _DIGEST - 1].decode(errors="ignore").strip(" .")
        name = f"{kept}-{digest}"
    return name


def can_be_there(name: str) -> bool:
    """Whether a folder of that name can be a case's: also one that would be shorter if it were made today."""
    return name == _cleaned(name) and len(name) <= LONGEST


def _cleaned(text: str) -> str:
    name = _UNSAFE.sub("_", unicodedata.normalize("NFC", text)).strip(" .")
    if _RESERVED.fullmatch(name):
        name = f"_{name}"
    return name or "case"


def check_name(name: str, what: str) -> str:
    """Return `name`, or say why it cannot be one.

    Raises
    ------
    ProjectError
        If it is empty, too long, or has characters that some file system refuses ("@" marks revisions).
    """
    if name != safe_name(name):
        raise ProjectError(
            f"{name!r} cannot be the name of a {what}. Use letters, digits, - and _: {safe_name(name)!r}."
        )
    return name


def folded(name: str) -> str:
    """What two names must not share: some file systems take upper and lower case for the same."""
    return unicodedata.normalize("NFC", name).casefold()


def natural_key(name: str) -> tuple[list[tuple[int, str]], str]:
    """Sorts "case 2" before "case 10"."""
    parts = _DIGITS.split(name)
    return [(int(part), "") if part.isdecimal() else (-1, part.casefold()) for part in parts if part], name
