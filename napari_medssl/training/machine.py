"""What the machine can do, found out by trying.

Two compute threads on two busy cores can be ten times slower than one.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import torch
from torch.nn import functional as F

from ..errors import SpecError
from ..inference.memory import free_memory

PATIENCE = 3.0  # seconds to compare threads and precisions; a trial that has begun is waited for
TRIALS = 3
HOPELESS = 3.0  # times slower than the best: no need to try again


@dataclass(frozen=True)
class Machine:
    """A place to train.

    `memory` is bytes on the device that may be used; `threads` and `bfloat16` what was measured to be fastest.
    """

    device: str
    cores: int
    memory: int
    threads: int = 1
    bfloat16: bool = False

    @property
    def has_gpu(self) -> bool:
        """Whether there is an accelerator."""
        return self.device != "cpu"


def probe(device: str = "auto", *, measure: bool = True) -> Machine:
    """The machine as it is now.

    Parameters
    ----------
    device : str
        "auto", "gpu", "cpu", "cuda", "cuda:1", "mps".
    measure : bool
        Try threads and precision of a CPU, which takes a second, and a few at most; one thread in float32 where not.

    Raises
    ------
    SpecError
        When the device is not there.
    """
    device = find_device(device)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)
    if device.startswith("cuda"):
        low = torch.cuda.is_bf16_supported(including_emulation=False)
        return Machine(device, cores, free_memory(device), bfloat16=low)
    memory = free_memory(device)
    if device != "cpu":
        return Machine(device, cores, memory)
    threads, bfloat16 = _fastest(cores) if measure else (1, False)
    return Machine(device, cores, memory, threads, bfloat16)


def find_device(device: str) -> str:
    """The device that "auto" means here, or "gpu"; any other, if it is there.

    Raises
    ------
    SpecError
        When it is not.
    """
    there, word = devices(), device.strip().casefold()
    if word == "auto":
        return there[1] if len(there) > 1 else "cpu"
    if word == "gpu" and len(there) > 1:
        return there[1]
    if word in there:
        return word
    gpu = " Write cuda:0 for the first GPU." if word.isdecimal() and "cuda" in there else ""
    more = "" if len(there) > 1 else " A GPU needs a build of torch for it (see the README)."
    raise SpecError(f"There is no device {device!r} here; there are: auto, {', '.join(there)}.{gpu}{more}")


def devices() -> list[str]:
    """What can be trained on: "cpu", then "cuda" and each of its cards, then "mps"."""
    cards = torch.cuda.device_count() if torch.cuda.is_available() else 0
    cuda = ["cuda", *(f"cuda:{card}" for card in range(cards))] if cards else []
    return ["cpu", *cuda, *(["mps"] if torch.backends.mps.is_available() else [])]


@cache
def _fastest(cores: int) -> tuple[int, bool]:
    """Threads and precision with the shortest step here; measured once in a process."""
    before = torch.get_num_threads()
    try:
        return compare(cores, _trial, time.perf_counter)
    finally:
        torch.set_num_threads(before)


def compare(cores: int, trial: Callable[[int, bool], float], clock: Callable[[], float]) -> tuple[int, bool]:
    """Threads and precision with the shortest trial.

    More threads must win by a fifth: they are the first to suffer when the machine gets busier. Where it is so busy
    that there is no time to compare, one thread is the safe answer.

    Parameters
    ----------
    cores : int
        At most so many threads.
    trial : callable
        Seconds of one step with so many threads, in bfloat16 or not.
    clock : callable
        Seconds.
    """
    until = clock() + PATIENCE
    best, choice = float("inf"), (1, False)
    for threads in sorted({1, cores // 2 or 1, cores}):
        for low in (False, True):
            seconds = float("inf")
            for _ in range(TRIALS):
                if clock() >= until:
                    return (1, choice[1] and choice[0] == 1)
                seconds = min(seconds, trial(threads, low))
                if seconds > HOPELESS * best:
                    break
            if seconds < best * (0.8 if threads > choice[0] else 0.95):
                best, choice = seconds, (threads, low)
    return choice


def _trial(threads: int, low: bool) -> float:
    """Seconds of a training step of a small convolution."""
    torch.set_num_threads(threads)
    x = torch.ones(2, 16, 24, 32, 24).to(memory_format=torch.channels_last_3d).requires_grad_()
    weight = torch.ones(16, 16, 3, 3, 3, requires_grad=True)
    begin = time.perf_counter()
    with torch.autocast("cpu", torch.bfloat16, enabled=low):
        y = F.conv3d(F.conv3d(x, weight, padding=1), weight, padding=1)
    y.float().sum().backward()
    return time.perf_counter() - begin
