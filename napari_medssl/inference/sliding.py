"""BCP's sliding window for the left atrium: small windows, heavily overlapped. For the paper preset's measurements.

The predictor for everyday use is `predictor.py`.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional as F


@torch.inference_mode()
def sliding_probabilities(
    model: nn.Module,
    image: NDArray[np.floating],
    patch: Sequence[int],
    stride: Sequence[int],
    device: torch.device | str = "cpu",
    windows_at_once: int = 1,
) -> NDArray[np.float32]:
    """Mean of the windows' softmax.

    Parameters
    ----------
    model : nn.Module
        Images (B, C, *patch) to logits (B, K, *patch), in eval mode.
    image : ndarray, (C, *space)
        Zeros are put around it, evenly, where it is smaller than a window.
    patch, stride : sequence of int
        Size of a window and step to the next, per axis. The last window ends at the edge. Published: 112 x 112 x 80
        and 18, 18, 4.

    Returns
    -------
    ndarray, (K, *space)
    """
    space = image.shape[1:]
    missing = [max(0, p - n) for p, n in zip(patch, space, strict=True)]
    around = [(m // 2, m - m // 2) for m in missing]
    source = torch.from_numpy(np.pad(np.asarray(image, np.float32), [(0, 0), *around])).to(device)
    total: torch.Tensor | None = None
    count = torch.zeros(source.shape[1:], device=device)
    corners = list(_corners(source.shape[1:], patch, stride))
    for first in range(0, len(corners), windows_at_once):
        chosen = [
            tuple(slice(s, s + p) for s, p in zip(corner, patch, strict=True))
            for corner in corners[first : first + windows_at_once]
        ]
        stack = torch.stack([source[(slice(None), *window)] for window in chosen])
        found = F.softmax(model(stack).float(), dim=1)
        if total is None:
            total = torch.zeros(found.shape[1], *source.shape[1:], device=device)
        for window, probabilities in zip(chosen, found, strict=True):
            total[(slice(None), *window)] += probabilities
            count[window] += 1
    assert total is not None
    inside = tuple(slice(a, a + n) for (a, _), n in zip(around, space, strict=True))
    out: NDArray[np.float32] = (total / count)[(slice(None), *inside)].cpu().numpy()
    return out


def sliding_labels(probabilities: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Labels of one structure: where its probability is over one half (one half itself is background)."""
    labels: NDArray[np.uint8] = (probabilities[1] > 0.5).astype(np.uint8)
    return labels


def _corners(space: Sequence[int], patch: Sequence[int], stride: Sequence[int]) -> Iterator[tuple[int, ...]]:
    per_axis = [
        [min(step * k, n - p) for k in range(math.ceil((n - p) / step) + 1)]
        for n, p, step in zip(space, patch, stride, strict=True)
    ]
    yield from itertools.product(*per_axis)
