"""From fingerprint and machine to a plan: a pure function, with its reasons in plain words."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..errors import SpecError
from ..nets.spec import NetSpec
from ..runs.spec import Plan
from .fingerprint import Fingerprint
from .machine import Machine

THICK = 4.0  # slices this many times thicker than wide are better looked at one by one
SMALLEST_STAGE = 4  # voxels per axis at the deepest stage
ONLY_2D = ("bcp-unet2d", "mtnet", "pcrl-resnet18")
ONLY_3D = ("vnet", "pcrl-unet3d")

# Voxels of a whole scan, voxels of a patch, channels of the first stage, most stages, most patches of a kind in a step
CPU_3D = (160_000, 100_000, 16, 4, 2)
GPU_3D = (12_000_000, 1_000_000, 32, 6, 4)
CPU_2D = (400_000, 192 * 192, 16, 5, 8)
GPU_2D = (4_000_000, 512 * 512, 32, 7, 12)


# Voxels of a whole scan that a CPU gets through often enough per minute of training, up to those of CPU_3D; fewer
# details seen often beat all of them seen twice (docs/benchmarks.md)
CPU_3D_PER_MINUTE = 45_000
# Larger scans are folded (`nets/unet.py`): a voxel then costs less than half, so that twice as many are looked at
FOLDED = 2
SHALLOW = 2  # stages of a network of which none can be spared for that
TOLERATED = 1.15  # a side of a scan may be so many times too long before it is made coarser or folded
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
    flat, slice_axis = _slicing(facts, wishes)
    scan_voxels, patch_voxels, width, depth, batch = (
        (GPU_2D if flat else GPU_3D) if machine.has_gpu else (CPU_2D if flat else CPU_3D)
    )
    if minutes is not None and not (flat or machine.has_gpu):
        scan_voxels = min(scan_voxels, max(CPU_3D_PER_MINUTE, round(minutes * CPU_3D_PER_MINUTE)))
    if wishes.get("augmentation") == "tiles" and not flat:
        raise SpecError("Tiles are cut from images or slices. Choose the augmentation 'strong' for whole volumes.")
    if slice_axis is not None and _is_thick(facts):
        reasons.append("Slices are much thicker than wide, so the network looks at them one by one.")
    if len(wishes.get("spacing") or facts.spacing) != facts.ndim:
        spacing = wishes["spacing"]
        raise SpecError(f"The spacing {spacing} has {len(spacing)} numbers, but the scans are {facts.ndim}-D.")
    folded = not (flat or machine.has_gpu) and _is_worth_folding(facts, wishes, scan_voxels, depth)
    scan_voxels *= FOLDED if folded else 1
    spacing = wishes.get("spacing") or _spacing(facts, scan_voxels, slice_axis, reasons)
    shape = _shape_at(facts, spacing, slice_axis)
    in_plane = [s for axis, s in enumerate(spacing) if axis != slice_axis]
    patch = wishes.get("patch") or _patch(shape, in_plane, patch_voxels)
    if len(patch) != len(in_plane):
        raise SpecError(f"The patch {patch} has {len(patch)} sides, but the network is {len(in_plane)}-D.")
    strides = tuple(wishes.get("strides") or _strides(patch, in_plane, depth, wishes.get("widths")))
    if any(len(stride) != len(in_plane) for stride in strides):
        raise SpecError(f"The strides {strides} do not fit a network that is {len(in_plane)}-D.")
    finest = 1 if folded and len(strides) > SHALLOW else 0
    if finest:
        strides = strides[1:]
        block = " x ".join(map(str, strides[0]))
        reasons.append(f"The network looks at blocks of {block} voxels, which lets it see more in the same time.")
    widths = wishes.get("widths") or tuple(min(width * 2 ** (finest + k), 320) for k in range(len(strides)))
    net = NetSpec(
        architecture=wishes.get("architecture", "unet"),
        ndim=2 if flat else 3,
        in_channels=facts.channels,
        classes=facts.classes,
        widths=widths,
        strides=strides,
        dropout=wishes.get("dropout", 0.0),
        norm=wishes.get("norm", "batch"),
    )
    fitted = fit_patch(patch, net)
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
    if 2 * math.prod(patch) <= patch_voxels:
        batch *= 2  # small scans: more of them in a step
    plan = Plan(
        net=net,
        spacing=spacing,
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


def _slicing(facts: Fingerprint, wishes: Mapping[str, Any]) -> tuple[bool, int | None]:
    """Whether the network is 2-D, and which axis of 3-D scans it slices then."""
    architecture = wishes.get("architecture")
    if facts.ndim == 2:
        flat, axis = True, None
    elif "slice_axis" in wishes:
        axis = wishes["slice_axis"]
        flat = axis is not None
    else:
        flat = architecture in ONLY_2D or (architecture not in ONLY_3D and _is_thick(facts))
        axis = int(np.argmax(facts.spacing)) if flat else None
    if architecture in (ONLY_3D if flat else ONLY_2D):
        raise SpecError(
            f"The network {architecture} is {3 if flat else 2}-D and cannot look at "
            f"{'images or slices' if flat else 'whole volumes'}. Choose the architecture 'unet'."
        )
    return flat, axis


def _are_of_many_contrasts(facts: Fingerprint) -> bool:
    return facts.ndim == 3 and not facts.is_ct and facts.contrasts >= MANY_CONTRASTS


def _is_worth_folding(facts: Fingerprint, wishes: Mapping[str, Any], scan_voxels: int, depth: int) -> bool:
    """Whether scans are too large to be seen voxel by voxel, nobody chose the network, and it is deep enough."""
    if {"architecture", "widths", "strides"} & wishes.keys():
        return False
    spacing = wishes.get("spacing") or facts.spacing
    patch = wishes.get("patch", ())
    if len(patch) == facts.ndim and len(_strides(patch, list(spacing), depth, None)) <= SHALLOW:
        return False
    return math.prod(_shape_at(facts, spacing, None)) > TOLERATED**3 * scan_voxels


def _is_thick(facts: Fingerprint) -> bool:
    return max(facts.spacing) > THICK * min(facts.spacing) or min(facts.shape) < 2 * SMALLEST_STAGE


def _spacing(facts: Fingerprint, scan_voxels: int, slice_axis: int | None, reasons: list[str]) -> tuple[float, ...]:
    """The median spacing, coarser where scans are too large for this machine."""
    looked_at = [n for axis, n in enumerate(facts.shape) if axis != slice_axis]
    factor = (math.prod(looked_at) / scan_voxels) ** (1 / len(looked_at))
    if factor <= TOLERATED:
        return facts.spacing
    reasons.append(f"Scans are made {factor:.1f}x coarser: full resolution would take this machine too long.")
    return tuple(round(s if axis == slice_axis else s * factor, 4) for axis, s in enumerate(facts.spacing))


def _shape_at(facts: Fingerprint, spacing: tuple[float, ...], slice_axis: int | None) -> list[int]:
    shape = [max(1, round(n * a / b)) for n, a, b in zip(facts.shape, facts.spacing, spacing, strict=True)]
    return [n for axis, n in enumerate(shape) if axis != slice_axis]


def _patch(shape: list[int], spacing: list[float], voxels: int) -> tuple[int, ...]:
    """As much of a scan as `voxels` allow, in the proportions of a cube of the body but no larger than the scan."""
    size = [float(n) for n in shape]
    while math.prod(size) > voxels:
        longest = int(np.argmax([n * s for n, s in zip(size, spacing, strict=True)]))
        size[longest] *= 0.95
    return tuple(max(1, round(n / 8) * 8 if n >= 12 else round(n)) for n in size)


def _strides(patch: tuple[int, ...], spacing: list[float], depth: int, widths: Any) -> list[tuple[int, ...]]:
    """Halve an axis at each stage while it is long enough and its voxels are not much larger than the others'."""
    strides, size, voxel = [(1,) * len(patch)], list(patch), list(spacing)
    while len(strides) < (len(widths) if widths else depth):
        stride = tuple(
            2 if n >= 2 * SMALLEST_STAGE and v < 2 * min(voxel) else 1 for n, v in zip(size, voxel, strict=True)
        )
        if max(stride) == 1 and not widths:
            break
        strides.append(stride)
        size = [n // s for n, s in zip(size, stride, strict=True)]
        voxel = [v * s for v, s in zip(voxel, stride, strict=True)]
    return strides


def window_step(patch: tuple[int, ...], net: NetSpec) -> tuple[int, ...] | None:
    """Windows of the patch's size that overlap by a quarter, for networks that need such."""
    return tuple(max(1, 3 * p // 4) for p in patch) if net.sees_whole_input else None


def _summary(plan: Plan) -> str:
    size = " x ".join(map(str, plan.patch))
    where = "the GPU" if plan.device != "cpu" else f"{plan.threads} thread{'s' if plan.threads > 1 else ''}"
    return f"Patches of {size} voxels, up to {plan.batch} of each kind in a step, {plan.precision} on {where}."
