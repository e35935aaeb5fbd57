"""What the teacher thinks of unlabelled patches, cleaned up: the labels that the student learns from there."""

from __future__ import annotations

import cc3d
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .base import IGNORE


@torch.no_grad()
def pseudo_labels(logits: Tensor, *, largest: bool = True, confidence: float = 0.0, dropped: int = 0) -> Tensor:
    """Labels from a teacher's logits.

    Parameters
    ----------
    logits : Tensor, (B, K, *space)
    largest : bool
        Keep only the largest piece of each class in each sample, diagonal neighbours included.
    confidence : float
        Voxels whose highest probability is below become 255; 0 is off, as in the paper.
    dropped : int
        What the other pieces become: background, as in the paper, or 255.

    Returns
    -------
    Tensor, (B, *space) int64
    """
    probabilities = torch.softmax(logits.float(), dim=1)
    found = hard_labels(probabilities)
    labels = found
    if largest:
        kept = np.stack([largest_pieces(sample, dropped) for sample in found.cpu().numpy().astype(np.uint8)])
        labels = torch.from_numpy(kept.astype(np.int64)).to(logits.device)
    if confidence > 0:
        labels = labels.masked_fill(probabilities.amax(dim=1) < confidence, IGNORE)
    return labels


def hard_labels(probabilities: Tensor) -> Tensor:
    """Most likely class; with one structure, that structure from a probability of exactly one half on."""
    if probabilities.shape[1] == 2:
        return (probabilities[:, 1] >= 0.5).long()
    return probabilities.argmax(dim=1)


def largest_pieces(labels: NDArray[np.uint8], dropped: int = 0) -> NDArray[np.uint8]:
    """Keep the largest connected piece of each class.

    Parameters
    ----------
    labels : ndarray, 2-D or 3-D
        Pieces hang together across faces, edges and corners (8 or 26 neighbours). Of pieces of the same size the one
        whose first voxel comes first in raster order stays; an absent class stays absent.
    dropped : int
        What the others become.
    """
    labels = np.ascontiguousarray(labels)
    if not labels.any():
        return labels
    connectivity = 8 if labels.ndim == 2 else 26
    pieces, count = cc3d.connected_components(labels, connectivity=connectivity, return_N=True)
    flat, numbers = labels.ravel(), pieces.ravel()
    sizes = np.bincount(numbers, minlength=count + 1)
    inside = np.flatnonzero(numbers)
    first = np.full(count + 1, flat.size)
    np.minimum.at(first, numbers[inside], inside)
    value = np.zeros(count + 1, labels.dtype)
    value[1:] = flat[first[1:]]
    becomes = np.where(value > 0, dropped, 0).astype(labels.dtype)
    for structure in np.unique(value[1:]):
        rivals = np.flatnonzero(value == structure)
        best = rivals[np.lexsort((first[rivals], -sizes[rivals]))[0]]
        becomes[best] = structure
    out: NDArray[np.uint8] = becomes[pieces]
    return out
