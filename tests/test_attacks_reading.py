"""A short share of the attacks on readers of images and on the arguments of commands."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

import pytest


@pytest.mark.parametrize(("kind", "times"), [("images", 60), ("arguments", 95)])
def test_nothing_ends_in_a_traceback(
    kind: str, times: int, tmp_path: Path, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(repository / "benchmarks" / "attacks"))
    try:
        tally = import_module(kind).attack(tmp_path, times, 1)
    finally:
        for name in (kind, "tally"):
            sys.modules.pop(name, None)
    assert tally.failures == ()
    assert sum(tally.tried.values()) >= times
