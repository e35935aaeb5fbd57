"""How much memory there is to predict with, and whether an error says that there was too little."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import psutil
import torch

_GROUP = Path("/sys/fs/cgroup")  # of a container, or of a job of a cluster's queue


def free_memory(device: str) -> int:
    """Bytes that are free now on a device: "cpu", "cuda", "cuda:1", "mps"."""
    if device.startswith("cuda"):
        where = torch.device(device)
        free, _ = torch.cuda.mem_get_info(where)
        held = torch.cuda.memory_reserved(where) - torch.cuda.memory_allocated(where)  # by torch, for the next tensors
        return int(free + held)
    if device == "mps":
        return max(0, int(torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory()))
    return min(int(psutil.virtual_memory().available), *_allowed())


def release(device: str) -> None:
    """Give back what torch holds for the next tensors, so that smaller ones find a place."""
    if device.startswith("cuda"):
        torch.cuda.empty_cache()
    elif device == "mps":
        torch.mps.empty_cache()


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory ran out; on a CPU torch says so in words only."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    words = str(error).lower()
    told = ("can't allocate memory", "not enough memory", "out of memory", "cannot allocate memory", "alloc_failed")
    return isinstance(error, RuntimeError) and any(one in words for one in told)


def _allowed() -> list[int]:
    """What this process may still take, by each limit that it has."""
    found = [2**62]
    with suppress(OSError, ValueError):
        most, now = ((_GROUP / f"memory.{name}").read_text().strip() for name in ("max", "current"))
        if most != "max":
            found.append(max(0, int(most) - int(now)))
    with suppress(ImportError, OSError):
        import resource

        limit, _ = resource.getrlimit(resource.RLIMIT_AS)
        if limit != resource.RLIM_INFINITY:
            found.append(max(0, limit - psutil.Process().memory_info().vms))
    return found
