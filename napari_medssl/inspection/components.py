"""Principal components of features, from sums that are gathered piece by piece. Numpy only."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SHOWN = 3
ROBUST = (1.0, 99.0)  # per cent of the values that become black and full colour
_ROWS = 200_000  # at once: sums are taken in double precision


@dataclass(frozen=True)
class Components:
    """The directions in which features vary most.

    Attributes
    ----------
    mean : ndarray, (C,)
    axes : ndarray, (SHOWN, C)
        Of unit length, the one that explains most first; zeros where there are fewer channels.
    explained : tuple of float
        Part of the variance that each of them holds.
    directions : float
        How many directions are in use, were all of them used alike: (Σ λ)² / Σ λ² of the variances λ, from 1 to C.
    """

    mean: NDArray[np.float64]
    axes: NDArray[np.float64]
    explained: tuple[float, ...]
    directions: float


def find_components(features: Iterable[NDArray[np.floating]]) -> Components | None:
    """Components of features that come in parts; None where all are the same.

    Parameters
    ----------
    features : iterable of ndarray, (C, N)
        The parts are gone through once.
    """
    count, total, products = 0, np.zeros(0), np.zeros((0, 0))
    shift = np.zeros(0)
    for part in features:
        if not part.shape[1]:
            continue
        if not count:
            channels = len(part)
            shift = part.mean(axis=1, dtype=np.float64)  # so that the products do not swallow small differences
            total, products = np.zeros(channels), np.zeros((channels, channels))
        for start in range(0, part.shape[1], _ROWS):
            rows = part[:, start : start + _ROWS].astype(np.float64) - shift[:, None]
            count += rows.shape[1]
            total += rows.sum(axis=1)
            products += rows @ rows.T
    if not count:
        return None
    mean = total / count
    variances, vectors = np.linalg.eigh(products / count - np.outer(mean, mean))
    variances, vectors = np.maximum(variances[::-1], 0), vectors[:, ::-1]
    whole = float(variances.sum())
    if not whole > 1e-12:
        return None
    axes = np.zeros((SHOWN, len(mean)))
    axes[: min(SHOWN, len(mean))] = vectors[:, :SHOWN].T
    return Components(
        mean + shift,
        axes,
        tuple(float(v) / whole for v in (*variances[:SHOWN], *(0.0,) * (SHOWN - len(mean)))),
        whole**2 / float(np.square(variances).sum()),
    )


def turned(
    axes: NDArray[np.float64], values: NDArray[np.floating], brightness: NDArray[np.floating]
) -> NDArray[np.float64]:
    """1 or -1 per component, so that it grows with the brightness of the scan.

    Which way a component points is chance; without a rule the same network could give a picture and its negative. Where
    brightness says nothing, the largest entry of the component is made positive.

    Parameters
    ----------
    axes : (SHOWN, C)
    values : (SHOWN, N)
        Features along the components.
    brightness : (N,)
    """
    centred = brightness.astype(np.float64) - brightness.mean(dtype=np.float64)
    spread = np.sqrt(np.square(centred).sum())
    signs = np.ones(len(axes))
    for index, (axis, along) in enumerate(zip(axes, values, strict=True)):
        own = along.astype(np.float64) - along.mean(dtype=np.float64)
        size = spread * np.sqrt(np.square(own).sum())
        agreement = float(own @ centred / size) if size > 0 else 0.0
        if abs(agreement) < 1e-3:
            agreement = float(axis[np.argmax(np.abs(axis))])
        signs[index] = -1.0 if agreement < 0 else 1.0
    return signs


def stretch(values: NDArray[np.floating], inside: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Each row brought to 0..1 by the `ROBUST` percentiles of what lies `inside`; a row without differences is 0.

    Parameters
    ----------
    values : (K, ...)
    inside : (...)
    """
    out = np.zeros(values.shape, np.float32)
    for row, stretched in zip(values, out, strict=True):
        low, high = np.percentile(row[inside], ROBUST)
        if high > low:
            stretched[...] = np.clip((row - low) / (high - low), 0, 1)
    return out
