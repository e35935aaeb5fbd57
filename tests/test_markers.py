"""The list of slow test modules names modules that there are."""

from __future__ import annotations

from pathlib import Path

from conftest import SLOW


def test_modules_that_are_slow_are_there() -> None:
    there = {path.stem.removeprefix("test_") for path in Path(__file__).parent.glob("test_*.py")}
    assert there >= SLOW
