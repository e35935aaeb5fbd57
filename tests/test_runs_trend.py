"""Curves in words, and silences: on synthetic curves with noise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_medssl.runs.events import PhaseStarted, Proposed, RunEvent, RunFinished, RunStarted, Stepped, Validated
from napari_medssl.runs.stall import FLOOR, LONG, PLANNING, is_stalled, patience
from napari_medssl.runs.status import CurvePoint, RunStatus, fold
from napari_medssl.runs.trend import Trend, dice_trend, loss_trend, tell_trend

HOUR = 3600.0


def curve(
    shape: Callable[[np.ndarray], np.ndarray],
    noise: float = 0.05,
    seed: int = 0,
    count: int = 1200,
    seconds: float = HOUR,
) -> list[CurvePoint]:
    """`count` points over an hour; `shape` of the time in 0..1."""
    t = np.linspace(0, 1, count)
    values = shape(t) + np.random.default_rng(seed).normal(0, noise, count)
    return [CurvePoint(k + 1, float(x * seconds), float(y)) for k, (x, y) in enumerate(zip(t, values, strict=True))]


def decay(t: np.ndarray, tau: float = 0.5) -> np.ndarray:
    return 0.2 + np.exp(-t / tau)


def settled(t: np.ndarray) -> np.ndarray:
    """Falls for a quarter of an hour, and is flat from then on."""
    return 0.2 + np.maximum(0, 1 - t / 0.25)


def rising_again(t: np.ndarray) -> np.ndarray:
    """Best after half an hour."""
    return 0.3 + 2 * (t - 0.5) ** 2


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("noise", [0.0, 0.05, 0.1])
class TestLoss:
    def test_still_improving(self, noise: float, seed: int) -> None:
        assert str(tell_trend(curve(decay, noise, seed))) == "still improving"

    def test_flat_for_as_long_as_it_is(self, noise: float, seed: int) -> None:
        trend = tell_trend(curve(settled, noise, seed))
        assert trend.kind == "flat"
        assert trend.seconds == pytest.approx(0.75 * HOUR, abs=0.15 * HOUR)

    def test_getting_worse_since_its_best(self, noise: float, seed: int) -> None:
        trend = tell_trend(curve(rising_again, noise, seed))
        assert trend.kind == "worse"
        assert trend.seconds == pytest.approx(0.5 * HOUR, abs=0.15 * HOUR)

    def test_noise_alone_is_flat(self, noise: float, seed: int) -> None:
        assert tell_trend(curve(np.zeros_like, noise, seed)).kind == "flat"


class TestWords:
    def test_they_name_the_time(self) -> None:
        assert str(Trend("flat", 900)) == "flat for 15 min"
        assert str(Trend("worse", 300)) == "getting worse for 5 min"
        assert str(tell_trend(curve(settled, 0.0))).startswith("flat for 4")

    def test_too_early_with_few_points_or_little_time(self) -> None:
        for points in ([], curve(decay, count=5), curve(decay, seconds=10.0)):
            assert str(tell_trend(points)) == "too early to tell"

    def test_what_is_no_number_is_passed_over(self) -> None:
        points = curve(decay)
        holes = [replace(p, value=float("nan")) if p.step % 7 == 0 else p for p in points]
        assert tell_trend(holes).kind == "improving"
        assert tell_trend([replace(p, value=float("nan")) for p in points]).kind == "early"

    def test_single_spikes_change_nothing(self) -> None:
        points = [replace(p, value=50.0) if p.step % 100 == 99 else p for p in curve(settled)]
        assert tell_trend(points).kind == "flat"

    @given(st.floats(1e-3, 1e3), st.floats(-100, 100))
    def test_units_do_not_matter(self, scale: float, shift: float) -> None:
        points = curve(rising_again)
        other = [replace(p, value=p.value * scale + shift) for p in points]
        assert tell_trend(other).kind == tell_trend(points).kind

    @given(st.lists(st.tuples(st.floats(0, 1e5), st.floats(allow_nan=True)), max_size=40))
    def test_any_curve_has_words(self, drawn: list[tuple[float, float]]) -> None:
        points = [CurvePoint(k, t, v) for k, (t, v) in enumerate(sorted(drawn, key=lambda one: one[0]))]
        assert str(tell_trend(points, fewest=4))


def told(dice: list[float]) -> str:
    """The words for a run that was measured so, every five minutes."""
    points = tuple(CurvePoint(k, 300.0 * k, value) for k, value in enumerate(dice))
    return str(dice_trend(RunStatus(dice=points)))


def test_dice_is_better_when_higher() -> None:
    assert told([0.1, 0.4, 0.6, 0.7, 0.76, 0.8, 0.83, 0.85]) == "still improving"
    assert told([0.1, 0.4, 0.6, 0.7, 0.80, 0.801, 0.799, 0.802, 0.80, 0.801]).startswith("flat for ")
    assert told([0.1, 0.5, 0.8, 0.78, 0.74, 0.71, 0.67]).startswith("getting worse for ")
    assert told([0.1, 0.5, 0.8]) == "too early to tell"
    assert told([0.8, 0.801, 0.802, 0.803, 0.802, 0.803]).startswith("flat for "), "less than chance makes"


BEGIN = RunStarted(at=0.0, run="bcp-001", task="train", method="bcp")
PHASE = PhaseStarted(at=60.0, phase="copy", title="Copy", index=0)


def stepped(at: float, step: int, loss: float = 1.0, seconds: float = 0.1) -> Stepped:
    return Stepped(
        at=at, step=step, phase="copy", losses={"total": loss}, progress=0.1, eta_seconds=9, step_seconds=seconds
    )


def training(every: float = 1.0, count: int = 50, seconds: float = 0.1) -> list[RunEvent]:
    """A run that speaks regularly."""
    return [BEGIN, PHASE, *(stepped(60 + every * k, k, seconds=seconds) for k in range(1, count))]


def test_a_new_phase_is_judged_by_its_own_loss() -> None:
    first = [BEGIN, PHASE, *(stepped(60 + k, k, loss=100 - k) for k in range(1, 60))]
    second = PhaseStarted(at=120, phase="self", title="Self", index=1, step=59)
    assert loss_trend(fold(first)).kind == "improving"
    assert loss_trend(fold([*first, second])).kind == "early"
    rising = [stepped(120 + k, 59 + k, loss=500 + k) for k in range(1, 60)]
    assert loss_trend(fold([*first, second, *rising])).kind == "worse"


def test_pauses_are_left_out_of_the_time_of_a_curve() -> None:
    first = [BEGIN, *(stepped(k, k) for k in range(1, 11)), RunFinished(at=10, reason="paused")]
    again = replace(BEGIN, at=10_000.0, resumed_step=10)
    status = fold([*first, again, stepped(10_001.0, 11)])
    assert [point.seconds for point in status.loss] == [float(k) for k in range(1, 12)]


class TestSilence:
    def test_quick_steps_may_be_silent_for_two_minutes(self) -> None:
        status = fold(training())
        assert patience(status) == FLOOR
        assert not is_stalled(status, FLOOR)
        assert is_stalled(status, FLOOR + 1)

    def test_slow_steps_for_longer(self) -> None:
        assert patience(fold(training(every=60.0, seconds=60.0))) == 20 * 60.0
        assert patience(fold(training(every=60.0))) == 300.0

    def test_planning_and_the_first_steps_take_their_time(self) -> None:
        assert patience(RunStatus()) == patience(fold([BEGIN])) == PLANNING
        assert patience(fold([BEGIN, PHASE])) == patience(fold([BEGIN, PHASE, stepped(61, 1)])) == LONG

    def test_so_does_the_first_measurement(self) -> None:
        measured = [replace(BEGIN, held_out=4), *training()[1:]]
        assert patience(fold(measured)) == LONG
        said = Validated(at=200.0, step=50, dice={"a": 0.5}, mean=0.5, cases=4, best=True)
        assert patience(fold([*measured, said])) == FLOOR

    def test_and_proposing(self) -> None:
        propose = PhaseStarted(at=200.0, phase="propose", title="Making proposals", index=1, step=50)
        said = [*training(), propose]
        assert patience(fold(said)) == LONG
        quick = Proposed(at=210.0, case="a", score=0.1, index=0, total=9, seconds=1.0)
        assert patience(fold([*said, quick])) == FLOOR
        assert patience(fold([*said, replace(quick, seconds=100.0), quick])) == 500.0

    def test_a_run_that_is_over_or_in_line_never_stalls(self) -> None:
        over = fold([*training(), RunFinished(reason="completed")])
        assert not is_stalled(over, 1e6)
        assert not is_stalled(replace(RunStatus(), waits_for="bcp-001"), 1e6)
