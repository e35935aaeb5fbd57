"""From fingerprint and machine to a plan: a pure function, with its reasons in plain words."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

from ..errors import SpecError
from ..nets.spec import NetSpec
from ..runs.spec import Plan
from .fingerprint import Fingerprint
from .geometry import Geometry, Limits, choose_geometry, choose_slices, is_thick
from .machine import Machine

CPU_3D = Limits(scan_voxels=160_000, patch_voxels=100_000, width=16, depth=4, batch=2, may_fold=True)
GPU_3D = Limits(scan_voxels=12_000_000, patch_voxels=1_000_000, width=32, depth=6, batch=4)
CPU_2D = Limits(scan_voxels=400_000, patch_voxels=192 * 192, width=16, depth=5, batch=8)
GPU_2D = Limits(scan_voxels=4_000_000, patch_voxels=512 * 512, width=32, depth=7, batch=12)
# Voxels of a whole scan that a CPU gets through often enough per minute of training, up to those of CPU_3D; fewer
# details seen often beat all of them seen twice (docs/benchmarks.md)
CPU_3D_PER_MINUTE = 45_000
MOST_CHANNELS = 320
LOOKS = 3  # at a scan, for a proposal
# From this `Fingerprint.contrasts` on, grey values are of several kinds. Of whole cohorts: hippocampi 0.07, left atria
# 0.22, five cohorts of mixed sequences 0.28 to 0.36. Images are left out, since colours are not a scanner's
# doing, and CT, since Hounsfield units mean the same everywhere
MANY_CONTRASTS = 0.25


def make_plan(facts: Fingerprint, machine: Machine, wishes: Mapping[str, Any], minutes: float | None = None) -> Plan:
    """Plan a run.

    Parameters
    ----------
    facts : Fingerprint
    machine : Machine
    wishes : mapping
        Plan fields set by hand or by a paper preset, as `runs.settings.check_settings` gives them; "widths", "strides",
        "architecture", "dropout" and "norm" go to the network. They win over everything else.
    minutes : float, optional
        Time budget; None when the run's length is counted in steps.

    Raises
    ------
    SpecError
        When a wish does not fit the data.
    """
    reasons: list[str] = []
    wishes = _published_scaling(facts, wishes, reasons)
    flat, slice_axis = choose_slices(facts, wishes)
    limits = _limits(machine, flat, minutes)
    if wishes.get("augmentation") == "tiles" and not flat:
        raise SpecError("Tiles are cut from images or slices. Choose the augmentation 'strong' for whole volumes.")
    if slice_axis is not None and is_thick(facts):
        reasons.append("Slices are much thicker than wide, so the network looks at them one by one.")
    shown = choose_geometry(facts, wishes, limits, slice_axis, reasons)
    if shown.folded:
        block = " x ".join(map(str, shown.strides[0]))
        reasons.append(f"The network looks at blocks of {block} voxels, which lets it see more in the same time.")
    net = _net(facts, wishes, limits, shown)
    fitted = fit_patch(shown.patch, net)
    mirror = () if facts.oriented else tuple(range(1, 3))
    reasons.append(
        "Mirrored scans are not learnt from: left and right matter in patients."
        if facts.oriented
        else "The images carry no orientation, so mirrored ones are learnt from too."
    )
    if facts.is_ct:
        reasons.append("Values look like Hounsfield units and are scaled the same in every scan.")
    many_contrasts = wishes.get("many_contrasts", _are_of_many_contrasts(facts))
    if many_contrasts:
        reasons.append("Grey values differ much between the scans, as between scanners or sequences.")
    batch = limits.batch * (2 if 2 * math.prod(shown.patch) <= limits.patch_voxels else 1)  # more of what is small
    plan = Plan(
        net=net,
        spacing=shown.spacing,
        patch=fitted,
        batch=batch,
        window_step=window_step(fitted, net),
        looks=_looks(wishes, window_step(fitted, net)),
        slice_axis=slice_axis,
        normalisation="ct" if facts.is_ct else "z-score",
        clip=facts.clip,
        mean=facts.mean,
        sd=facts.sd,
        mirror_axes=mirror,
        single_piece=facts.single_piece,
        many_contrasts=many_contrasts,
        precision="bfloat16" if machine.bfloat16 else "float32",
        device=machine.device,
        threads=machine.threads,
    )
    known = {f.name for f in dataclasses.fields(Plan)} - {"net", "spacing", "patch", "reasons"}
    chosen: dict[str, Any] = {k: v for k, v in wishes.items() if k in known}
    reasons.append(_summary(dataclasses.replace(plan, **chosen)))
    return dataclasses.replace(plan, **chosen, reasons=tuple(reasons))


def fit_patch(patch: tuple[int, ...], net: NetSpec) -> tuple[int, ...]:
    """The patch, large enough for the network; see `NetSpec.fit`.

    Raises
    ------
    SpecError
        When it has another number of sides than the network has axes.
    """
    if len(patch) != net.ndim:
        raise SpecError(f"The patch {patch} has {len(patch)} sides, but the network is {net.ndim}-D.")
    return net.fit(patch)


def _limits(machine: Machine, flat: bool, minutes: float | None) -> Limits:
    """What can be asked of the machine in the time."""
    if machine.has_gpu:
        return GPU_2D if flat else GPU_3D
    if flat or minutes is None:
        return CPU_2D if flat else CPU_3D
    enough = max(CPU_3D_PER_MINUTE, round(minutes * CPU_3D_PER_MINUTE))
    return CPU_3D._replace(scan_voxels=min(CPU_3D.scan_voxels, enough))


def _net(facts: Fingerprint, wishes: Mapping[str, Any], limits: Limits, shown: Geometry) -> NetSpec:
    """The network; one that folds begins with the width of what would be its second stage."""
    widest = [limits.width * 2 ** (shown.folded + stage) for stage in range(len(shown.strides))]
    return NetSpec(
        architecture=wishes.get("architecture", "unet"),
        ndim=len(shown.patch),
        in_channels=facts.channels,
        classes=facts.classes,
        widths=wishes.get("widths") or tuple(min(width, MOST_CHANNELS) for width in widest),
        strides=shown.strides,
        dropout=wishes.get("dropout", 0.0),
        norm=wishes.get("norm", "batch"),
    )


def _looks(wishes: Mapping[str, Any], step: tuple[int, ...] | None) -> int:
    """Several where the network learns from turned scans; not in a paper's windows, which overlap already."""
    return LOOKS if wishes.get("augmentation", "strong") == "strong" and step is None else 1


