"""Seconds of each labelling tool on a scan of 512 × 512 × 200: `python benchmarks/tools.py [TOOL …]`.

`python benchmarks/tools.py real` instead snaps outlines of real hippocampi that are too large, too small, and right.
"""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from typing import Any

import cohorts
import nibabel
import numpy as np
import records
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation, binary_erosion, gaussian_filter

from napari_medssl.imaging import UNSEEN
from napari_medssl.tools.catalog import BY_NAME, TOOLS, Tool
from napari_medssl.tools.scene import Scene

SHAPE, SPACING = (200, 512, 512), (2.5, 0.75, 0.75)
CENTRE, RADII = (100, 250, 200), (40, 110, 90)  # voxels; about the size of a liver
REPEATS = 3


def make_scene() -> Scene:
    """One large organ with a bumpy surface, holes and islands, in a noisy scan."""
    random = np.random.default_rng(0)
    inside = _organ()
    image = random.normal(0, 40, SHAPE).astype(np.float32)
    image += np.where(inside, 120, 0)
    labels = np.where(inside, 1, 0).astype(np.uint8)
    box = _box(2)
    part = labels[box]
    bumps = gaussian_filter(random.normal(size=part.shape).astype(np.float32), (1, 3, 3))
    part[bumps > 3 * bumps.std()] = 1
    part[bumps < -3 * bumps.std()] = 0
    probability = np.where(inside, 0.8, 0.2).astype(np.float32)
    plane = (0, CENTRE[0])
    return Scene(labels, SPACING, 1, image=image, plane=plane, box=box, probability=probability)


def scene_for(tool: Tool, scene: Scene) -> Scene:
    """What the tool is meant for: gaps to fill, strokes to grow from, a box of 64 × 64 × 64 to snap in."""
    labels = scene.labels.copy()
    if tool.name == "fill_between":
        gone = np.arange(SHAPE[0]) % 8 != 0
        labels[gone] = UNSEEN
        return replace(scene, labels=labels, box=None)
    if tool.name == "copy_slice":
        labels[CENTRE[0]] = UNSEEN
    if tool.name == "grow_from_seeds":
        labels[:] = UNSEEN
        for plane in (80, 100, 120):
            labels[plane, 245:255, 150:250] = 1
            labels[plane, 125:130, 100:300] = labels[plane, 370:375, 100:300] = 0
            labels[plane, 130:370, 95:99] = labels[plane, 130:370, 300:304] = 0
        labels[50, 130:370, 100:300] = labels[150, 130:370, 100:300] = 0
        return replace(scene, labels=labels, box=_box(20))
    if tool.name == "snap":
        corner = (CENTRE[0] - 32, CENTRE[1] - RADII[1] - 32, CENTRE[2] - 32)
        return replace(scene, labels=labels, box=tuple(slice(start, start + 64) for start in corner))
    return replace(scene, labels=labels)


def _organ() -> NDArray[np.bool_]:
    grid = np.ogrid[tuple(slice(0, size) for size in SHAPE)]
    squares: Any = sum(((axis - mid) / radius) ** 2 for axis, mid, radius in zip(grid, CENTRE, RADII, strict=True))
    inside: NDArray[np.bool_] = squares <= 1
    return inside


def _box(margin: int) -> tuple[slice, ...]:
    return tuple(slice(mid - radius - margin, mid + radius + margin) for mid, radius in zip(CENTRE, RADII, strict=True))


def snap_real(scans: slice = slice(8, 40)) -> None:
    """Mean Dice before and after; the first eight scans are left out, by which constants of the tool were chosen."""
    folder = cohorts.data_folder()
    if folder is None:
        sys.exit("There are no real scans: set MEDSSL_DATA to their folder.")
    ways = {"too large": binary_dilation, "too small": binary_erosion, "right": np.array}
    gained: dict[str, list[tuple[float, float]]] = {way: [] for way in ways}
    for path in sorted((folder / "hippocampus" / "images").glob("*.nii.gz"))[scans]:
        image = np.asarray(nibabel.load(path).dataobj, np.float32)
        truth = np.asarray(nibabel.load(path.parents[1] / "labels" / path.name).dataobj) > 0
        box = tuple(slice(0, size) for size in truth.shape)
        for way, make in ways.items():
            labels = make(truth).astype(np.uint8)
            before = _dice(labels == 1, truth)
            change = BY_NAME["snap"].run(Scene(labels, (1.0,) * 3, 1, image=image, box=box))
            labels.flat[change.places] = change.values
            gained[way].append((before, _dice(labels == 1, truth)))
    for way, pairs in gained.items():
        before, after = (round(float(mean), 3) for mean in np.mean(pairs, axis=0))
        records.append("tools", {"tool": "snap", "outline": way, "scans": len(pairs), "before": before, "after": after})


def _dice(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> float:
    return float(2 * (a & b).sum() / (a.sum() + b.sum()))


def main(names: list[str]) -> None:
    """Time the tools of these names, or all."""
    if names == ["real"]:
        snap_real()
        return
    scene = make_scene()
    for tool in TOOLS:
        if names and tool.name not in names:
            continue
        ours = scene_for(tool, scene)
        told: list[float] = []
        seconds = []
        for _ in range(REPEATS):
            begin = time.perf_counter()
            change = tool.run(replace(ours, progress=told.append))
            seconds.append(time.perf_counter() - begin)
        records.append(
            "tools",
            {
                "tool": tool.name,
                "shape": SHAPE,
                "seconds": round(min(seconds), 3),
                "places": int(change.places.size),
                "reports": len(told) // REPEATS,
                "words": change.words,
            },
        )


if __name__ == "__main__":
    main(sys.argv[1:])
