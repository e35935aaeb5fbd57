"""Whether files that became cases of their own look like the channels of one case. Pure."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from .filenames import bare

_NUMBERED = re.compile(r"(.+)_(\d{4})")
_GAP = re.compile(r"[-_. ]")


def channel_hint(files: Sequence[Path]) -> str:
    """What to do where scans look like several channels of fewer cases; "" where they do not.

    That is so where all are named …_0000, …_0001, as nnU-Net has it, or where every folder (a folder per patient)
    holds the same kinds: …-t1c, …-t2w.
    """
    numbered = defaultdict(set)
    for file in files:
        match = _NUMBERED.fullmatch(bare(file))
        if match:
            numbered[file.parent, match[1]].add(match[2])
    kinds = set().union(*numbered.values()) if numbered else set()
    if "0000" in kinds and "0001" in kinds and any({"0000", "0001"} <= one for one in numbered.values()):
        last, names = max(kinds), " ".join(f"NAME{n + 1}" for n in range(len(kinds)))
        return (
            f"Files named …_0000 to …_{last} look like the channels of one case each, and are taken for cases of "
            f"their own. To make one case of them, make the project with --channels {names}."
        )
    endings = defaultdict(set)
    for file in files:
        endings[file.parent].add(_GAP.split(bare(file))[-1])
    alike = set(map(frozenset, endings.values()))
    if (
        len(alike) == 1
        and len(endings) > 1
        and len(next(iter(alike))) > 1
        and len(files) == sum(map(len, endings.values()))
    ):
        listed = ", ".join(sorted(next(iter(alike))))
        return (
            f"Each folder holds {len(next(iter(alike)))} scans of the same kinds ({listed}), each taken for a case of "
            "its own. To make channels of one case of them, name them …_0000, …_0001, … and give --channels."
        )
    return ""
