"""Looking at a scan again, turned and zoomed a little: several looks at it see more than one.

The mean of the probabilities is a better prediction than a single look's where a network has learnt from turned and
scaled scans (docs/benchmarks.md, "Several looks").
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from ..runs.spec import Plan

ANGLE, ZOOM = 10.0, 1.1  # well within what patches are turned and scaled by in training
THICK = 3.0  # voxels so many times thicker than wide are turned in their plane only, as in training


@dataclass(frozen=True)
class Turn:
    """A turn about each axis in degrees, then a zoom, both in millimetres about the middle.

    Attributes
    ----------
    angle : float
        About each of D, H and W in turn; only about D when `flat`.
    zoom : float
        What a length becomes.
    flat : bool
    """

    angle: float
    zoom: float
    flat: bool = False

    def matrix(self, spacing: tuple[float, ...]) -> NDArray[np.float64]:
        """From voxels (D, H, W) of what the network sees to voxels of the scan, both from the middle, (3, 3)."""
        angle = np.deg2rad(self.angle)
        turned = np.eye(3)
        for axis in (0,) if self.flat else (0, 1, 2):
            a, b = (k for k in range(3) if k != axis)
            turn = np.eye(3)
            turn[a, a] = turn[b, b] = np.cos(angle)
            turn[a, b], turn[b, a] = -np.sin(angle), np.sin(angle)
            turned = turned @ turn
        zoom = np.diag([1.0, self.zoom, self.zoom]) if self.flat else np.eye(3) * self.zoom
        size = np.array((*(1.0,) * (3 - len(spacing)), *spacing))
        out: NDArray[np.float64] = (turned @ zoom) * size / size[:, None]
        return out


def turns(plan: Plan) -> list[Turn]:
    """The turned looks of a plan, beside the one at the scan as it is: pairs of opposite ones."""
    spacing = _spacing(plan)
    flat = plan.net.ndim == 2 or spacing[0] > THICK * min(spacing)
    pair = [Turn(ANGLE, ZOOM, flat), Turn(-ANGLE, 1 / ZOOM, flat)]
    return pair[: plan.looks - 1]


def turned(x: Tensor, turn: Turn, plan: Plan) -> Tensor:
    """(C, d, h, w) as this look sees it, of the same size; beyond the edge the edge goes on."""
    return _moved(x, turn.matrix(_spacing(plan)))


def turned_back(x: Tensor, turn: Turn, plan: Plan) -> Tensor:
    """The other way round."""
    return _moved(x, np.linalg.inv(turn.matrix(_spacing(plan))))


def _spacing(plan: Plan) -> tuple[float, ...]:
    """Of network space (D, H, W)."""
    if plan.slice_axis is None:
        return plan.spacing
    first = plan.spacing[plan.slice_axis]
    return (first, *(s for axis, s in enumerate(plan.spacing) if axis != plan.slice_axis))


def _moved(x: Tensor, matrix: NDArray[np.floating]) -> Tensor:
    # grid_sample counts (x, y, z) from -1 to 1 across the whole of each axis
    half = np.array(x.shape[1:], float) / 2
    unit = (matrix * half / half[:, None])[::-1, ::-1]
    theta = torch.from_numpy(np.ascontiguousarray(np.c_[unit, np.zeros(3)], dtype=np.float32))[None].to(x.device)
    grid = F.affine_grid(theta, [1, *x.shape], align_corners=False)
    return F.grid_sample(x[None], grid, mode="bilinear", padding_mode="border", align_corners=False)[0]
