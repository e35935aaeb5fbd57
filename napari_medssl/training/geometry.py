"""How a network looks at scans: whole or slice by slice, how finely, and at how much at once. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from ..errors import SpecError
from .fingerprint import Fingerprint

THICK = 4.0  # slices this many times thicker than wide are better looked at one by one
SMALLEST_STAGE = 4  # voxels per axis at the deepest stage
ONLY_2D = ("bcp-unet2d", "mtnet", "pcrl-resnet18")
ONLY_3D = ("vnet", "pcrl-unet3d")
TOLERATED = 1.15  # a side of a scan may be so many times too long before it is made coarser or folded
# Larger scans are folded (`nets/unet.py`): a voxel then costs less than half, so that twice as many are looked at
FOLDED = 2
SHALLOW = 2  # stages of a network of which none can be spared for that


class Limits(NamedTuple):
    """As much as a machine can be asked for."""

    scan_voxels: int  # of a whole scan
    patch_voxels: int
    width: int  # channels of the first stage
    depth: int  # most stages
    batch: int  # most patches of a kind in a step
    may_fold: bool = False


@dataclass(frozen=True)
class Geometry:
    """What a network is shown.

    Attributes
    ----------
    spacing : tuple of float
        Millimetres between the voxels of a scan as it is looked at, for each of its axes.
    patch : tuple of int
        Voxels along each axis of the network; too few, maybe, for a network that somebody chose (`NetSpec.fit`).
    strides : tuple of tuple of int
        Of each stage of the network.
    folded : bool
        The first stage strides.
    """

    spacing: tuple[float, ...]
    patch: tuple[int, ...]
    strides: tuple[tuple[int, ...], ...]
    folded: bool


def choose_slices(facts: Fingerprint, wishes: Mapping[str, Any]) -> tuple[bool, int | None]:
    """Whether the network is 2-D, and which axis of 3-D scans it slices then.

    Raises
    ------
    SpecError
        When the network that was wished for has other dimensions.
    """
    architecture = wishes.get("architecture")
    if facts.ndim == 2:
        flat, axis = True, None
    elif "slice_axis" in wishes:
        axis = wishes["slice_axis"]
        flat = axis is not None
    else:
        flat = architecture in ONLY_2D or (architecture not in ONLY_3D and is_thick(facts))
        axis = int(np.argmax(facts.spacing)) if flat else None
    if architecture in (ONLY_3D if flat else ONLY_2D):
        raise SpecError(
            f"The network {architecture} is {3 if flat else 2}-D and cannot look at "
            f"{'images or slices' if flat else 'whole volumes'}. Choose the architecture 'unet'."
        )
    return flat, axis


def is_thick(facts: Fingerprint) -> bool:
    """Whether slices are better looked at one by one."""
    return max(facts.spacing) > THICK * min(facts.spacing) or min(facts.shape) < 2 * SMALLEST_STAGE


def choose_geometry(
    facts: Fingerprint, wishes: Mapping[str, Any], limits: Limits, slice_axis: int | None, reasons: list[str]
) -> Geometry:
    """What is shown of the scans, within the limits; what was wished for wins over them.

    Parameters
    ----------
    facts : Fingerprint
    wishes : mapping
        "spacing", "patch", "strides", "widths" and "architecture" count.
    limits : Limits
    slice_axis : int or None
        As `choose_slices` says.
    reasons : list of str
        Grows by what is to be told.

    Raises
    ------
    SpecError
        When a wish does not fit the scans.
    """
    spacing = wishes.get("spacing") or facts.spacing
    if len(spacing) != facts.ndim:
        raise SpecError(f"The spacing {spacing} has {len(spacing)} numbers, but the scans are {facts.ndim}-D.")
    folded = limits.may_fold and _is_worth_folding(facts, wishes, limits)
    spacing = wishes.get("spacing") or _spacing(
        facts, limits.scan_voxels * (FOLDED if folded else 1), slice_axis, reasons
    )
    in_plane = [s for axis, s in enumerate(spacing) if axis != slice_axis]
    patch = wishes.get("patch") or _patch(_shape_at(facts, spacing, slice_axis), in_plane, limits.patch_voxels)
    if len(patch) != len(in_plane):
        raise SpecError(f"The patch {patch} has {len(patch)} sides, but the network is {len(in_plane)}-D.")
    strides = tuple(wishes.get("strides") or _strides(patch, in_plane, limits.depth, wishes.get("widths")))
    if any(len(stride) != len(in_plane) for stride in strides):
        raise SpecError(f"The strides {strides} do not fit a network that is {len(in_plane)}-D.")
    folded = folded and len(strides) > SHALLOW
    return Geometry(spacing, patch, strides[1:] if folded else strides, folded)


def _is_worth_folding(facts: Fingerprint, wishes: Mapping[str, Any], limits: Limits) -> bool:
    """Whether scans are too large to be seen voxel by voxel, nobody chose the network, and it is deep enough."""
    if {"architecture", "widths", "strides"} & wishes.keys():
        return False
    spacing, patch = wishes.get("spacing") or facts.spacing, wishes.get("patch", ())
    if len(patch) == facts.ndim and len(_strides(patch, list(spacing), limits.depth, None)) <= SHALLOW:
        return False
    return math.prod(_shape_at(facts, spacing, None)) > TOLERATED**3 * limits.scan_voxels


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
