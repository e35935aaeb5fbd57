"""One generated scan: a subject, how it lay in the scanner, and what the scanner made of it. numpy and scipy only."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .anatomy import draw_subject, make_subject
from .fields import Field, smooth_field
from .scanner import scan

AXES = ("LPS", "RAS", "LAS", "LPI", "RSA", "PSR", "LPS", "RAS")


def make_phantom(
    seed: int, *, variety: float = 1.0, pathology: bool | None = None, axes: str | None = None
) -> tuple[NDArray[np.generic], NDArray[np.uint8], NDArray[np.float64], tuple[float, ...]]:
    """Generate a scan of an abdomen.

    Parameters
    ----------
    seed : int
        The same seed gives the same scan, bit for bit.
    variety : float
        How much the contrast differs between cases, 0..1.
    pathology : bool or None
        Force disease or health; by default about half the subjects have liver lesions, and some of these a large
        spleen, an aneurysm, a nodular liver or ascites.
    axes : str or None
        Axis codes of the array, such as "LPS"; drawn by default.

    Returns
    -------
    image, labels : arrays (i, j, k)
        Grey values (int16, uint16 or float32: scanners differ) and the truth.
    affine : array (4, 4)
        Voxel to mm, RAS+, oblique by up to 12 degrees.
    spacing : tuple of float
        Millimetres per axis.
    """
    rng = np.random.default_rng([20261, seed])
    subject = make_subject(rng, pathology)
    plane = float(rng.uniform(3.05, 3.35))
    spacing = np.array([plane, plane, rng.uniform(4.4, 5.0)])
    shape = (int(rng.integers(70, 77)), int(rng.integers(64, 69)), int(rng.integers(64, 67)))
    tilt = _rotation(np.deg2rad(rng.uniform(-12, 12, 3) * [1, 0.5, 0.6]))
    origin = rng.normal(0, [4, 4, 6])

    affine = np.eye(4)
    affine[:3, :3] = tilt * spacing
    affine[:3, 3] = origin - affine[:3, :3] @ ((np.asarray(shape) - 1) / 2)
    points = _bend(_positions(affine, shape), shape, rng)
    layers, labels = draw_subject(subject, points, rng, width=0.55 * float(spacing.mean()))
    image = scan(layers, rng, variety, spacing.tolist())

    codes = axes or AXES[int(rng.integers(len(AXES)))]
    image, labels, affine = _reorder(image, labels, affine, codes)
    affine[:3, 3] += rng.uniform(-60, 60, 3)  # the isocentre is not the navel
    return _store(image, rng), labels, affine, tuple(float(s) for s in np.linalg.norm(affine[:3, :3], axis=0))


def _positions(affine: NDArray[np.float64], shape: tuple[int, ...]) -> Field:
    """(3, i, j, k): position of each voxel, mm."""
    matrix = affine.astype(np.float32)
    steps = [np.arange(n, dtype=np.float32) for n in shape]
    i, j, k = np.meshgrid(*steps, indexing="ij", sparse=True)
    return np.stack([matrix[r, 0] * i + matrix[r, 1] * j + matrix[r, 2] * k + matrix[r, 3] for r in range(3)])


def _bend(points: Field, shape: tuple[int, ...], rng: np.random.Generator) -> Field:
    """Bend space smoothly: no two subjects have the same shape."""
    for axis in range(3):
        points[axis] += np.float32(7.0) * smooth_field(rng, shape, 4) + np.float32(1.6) * smooth_field(rng, shape, 9)
    return points


def _rotation(angles: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rotation about x, then y, then z; radians."""
    total = np.eye(3)
    for axis, angle in enumerate(angles):
        turn = np.eye(3)
        a, b = (axis + 1) % 3, (axis + 2) % 3
        turn[[a, b], [a, b]] = np.cos(angle)
        turn[a, b], turn[b, a] = -np.sin(angle), np.sin(angle)
        total = turn @ total
    return total


def _reorder(
    image: Field, labels: NDArray[np.uint8], affine: NDArray[np.float64], codes: str
) -> tuple[Field, NDArray[np.uint8], NDArray[np.float64]]:
    """Store arrays that are near RAS with the axes that `codes` name; positions in the patient stay."""
    order = [next(n for n, pair in enumerate(("RL", "AP", "SI")) if code in pair) for code in codes]
    image, labels = image.transpose(order), labels.transpose(order)
    affine = affine[:, [*order, 3]].copy()
    for axis, code in enumerate(codes):
        if code in "LPI":
            image, labels = np.flip(image, axis), np.flip(labels, axis)
            affine[:3, 3] += affine[:3, axis] * (image.shape[axis] - 1)
            affine[:3, axis] *= -1
    return np.ascontiguousarray(image), np.ascontiguousarray(labels), affine


def _store(image: Field, rng: np.random.Generator) -> NDArray[np.generic]:
    """Numbers as a scanner writes them: another scale and type from one to the next."""
    scale = float(np.exp(rng.uniform(np.log(150), np.log(3000))))
    kind = rng.choice(["int16", "uint16", "float32"])
    scaled = image * np.float32(scale)
    return scaled if kind == "float32" else np.round(scaled).astype(kind)
