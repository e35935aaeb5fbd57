"""The campaigns of `benchmarks/attacks`, for the tests that run a short share of each."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType

FOLDER = Path(__file__).parents[1] / "benchmarks" / "attacks"


def load(kind: str) -> ModuleType:
    """The module of a campaign; it finds its neighbors as it does when it is run by itself."""
    sys.path.insert(0, str(FOLDER))
    try:
        return importlib.import_module(kind)
    finally:
        sys.path.remove(str(FOLDER))
