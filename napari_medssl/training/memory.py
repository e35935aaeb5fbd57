"""When memory runs out, go on with less instead of giving up."""

from __future__ import annotations

import math
from dataclasses import replace

from ..errors import RunError, SpecError
from ..inference.memory import is_out_of_memory, release
from ..runs.spec import Plan

__all__ = ["check_room", "is_out_of_memory", "smaller"]


def check_room(plan: Plan, memory: int) -> None:
    """Make sure that a step is not out of all proportion to the machine, before anything is allocated.

    What is counted is the least that it can take: weights with gradient, momentum and average, and what the first
    stage makes of a batch. Whether all of it fits is found out by trying.

    Parameters
    ----------
    plan : Plan
    memory : int
        Bytes that are free where it will train.

    Raises
    ------
    SpecError
        When it cannot fit.
    """
    net = plan.net
    pairs = zip((net.in_channels, *net.widths), net.widths, strict=False)
    weights = 4 * sum(a * b for a, b in pairs)  # one of each kernel's places: kernels may be small
    features = plan.batch * math.prod(plan.patch) // math.prod(net.strides[0]) * net.widths[0]
    least = 4 * (weights + features)
    if least > memory:
        size = " x ".join(map(str, plan.patch))
        raise SpecError(
            f"Batches of {plan.batch} patches of {size} voxels, in a network of {max(net.widths):,} channels, need "
            f"{least / 2**30:,.1f} GiB at the very least; {memory / 2**30:,.1f} GiB are free. Choose a smaller patch, "
            "batch or widths."
        )


def smaller(plan: Plan, error: BaseException) -> Plan:
    """The plan with the next smaller patch.

    The longest side loses one total stride at a time; the batch stays, because methods count on it.

    Raises
    ------
    RunError
        When the patch is as small as it can be.
    """
    release(plan.device)
    factor = plan.net.factor
    spare = [p // f for p, f in zip(plan.patch, factor, strict=True)]
    axis = max(range(len(spare)), key=lambda k: spare[k])
    step = max(1, spare[axis] // 4) * factor[axis]
    patch = tuple(p - step if k == axis else p for k, p in enumerate(plan.patch))
    if spare[axis] <= 1 or plan.net.fit(patch) != patch:
        raise RunError("There is not enough memory even for the smallest patches. Close other programs.") from error
    step_of_windows = plan.window_step  # windows are as large as patches, and none may leave a gap to the next
    if step_of_windows is not None:
        step_of_windows = tuple(min(n, max(1, 3 * p // 4)) for n, p in zip(step_of_windows, patch, strict=True))
    return replace(plan, patch=patch, window_step=step_of_windows)
