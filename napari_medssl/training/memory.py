"""When memory runs out, go on with less instead of giving up."""

from __future__ import annotations

from dataclasses import replace

from ..errors import RunError
from ..inference.memory import is_out_of_memory, release
from ..runs.spec import Plan

__all__ = ["is_out_of_memory", "smaller"]


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
