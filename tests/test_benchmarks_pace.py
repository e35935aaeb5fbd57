"""How long a step takes on a quiet core: the unit in which the tables of methods count their minutes."""

from __future__ import annotations

import importlib.util
from itertools import accumulate
from pathlib import Path

import pytest

from napari_medssl.runs.events import PhaseStarted, RunEvent, Stepped

PACE = Path(__file__).parents[1] / "benchmarks" / "pace.py"


@pytest.fixture(scope="module")
def quiet_step():
    spec = importlib.util.spec_from_file_location("pace", PACE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.quiet_step


def phase(seconds: list[float], begins: float, every: int = 1) -> list[RunEvent]:
    """A phase in which the steps between one event and the next took so long each."""
    at = accumulate((every * each for each in seconds), initial=begins)
    steps = [Stepped(at=t, step=every * n, phase="p", losses={}, progress=0, eta_seconds=0) for n, t in enumerate(at)]
    return [PhaseStarted(at=begins, phase="p", title="", index=0), *steps]


def test_steps_that_other_work_made_slower_do_not_count(quiet_step) -> None:
    assert quiet_step(phase([0.2, 0.2, 0.2, 0.2, 1.0, 3.0, 0.2, 9.0], 100)) == pytest.approx(0.2)


def test_an_event_may_tell_of_several_steps(quiet_step) -> None:
    assert quiet_step(phase([0.2] * 6, 100, every=5)) == pytest.approx(0.2)


def test_each_phase_counts_by_its_steps_and_not_the_time_between(quiet_step) -> None:
    both = phase([0.1] * 30, 100) + phase([0.5] * 10, 900)
    assert quiet_step(both) == pytest.approx((30 * 0.1 + 10 * 0.5) / 40)


def test_a_phase_without_two_events_has_no_pace(quiet_step) -> None:
    assert quiet_step(phase([0.3] * 4, 100) + phase([], 900)) == pytest.approx(0.3)
