"""What was tried, how often, and what failed; and the command line that all attacks share."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Tally:
    """`tried` counts what was done, by name; `failures` says in words what did not hold."""

    tried: dict[str, int]
    failures: tuple[str, ...] = ()

    def __str__(self) -> str:
        counts = [f"{count:8} {what}" for what, count in self.tried.items()]
        return "\n".join([*counts, f"{len(self.failures):8} failures", *(f"  {words}" for words in self.failures)])


def main(attack: Callable[[Path, int, int], Tally]) -> None:
    """Attack in a temporary folder, print the tally; exit 1 where something failed."""
    parser = argparse.ArgumentParser(description=sys.modules[attack.__module__].__doc__)
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="medssl-attack-") as folder:
        tally = attack(Path(folder), given.times, given.seed)
    print(tally)
    sys.exit(1 if tally.failures else 0)
