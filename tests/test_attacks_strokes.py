"""A short share of the attacks on strokes: real processes with slow disks, killed at any moment."""

from __future__ import annotations

import signal
from pathlib import Path

import attacks
import pytest

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")


@pytest.mark.timeout(300)
@pytest.mark.parametrize("fsync", [25, 100, 500])
def test_no_stroke_that_was_noted_is_lost_by_a_kill_while_drafts_are_saved(tmp_path: Path, fsync: int) -> None:
    painting = attacks.load("strokes").Painting(tmp_path / "project")
    for seconds in (1.9, 2.3):
        painting.live(seconds + fsync / 250, fsync, draft_seconds=0.8, full_every=0)
        assert painting.missing() == []
    assert len(painting.noted) > 20
    assert painting.drafts > 0


@pytest.mark.timeout(300)
def test_no_stroke_that_was_noted_is_lost_by_a_kill_on_a_disk_that_is_full_now_and_then(tmp_path: Path) -> None:
    painting = attacks.load("strokes").Painting(tmp_path / "project")
    painting.live(2.5, 10, draft_seconds=0.1, full_every=0.4)
    assert painting.missing() == []
    assert painting.drafts > 0


@pytest.mark.timeout(300)
def test_the_campaign_finds_nothing(tmp_path: Path) -> None:
    tally = attacks.load("strokes").attack(tmp_path, 2, 3)
    assert tally.tried["kills while painting"] == 2
    assert not tally.failures, str(tally)
