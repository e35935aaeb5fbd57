"""The feature picture: what a stage of an encoder keeps apart, as colours.

The first three principal components of the features of all voxels that are not air become red, green and blue. Two
voxels of the same colour look alike to the network.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cc3d
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ..inference.sliding import Window
from ..nets.fuse import fuse_batchnorm
from ..runs.spec import Plan
from .components import Components, find_components, stretch, turned
from .stages import pieces, sample, stage_part, stage_shape, strides_of

AIR = 0.05  # of the span of values: what is darker in every channel may be air
LARGE = 0.05  # of the scan: a stretch of darkness as large as this is
HELD = 400_000_000  # bytes of features; when there are more, the network looks twice
ENOUGH = 16  # voxels that are not air, or else all count


@dataclass(frozen=True)
class Features:
    """The feature picture on the grid of its stage.

    Attributes
    ----------
    colours : Tensor, (3, d, h, w)
        0 to 1; air is 0.
    components : Components
    channels : int
        Of the stage.
    """

    colours: Tensor
    components: Components
    channels: int


def feature_picture(encoder: nn.Module, image: NDArray[np.floating], plan: Plan, stage: int) -> Features | None:
    """The feature picture of a stage; None where its features are the same everywhere.

    Parameters
    ----------
    encoder : nn.Module
        Images (B, C, *space) to the features of every stage.
    image : ndarray, (C, D, H, W)
        In network space.
    stage : int
        1 is the finest.
    """
    strides = strides_of(plan.net)[stage - 1]
    shape = stage_shape(image.shape[1:], strides)
    inside = not_air(sample(image, strides, plan.net))
    seeing = fuse_batchnorm(encoder).to(plan.device)
    size = plan.net.widths[stage - 1] * int(np.prod(shape)) * 4
    held = list(_looks(seeing, image, plan, stage)) if size <= HELD else None

    def looks() -> Iterator[tuple[Window, Tensor]]:
        yield from _looks(seeing, image, plan, stage) if held is None else held

    components = find_components(found.numpy()[:, inside[where]] for where, found in looks())
    if components is None:
        return None
    along = np.zeros((len(components.axes), *shape), np.float32)
    for where, found in looks():
        centred = found.numpy() - components.mean.astype(np.float32).reshape(-1, 1, 1, 1)
        along[(slice(None), *where)] = np.tensordot(components.axes.astype(np.float32), centred, 1)
    brightness = sample(image, strides, plan.net).mean(axis=0, dtype=np.float32)
    signs = turned(components.axes, along[:, inside], brightness[inside]).astype(np.float32)
    colours = stretch(along * signs.reshape(-1, 1, 1, 1), inside) * inside
    return Features(torch.from_numpy(colours), components, plan.net.widths[stage - 1])


def not_air(image: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Voxels that do not lie in a large stretch of darkness; all, where that leaves next to none.

    Parameters
    ----------
    image : ndarray, (C, D, H, W)
    """
    dark = np.ones(image.shape[1:], bool)
    for channel in image:
        low, high = np.percentile(channel.astype(np.float32), (1, 99))
        dark &= channel <= low + AIR * (high - low)
    stretches = cc3d.connected_components(dark, connectivity=6)
    sizes = cc3d.statistics(stretches)["voxel_counts"]
    large = sizes >= LARGE * dark.size
    large[0] = False  # what is not dark
    found: NDArray[np.bool_] = ~large[stretches]
    return found if int(found.sum()) >= ENOUGH else np.ones_like(found)


def _looks(encoder: nn.Module, image: NDArray[np.floating], plan: Plan, stage: int) -> Iterator[tuple[Window, Tensor]]:
    """Features (C, d, h, w) of the stage and where they lie on its grid."""
    strides = strides_of(plan.net)[stage - 1]
    for piece in pieces(image, plan):
        with torch.inference_mode():
            found = encoder(piece.batch)[stage - 1]
        yield stage_part(piece, found, strides)
