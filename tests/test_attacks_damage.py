"""A short share of the attack that damages files of a project."""

from __future__ import annotations

from pathlib import Path

from attacks import load


def test_damage_is_named_and_stops_nothing_else(tmp_path: Path) -> None:
    tally = load("damage").attack(tmp_path, 30, 1)
    assert tally.failures == ()
    assert sum(tally.tried.values()) == 30
