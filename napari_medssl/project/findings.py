"""What is known of scans and label files, and what is found odd about them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from ..imaging import Grid

Level = Literal["error", "warning", "info"]
LEVELS: tuple[Level, ...] = ("error", "warning", "info")


@dataclass(frozen=True)
class Finding:
    """Something a person should know before work begins.

    Attributes
    ----------
    rule : str
        Which check: "unreadable", "spacing", "duplicate" …
    items : tuple of str
        The scans or label files, by name.
    what, todo : str
        A sentence each.
    leave_out : tuple of str
        Keys of the scans that could be left out, a file's path or a case's name: better so for an error, for a person
        to decide for a warning.
    """

    level: Level
    rule: str
    items: tuple[str, ...]
    what: str
    todo: str
    leave_out: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Scan:
    """What is known of a scan.

    Attributes
    ----------
    key, name : str
        How it is told from others, and how people call it.
    low, high : float
        0.5th and 99.5th percentile of its finite voxels.
    finite : float
        Part of its voxels that are numbers.
    digest : str
        The same for the same voxels.
    patient : str
        Whose it is; "" where unknown.
    audit : bool
        Whether no model learns from it.
    notes : tuple of str
        What its header leaves to be told, a sentence each.
    """

    key: str
    name: str
    grid: Grid
    channels: int
    low: float
    high: float
    finite: float
    digest: str
    patient: str = ""
    audit: bool = False
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Mask:
    """What is known of a label file.

    Attributes
    ----------
    key, name : str
        How it is told from others, and how people call it.
    scan : str
        The key of the scan it belongs to; "" for none.
    values : tuple of int
        The classes that occur.
    unseen : float
        Part of its voxels that is 255, *not looked at*.
    why : str
        Why it belongs to no scan, where that is known.
    """

    key: str
    name: str
    scan: str
    grid: Grid
    values: tuple[int, ...]
    unseen: float = 0.0
    why: str = ""


def about(odd: Sequence[Scan], level: Level, rule: str, what: str, todo: str) -> Finding:
    """A finding on these scans; those of more than a note could be left out."""
    keys = () if level == "info" else tuple(scan.key for scan in odd)
    return Finding(level, rule, tuple(scan.name for scan in odd), what, todo, keys)


def in_words(findings: Iterable[Finding]) -> str:
    """How many of which level, for a headline."""
    counts = Counter(finding.level for finding in findings)
    names: dict[Level, Callable[[int], str]] = {
        "error": lambda n: f"{n} problem{'' if n == 1 else 's'}",
        "warning": lambda n: f"{n} thing{'' if n == 1 else 's'} to look at",
        "info": lambda n: f"{n} note{'' if n == 1 else 's'}",
    }
    return ", ".join(names[level](counts[level]) for level in LEVELS if counts[level]) or "nothing odd"
