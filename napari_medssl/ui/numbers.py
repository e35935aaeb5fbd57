"""Numbers as people type them: a comma and a point mean the same, whatever the language of the computer. No Qt."""

from __future__ import annotations

import math
import re
import unicodedata

SIGNIFICANT = 5  # digits that are shown of a number with a fraction
_GAP = r"[ '’\u066c]"  # between groups of three digits
_WHOLE = rf"(?:\d+|\d{{1,3}}(?:{_GAP}\d{{3}})+)"
_PLAIN = re.compile(rf"[+-]?(?:{_WHOLE}[.,]?\d*|[.,]\d+)(?:e[+-]?\d+)?", re.IGNORECASE)
_GROUPED = (re.compile(r"([+-]?\d{1,3}(?:\.\d{3})+)(?:,(\d*))?"), re.compile(r"([+-]?\d{1,3}(?:,\d{3})+)(?:\.(\d*))?"))
_BEGUN = re.compile(r"[+-]?[\d.,\s'’\u066c]*(?:e[+-]?\d*)?", re.IGNORECASE)


def read_number(words: str) -> float | None:
    """The number that somebody typed; None where it is none, or not finite.

    The only sign in a number ("12,5", "1.234") separates its fraction. Where there are two kinds, or one of them
    repeated ("1.234,5", "1,234,567"), those before groups of three digits only group them.
    """
    plain = _plain(words)
    if _PLAIN.fullmatch(plain):
        plain = re.sub(_GAP, "", plain).replace(",", ".")
    elif found := _GROUPED[0].fullmatch(plain) or _GROUPED[1].fullmatch(plain):
        plain = f"{re.sub('[.,]', '', found[1])}.{found[2] or ''}"
    else:
        return None
    value = float(plain)
    return value if math.isfinite(value) else None


def may_become_number(words: str) -> bool:
    """Whether more letters could make a number of what was typed so far."""
    return _BEGUN.fullmatch(_plain(words)) is not None


def number_text(value: float, most: int) -> str:
    """A number in as few digits as say it, at most `most` after the point; no exponent, for nobody types one."""
    value += 0.0  # no minus before nothing
    before = math.floor(math.log10(abs(value))) if value else 0
    digits = min(most, max(0, SIGNIFICANT - 1 - before))
    written = f"{value:.{digits}f}"
    written = written.rstrip("0").rstrip(".") if "." in written else written
    return "0" if written == "-0" else written


def _plain(words: str) -> str:
    """Digits of any script as those from 0 to 9; spaces and signs in one form each."""
    out = []
    for letter in words.strip():
        if letter.isdecimal():
            out.append(str(unicodedata.decimal(letter)))
        elif letter.isspace():
            out.append(" ")
        else:
            out.append({"−": "-", "\u066b": "."}.get(letter, letter))
    return "".join(out)
