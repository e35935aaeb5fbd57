"""From a case's own grid to the space a network sees; `case_space.py` is the way back.

Network space is always (C, D, H, W): canonical (RAS) axes at the plan's spacing, normalised, float16 in the cache. A
raster image has D = 1; for a slice-wise network D is the axis that is sliced. Resampling aligns voxel *extents*, not
centres, so that going there and back is the identity for any factor.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from ..errors import SpecError
from ..imaging import UNSEEN, Grid, Volume
from ..runs.spec import Plan


def to_network_space(volume: Volume, plan: Plan) -> NDArray[np.float16]:
    """A volume as the network sees it.

    Parameters
    ----------
    volume : Volume
        `(C, *grid.shape)`.
    plan : Plan
        Spacing, normalisation, slice axis.

    Returns
    -------
    ndarray of float16, (C, D, H, W)
    """
    source = _with_depth(volume.grid.canonical().apply(volume.array), volume.grid.ndim)
    array = np.empty(source.shape, np.float32)
    for channel, normalised in zip(source, array, strict=True):
        _normalise(channel, plan, normalised)
    size = network_shape(volume.grid, plan, sliced_first=False)
    tensor = torch.from_numpy(array)[None]
    if tuple(tensor.shape[2:]) != size:
        tensor = _average(tensor, size)
        tensor = F.interpolate(tensor, size, mode="trilinear", align_corners=False)
    return np.ascontiguousarray(_slice_first(tensor[0].numpy(), plan).astype(np.float16))


def labels_to_network_space(
    labels: NDArray[np.uint8], grid: Grid, values: tuple[int, ...], plan: Plan
) -> NDArray[np.uint8]:
    """Labels as class indices in network space: position in `values` (background 0 first), 255 = not looked at.

    Parameters
    ----------
    labels : ndarray of uint8, (*grid.shape)
    values : tuple of int
        Label value of each class index.
    """
    lookup = np.full(256, UNSEEN, np.uint8)
    for index, value in enumerate(values):
        lookup[value] = index
    array = _with_depth(grid.canonical().apply(lookup[labels])[None], grid.ndim)[0]
    size = network_shape(grid, plan, sliced_first=False)
    if array.shape != size:
        array = array[np.ix_(*(_nearest(n, m) for n, m in zip(array.shape, size, strict=True)))]
    return np.ascontiguousarray(_slice_first(array[None], plan)[0])


def network_shape(grid: Grid, plan: Plan, *, sliced_first: bool = True) -> tuple[int, int, int]:
    """(D, H, W) of a case in network space; before slicing order when not `sliced_first`.

    Raises
    ------
    SpecError
        When the plan is for scans of another dimension.
    """
    if len(plan.spacing) != grid.ndim:
        there, here = ("images", "a volume") if grid.ndim == 3 else ("volumes", "an image")
        raise SpecError(f"This run looks at {there}, and this scan is {here}. Choose another run, or train a new one.")
    canonical = grid.canonical().grid
    shape, spacing = _with_depth_shape(canonical.shape), canonical.spacing
    if grid.ndim == 2:
        scale = (1.0, *(s / t for s, t in zip(spacing, plan.spacing, strict=True)))
    else:
        scale = tuple(s / t for s, t in zip(spacing, plan.spacing, strict=True))
        if plan.slice_axis is not None:
            scale = tuple(1.0 if axis == plan.slice_axis else s for axis, s in enumerate(scale))
    size = tuple(max(1, round(n * s)) for n, s in zip(shape, scale, strict=True))
    if sliced_first and plan.slice_axis:
        size = (size[plan.slice_axis], *(n for axis, n in enumerate(size) if axis != plan.slice_axis))
    return size[0], size[1], size[2]


def _normalise(channel: NDArray[np.generic], plan: Plan, out: NDArray[np.float32]) -> None:
    """Normalise one channel into `out`, in place: scans may be large.

    Voxels that are no finite number count for nothing and become the mean.
    """
    out[...] = channel
    finite = np.isfinite(out)
    whole = bool(finite.all())
    known = out if whole else out[finite]
    if known.size == 0:
        out[...] = 0
        return
    if plan.normalisation == "ct":
        np.clip(out, *(plan.clip or (-1000.0, 1000.0)), out=out)
        mean, sd = plan.mean, plan.sd
    elif plan.normalisation == "range":
        mean = float(known.min())
        sd = float(known.max()) - mean
    else:
        low, high = np.percentile(known, (0.1, 99.9)) if known.size > 1000 else (known.min(), known.max())
        np.clip(out, low, high, out=out)
        known = out if whole else out[finite]
        mean = float(known.mean(dtype=np.float64))
        sd = _deviation(known.ravel(), mean)
    out -= np.float32(mean)
    out /= np.float32(sd if sd > 1e-12 else 1.0)
    if not whole:
        out[~finite] = 0
    np.clip(out, -60000, 60000, out=out)  # float16 reaches 65504


def _deviation(values: NDArray[np.float32], mean: float) -> float:
    """Standard deviation, a stretch at a time: `std` in double precision would hold a copy of twice the size."""
    stretch = 1 << 20
    squares = (
        float(np.square(values[at : at + stretch].astype(np.float64) - mean).sum())
        for at in range(0, values.size, stretch)
    )
    return math.sqrt(sum(squares) / values.size)


def _average(tensor: Tensor, size: tuple[int, ...]) -> Tensor:
    """Shrink axes that lose half of their voxels or more by averaging: linear interpolation would skip voxels."""
    d, h, w = (m if n >= 2 * m else n for n, m in zip(tensor.shape[2:], size, strict=True))
    return tensor if (d, h, w) == tensor.shape[2:] else F.adaptive_avg_pool3d(tensor, (d, h, w))


def _nearest(source: int, target: int) -> NDArray[np.intp]:
    return np.minimum(((np.arange(target) + 0.5) * source / target).astype(np.intp), source - 1)


def _with_depth(array: NDArray[np.generic], ndim: int) -> NDArray[np.generic]:
    return array[:, None] if ndim == 2 else array


def _with_depth_shape(shape: tuple[int, ...]) -> tuple[int, ...]:
    return (1, *shape) if len(shape) == 2 else shape


def _slice_first(array: NDArray[np.generic], plan: Plan) -> NDArray[np.generic]:
    return np.moveaxis(array, plan.slice_axis + 1, 1) if plan.slice_axis else array
