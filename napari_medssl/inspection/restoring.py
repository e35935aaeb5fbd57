"""What PCRLv2's network makes of a scan that was spoilt the way it was in training."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ..inference.sliding import sliding_parts
from ..methods.pcrlv2 import PCRLv2Learner, make_views
from ..methods.pcrlv2_distort import Photo, Volume
from ..methods.pcrlv2_options import PCRLv2Options
from ..methods.pcrlv2_views import PairViews
from ..nets.nsunet import NSUNet
from ..runs.spec import RunSpec
from ..training.checkpoint import load_checkpoint
from ..training.resolve import options_of
from .features import not_air
from .networks import fresh_learner

SLICES = 16  # that a 2-D network is shown at once
STEP = 0.75  # of a view from one window to the next: what overlaps is averaged
MOST_WINDOWS = 96  # that statistics are taken from
BATCH = 12  # two views of six scans, the automatic preset's

Scan = NDArray[np.float32]
Restore = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Restoration:
    """Three scans (C, D, H, W) in network space, in the same unit.

    Attributes
    ----------
    spoilt_error, restored_error : float
        Mean square of the difference to the original, over the voxels that are not air.
    """

    original: Scan
    spoilt: Scan
    restored: Scan
    spoilt_error: float
    restored_error: float


def restore(spec: RunSpec, folder: Path, image: NDArray[np.floating]) -> Restoration:
    """Spoil a scan and restore it, window by window of the size of the network's global views.

    The decoder is in the run's checkpoint only: the model that a run deploys is an encoder.

    Parameters
    ----------
    spec : RunSpec
        Resolved, of the method pcrlv2.
    folder : Path
        Of the run.
    image : ndarray, (C, D, H, W)
        In network space.

    Raises
    ------
    RunError
        When the run has no checkpoint, or it does not fit.
    """
    assert spec.plan is not None
    options, device = cast(PCRLv2Options, options_of(spec)), spec.plan.device
    learner = cast(PCRLv2Learner, fresh_learner(spec))
    load_checkpoint(folder, learner)
    network, final = learner.network.to(device), options.restoration == "final"
    views = make_views(options, spec.plan)
    original, spoilt = spoil(views, image, spec.seed)

    def run(scans: Tensor) -> Tensor:
        if views.standardise == "view":
            scans = torch.from_numpy(np.stack([views.standardised(scan) for scan in scans.numpy()]))
        return _last(network, scans.to(device), final).float().cpu()

    with torch.inference_mode():
        take_statistics(network, list(_windows(spoilt, views)), run)
        restored = _in_windows(run, spoilt, views)
    inside = not_air(image)
    return Restoration(original, spoilt, restored, *(_error(original, scan, inside) for scan in (spoilt, restored)))


def spoil(views: PairViews, image: NDArray[np.floating], seed: int) -> tuple[Scan, Scan]:
    """A whole scan as the network is to restore it, and with its pixels changed as those of a global view are.

    Blur, noise and contrast are one draw of those of training; there are as many swapped blocks or cut-out squares for
    its size as in a view. A 2-D network's slices are spoilt one by one.

    Parameters
    ----------
    image : ndarray, (C, D, H, W)
    """
    rng = np.random.default_rng(seed)
    scan, flat = views.in_unit(np.asarray(image, np.float32)), len(views.size) == 2
    scans = list(scan.swapaxes(0, 1)) if flat else [scan]
    more = math.prod(scans[0].shape[1:]) / math.prod(views.size)
    made = replace(views, pixels=_as_dense(views.pixels, more))
    pairs = [_pair(made, one, rng) for one in scans]
    original, spoilt = (np.stack(kind, axis=1) if flat else kind[0] for kind in zip(*pairs, strict=True))
    return np.ascontiguousarray(original), np.ascontiguousarray(spoilt)


def take_statistics(network: nn.Module, windows: list[Tensor], run: Restore) -> None:
    """Give batch norms the statistics of these windows, as every step of training gives them those of its batch.

    The averages that they gathered while learning are of views large and small together, and fit none of them.
    Afterwards the network is in eval mode.
    """
    network.train()
    for part in network.modules():
        if isinstance(part, nn.BatchNorm2d | nn.BatchNorm3d) and part.training:
            part.reset_running_stats()
            part.momentum = None  # the mean over all batches
        if isinstance(part, nn.Dropout | nn.Dropout2d | nn.Dropout3d):
            part.eval()
    some = windows[:: max(1, -(-len(windows) // MOST_WINDOWS))]
    for batch in np.array_split(np.arange(len(some)), max(1, round(len(some) / BATCH))):
        run(torch.cat([some[index] for index in batch]))
    network.eval()


def _windows(scan: Scan, views: PairViews) -> list[Tensor]:
    """The windows that `_in_windows` restores, (slices or 1, C, *size) each."""
    found: list[Tensor] = []

    def keep(scans: Tensor) -> Tensor:
        found.append(scans.clone())
        return scans

    _in_windows(keep, scan, views)
    return found


def _in_windows(run: Restore, scan: Scan, views: PairViews) -> Scan:
    """What `run` makes of stacks (B, C, *size), put together to (C, D, H, W)."""
    flat = len(views.size) == 2
    patch = (min(SLICES, scan.shape[1]), *views.size) if flat else views.size

    def look(window: Tensor) -> list[Tensor]:
        found = run(window.movedim(1, 0) if flat else window[None])
        return [found.movedim(0, 1) if flat else found[0]]

    parts = sliding_parts(look, scan, patch, [max(1, round(STEP * n)) for n in patch])
    return torch.cat([found for _, (found,) in parts], dim=1).numpy()


def _pair(views: PairViews, scan: Scan, rng: np.random.Generator) -> tuple[Scan, Scan]:
    target = views.standardised(scan) if views.standardise == "imagenet" else scan
    spoilt = views.distorted(scan, rng, whole=True)
    if views.standardise == "view":  # the network sees it without unit; here it has the scan's
        axes = tuple(range(1, scan.ndim))
        spoilt = spoilt * scan.std(axes, keepdims=True) + scan.mean(axes, keepdims=True)
    return target, np.asarray(spoilt, np.float32)


def _as_dense(pixels: Volume | Photo, more: float) -> Volume | Photo:
    """Pixels changed as often, in a scan so many times as large as a view."""
    if isinstance(pixels, Volume):
        return replace(pixels, swaps=round(pixels.swaps * more))
    return replace(pixels, cutouts=round(pixels.cutouts * more))


def _last(network: NSUNet, scans: Tensor, final: bool) -> Tensor:
    """What the network restores last: from its last features, or, where nothing taught these, at its finest scale."""
    if final:
        found = network(scans, (), (), final=True).final
    else:
        found = network(scans, (), {network.scales - 1}).restorations[network.scales - 1]
    assert isinstance(found, Tensor)
    return found


def _error(original: Scan, other: Scan, inside: NDArray[np.bool_]) -> float:
    return float(np.square((other - original)[:, inside], dtype=np.float64).mean())
