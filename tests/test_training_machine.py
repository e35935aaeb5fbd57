"""Trying out the machine ends soon, however busy it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest
import torch

from napari_medssl.training import machine
from napari_medssl.training.machine import PATIENCE, TRIALS, compare

Times = Mapping[tuple[int, bool], float]


class Bench:
    """Trials that take as long as they are said to, by a clock that nothing else moves."""

    def __init__(self, times: Times) -> None:
        self.now = 100.0
        self.tried: list[tuple[int, bool]] = []
        self._times = times

    def trial(self, threads: int, low: bool) -> float:
        self.tried.append((threads, low))
        seconds = self._times[threads, low]
        self.now += seconds
        return seconds

    def choice(self, cores: int) -> tuple[int, bool]:
        return compare(cores, self.trial, lambda: self.now)


def times(one: float, low: float, two: float, two_low: float) -> Times:
    return {(1, False): one, (1, True): low, (2, False): two, (2, True): two_low}


@pytest.mark.parametrize(
    ("measured", "expected"),
    [
        (times(0.1, 0.2, 0.06, 0.2), (2, False)),
        (times(0.1, 0.05, 0.06, 0.03), (2, True)),
        (times(0.1, 0.2, 0.09, 0.09), (1, False)),  # more threads win by too little
        (times(0.1, 0.07, 0.2, 0.2), (1, True)),
        (times(0.1, 0.099, 0.2, 0.2), (1, False)),
    ],
)
def test_the_fastest_is_chosen(measured: Times, expected: tuple[int, bool]) -> None:
    assert Bench(measured).choice(2) == expected


def test_what_is_far_too_slow_is_tried_once() -> None:
    bench = Bench(times(0.01, 0.05, 0.5, 0.4))
    assert bench.choice(2) == (1, False)
    assert [bench.tried.count(key) for key in times(0, 0, 0, 0)] == [TRIALS, 1, 1, 1]


@pytest.mark.parametrize("slow", [0.7, 1.1, 3.5, 40.0])
def test_on_an_overloaded_machine_one_thread_is_the_answer_and_soon(slow: float) -> None:
    bench = Bench(times(slow, slow * 0.5, slow * 0.3, slow * 0.2))
    assert bench.choice(2) in ((1, False), (1, True))
    assert bench.now - 100.0 <= PATIENCE + slow


def test_it_is_measured_once_and_leaves_threads_as_they_were(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def compared(cores: int, *how: Callable[..., float]) -> tuple[int, bool]:
        asked.append(cores)
        torch.set_num_threads(threads + 1)
        return cores, False

    threads = torch.get_num_threads()
    monkeypatch.setattr(machine, "compare", compared)
    machine._fastest.cache_clear()
    try:
        assert [machine.probe("cpu").threads for _ in range(3)] == [asked[0]] * 3
        assert len(asked) == 1
        assert torch.get_num_threads() == threads
    finally:
        machine._fastest.cache_clear()


def test_a_real_trial_takes_as_long_as_it_says() -> None:
    threads = torch.get_num_threads()
    try:
        assert 0 < machine._trial(1, False) < 60
        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(threads)
