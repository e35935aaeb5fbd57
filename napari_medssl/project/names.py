"""Names of cases and runs: also names of folders, on every file system."""

from __future__ import annotations

import re
import unicodedata

from ..errors import ProjectError

LONGEST = 100
_UNSAFE = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f@]+')
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
_DIGITS = re.compile(r"(\d+)")


def safe_name(text: str) -> str:
    """The nearest name to `text` that can be a folder anywhere; "case" where nothing is left."""
    name = _UNSAFE.sub("_", unicodedata.normalize("NFC", text)).strip(" .")[:LONGEST].strip(" .")
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
