"""Whether a run can begin with the model of another. No torch: napari asks before a start."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..methods.catalog import method_info
from .history import PastRun
from .needs import Lack
from .spec import Plan

NETWORK = ("architecture", "widths", "strides", "norm")
#: Fields of the plan that a run takes over from the model it begins with: its network, and how it sees scans.
FIXED = ("spacing", "slice_axis", "normalisation", "mean", "sd", *NETWORK)
STATISTICS = ("batch", "frozen")  # norms of one kind: weights of one are those of the other


def unfit_start(before: PastRun, channels: int, classes: int, ndim: int, wishes: Mapping[str, Any]) -> Lack | None:
    """Why a run cannot begin with the model of `before`; None when it can.

    Parameters
    ----------
    before : PastRun
    channels, classes, ndim : int
        Of the project and its scans; background is no class.
    wishes : mapping
        What a person set, as `presets.own_wishes` gives it. What only a preset asks for gives way.
    """
    plan = before.plan
    if plan is None:
        return Lack(f"Run {before.run} never got to train.", "Start from another run.")
    if not before.has_model:
        return Lack(f"Run {before.run} has no model.", "Start from another run.")
    if len(plan.spacing) != ndim:
        here, there = ("images", "volumes") if ndim == 2 else ("volumes", "images")
        return Lack(f"The model to start from looks at {there}, this project has {here}.", "Start without it.")
    if before.retired:
        return Lack(
            f"The model to start from learnt the structures as they were before they changed: {before.retired}.",
            "Start without it.",
        )
    if method_info(before.method).segments:
        if (plan.net.classes, plan.net.in_channels) != (classes + 1, channels):
            return Lack(
                f"The model to start from knows {plan.net.classes - 1} classes and {plan.net.in_channels} channels, "
                f"this project has {classes} and {channels}.",
                "Start without it.",
            )
    elif plan.net.in_channels != channels:  # the classes may be new
        return Lack(
            f"The model to start from looks at {plan.net.in_channels} channels, this project has {channels}.",
            "Start without it.",
        )
    changed = changed_wishes(plan, wishes)
    if changed:
        return Lack(f"{', '.join(changed)} cannot change when starting from a model.", "Start without it.")
    return None


def has_learnt_labels(before: PastRun | None) -> bool:
    """Whether a run that begins with this one goes on with a model that segments; a self-supervised one does not."""
    return before is not None and method_info(before.method).segments


def fixed_by(plan: Plan) -> dict[str, Any]:
    """What a run that begins with a model of that plan takes over of it, by the names in `FIXED`."""
    return {name: getattr(plan.net if name in NETWORK else plan, name) for name in FIXED}


def changed_wishes(plan: Plan, wishes: Mapping[str, Any]) -> list[str]:
    """The wishes that differ from what `plan` fixes, by name."""
    if wishes.get("normalisation") in ("hounsfield", "unit"):  # of a plan that has long become a scaling
        wishes = {name: value for name, value in wishes.items() if name != "normalisation"}
    if wishes.get("norm") in STATISTICS and plan.net.norm in STATISTICS:  # to be kept as they are, or to be learnt on
        wishes = {name: value for name, value in wishes.items() if name != "norm"}
    fixed = {"network": plan.net.architecture, **fixed_by(plan)}
    return [name for name, value in fixed.items() if wishes.get(name, value) != value]
