"""Whether a run can begin with the model of another. No torch: napari asks before a start."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..methods.catalog import method_info
from .history import PastRun
from .needs import Lack
from .spec import Plan


def unfit_start(before: PastRun, channels: int, classes: int, wishes: Mapping[str, Any]) -> Lack | None:
    """Why a run cannot begin with the model of `before`; None when it can.

    Parameters
    ----------
    before : PastRun
    channels, classes : int
        Of the project; background is no class.
    wishes : mapping
        Fields of the plan that a person or a preset sets.
    """
    plan = before.plan
    if plan is None:
        return Lack(f"Run {before.run} never got to train.", "Start from another run.")
    if not before.has_model:
        return Lack(f"Run {before.run} has no model.", "Start from another run.")
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
    """What a run that begins with a model takes over from that model's plan: its network, and how it sees scans."""
    net = plan.net
    return {
        "spacing": plan.spacing,
        "slice_axis": plan.slice_axis,
        "normalisation": plan.normalisation,
        "architecture": net.architecture,
        "widths": net.widths,
        "strides": net.strides,
        "dropout": net.dropout,
        "norm": net.norm,
    }


def changed_wishes(plan: Plan, wishes: Mapping[str, Any]) -> list[str]:
    """The wishes that differ from what `plan` fixes, by name."""
    if wishes.get("normalisation") in ("hounsfield", "unit"):  # of a plan that has long become a scaling
        wishes = {name: value for name, value in wishes.items() if name != "normalisation"}
    return [name for name, value in fixed_by(plan).items() if wishes.get(name, value) != value]
