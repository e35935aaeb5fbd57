"""A short share of the attacks by full disks, by kills and by crafted runs, the last two in processes of their own."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import attacks
import pytest

pytestmark = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs Linux")


def test_a_full_disk_costs_nothing_but_what_is_being_saved(tmp_path: Path) -> None:
    tally = attacks.load("disk_full").attack(tmp_path, 1, 1)
    assert tally.failures == ()
    assert sum(tally.tried.values()) >= 40


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
@pytest.mark.timeout(300)
def test_a_kill_costs_nothing_but_what_is_being_saved() -> None:
    command = [sys.executable, str(attacks.FOLDER / "kills.py"), "--times", "2", "--seed", "1"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 failures" in done.stdout
    assert "2 kills: saves" in done.stdout


def test_a_crafted_run_is_refused_in_one_line() -> None:
    """In a process of its own, for it forks."""
    command = [sys.executable, str(attacks.FOLDER / "crafted.py"), "--times", "6", "--seed", "2"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 failures" in done.stdout
