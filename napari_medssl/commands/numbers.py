"""Numbers as people type them on the command line."""

from __future__ import annotations

import argparse
import math
import re

_NUMBER = re.compile(r"[+-]?(\d+([.,]\d*)?|[.,]\d+)(e[+-]?\d+)?", re.IGNORECASE)


def number(text: str) -> float:
    """A number: 12.5 and 12,5 are the same.

    Raises
    ------
    argparse.ArgumentTypeError
        When it is none, or has no end.
    """
    word = text.strip()
    value = float(word.replace(",", ".")) if _NUMBER.fullmatch(word) else math.nan
    if not math.isfinite(value):
        raise argparse.ArgumentTypeError(f"{text!r} is no number such as 12.5")
    return value


def number_from_zero(text: str) -> float:
    """A number that is not below 0.

    Raises
    ------
    argparse.ArgumentTypeError
        When it is none, or below 0.
    """
    value = number(text)
    if value < 0:
        raise argparse.ArgumentTypeError(f"{text!r} is below 0")
    return value