def _published_scaling(facts: Fingerprint, wishes: Mapping[str, Any], reasons: list[str]) -> Mapping[str, Any]:
    """The wishes for "hounsfield" and "unit" as what a plan knows.

    "hounsfield": CT clipped to +-1024 HU and divided by 1024. "unit": values from 0 to 1, of CT clipped to +-1000 HU.
    """
    if wishes.get("normalisation") == "unit":
        in_unit = {"normalisation": "ct", "clip": (-1000.0, 1000.0), "mean": -1000.0, "sd": 2000.0}
        return {**wishes, **(in_unit if facts.is_ct else {"normalisation": "range"})}
    if wishes.get("normalisation") != "hounsfield":
        return wishes
    if facts.is_ct:
        return {**wishes, "normalisation": "ct", "clip": (-1024.0, 1024.0), "mean": 0.0, "sd": 1024.0}
    reasons.append("The published scaling of values is for CT; these scans get a mean of 0 and a deviation of 1 each.")
    return {**wishes, "normalisation": "z-score"}


def _are_of_many_contrasts(facts: Fingerprint) -> bool:
    return facts.ndim == 3 and not facts.is_ct and facts.contrasts >= MANY_CONTRASTS


def window_step(patch: tuple[int, ...], net: NetSpec) -> tuple[int, ...] | None:
    """Windows of the patch's size that overlap by a quarter, for networks that need such."""
    return tuple(max(1, 3 * p // 4) for p in patch) if net.sees_whole_input else None


def _summary(plan: Plan) -> str:
    size = " x ".join(map(str, plan.patch))
    where = "the GPU" if plan.device != "cpu" else f"{plan.threads} thread{'s' if plan.threads > 1 else ''}"
    return f"Patches of {size} voxels, up to {plan.batch} of each kind in a step, {plan.precision} on {where}."
