"""Real scans as projects: which cases are labelled, unlabelled and for the test.

Hippocampus: the cases are shuffled once (the same for every seed); the last 66 are the test. Of the other 64, the seed
picks the labelled ones; the rest is unlabelled. Left atrium: the first of `train.list` are labelled, the next 40
unlabelled, the last 36 the test, as the official split would have it; halved by means of 2 x 2 x 2 voxels.
Pathology: RGB images, shuffled once; the last 10 are the test, of the other 14 the seed picks the labelled ones.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import nibabel
import numpy as np
from numpy.typing import NDArray

from napari_medssl.imaging import Grid, Labels, read_image, read_labels
from napari_medssl.project import ClassInfo, Project, freeze_audit

HIPPOCAMPUS = (ClassInfo(1, "anterior"), ClassInfo(2, "posterior"))
ATRIUM = (ClassInfo(1, "left atrium"),)
GLANDS = (ClassInfo(1, "gland"),)
TEST_PATHOLOGY = 10
TEST_HIPPOCAMPUS, TEST_ATRIUM, UNLABELLED_ATRIUM = 66, 36, 40


@dataclass(frozen=True)
class Cohort:
    """Cases of one benchmark; `image` gives a case's scan (a path, or one made on the way), `truth` its labels."""

    name: str
    classes: tuple[ClassInfo, ...]
    labelled: tuple[str, ...]
    unlabelled: tuple[str, ...]
    test: tuple[str, ...]
    image: Callable[[str, Path], Path]
    truth: Callable[[str], Labels]
    channels: tuple[str, ...] = ("image",)

    def make_unlabelled_project(self, root: Path) -> Project:
        """A project with the unlabelled cases and nothing else, to pre-train on."""
        project = Project.create(root, classes=self.classes, channels=self.channels)
        for name in self.unlabelled:
            project.add_case(self.image(name, root), name=name)
        return project

    def make_project(self, root: Path) -> Project:
        """A project with all cases; test cases are set aside, so that no loader meets them."""
        project = Project.create(root, classes=self.classes, channels=self.channels)
        for name in (*self.labelled, *self.unlabelled, *self.test):
            case = project.add_case(self.image(name, root), name=name)
            if name in self.labelled:
                case.save_labels(self.truth(name).array, author="benchmark", origin="imported")
        freeze_audit(project, self.test, author="benchmark")
        return project


def data_folder() -> Path | None:
    """Where the scans are, None where there are none."""
    folder = Path(os.environ.get("MEDSSL_DATA", Path(__file__).parents[2] / "shared" / "data"))
    return folder if folder.is_dir() else None


def load(data: Path, name: str, seed: int, labelled: int) -> Cohort:
    """A cohort as a seed sees it."""
    return {"hippocampus": _hippocampus, "la-half": _atrium, "pathology": _pathology}[name](data, seed, labelled)


def _hippocampus(data: Path, seed: int, labelled: int) -> Cohort:
    folder = data / "hippocampus"
    names = sorted(p.name.removesuffix(".nii.gz") for p in (folder / "images").glob("*.nii.gz"))
    shuffled = [str(n) for n in np.random.RandomState(0).permutation(names)]
    pool, test = shuffled[:-TEST_HIPPOCAMPUS], shuffled[-TEST_HIPPOCAMPUS:]
    mixed = [str(n) for n in np.random.RandomState(seed).permutation(pool)]
    return Cohort(
        "hippocampus",
        HIPPOCAMPUS,
        tuple(mixed[:labelled]),
        tuple(mixed[labelled:]),
        tuple(test),
        lambda case, _: folder / "images" / f"{case}.nii.gz",
        lambda case: read_labels(folder / "labels" / f"{case}.nii.gz"),
    )


def _pathology(data: Path, seed: int, labelled: int) -> Cohort:
    folder = data / "pathology"
    names = sorted(p.stem for p in (folder / "images").glob("*.png"))
    shuffled = [str(n) for n in np.random.RandomState(0).permutation(names)]
    pool, test = shuffled[:-TEST_PATHOLOGY], shuffled[-TEST_PATHOLOGY:]
    mixed = [str(n) for n in np.random.RandomState(seed).permutation(pool)]
    return Cohort(
        "pathology",
        GLANDS,
        tuple(mixed[:labelled]),
        tuple(mixed[labelled:]),
        tuple(test),
        lambda case, _: folder / "images" / f"{case}.png",
        lambda case: read_labels(folder / "masks" / f"{case}.png"),
        ("red", "green", "blue"),
    )


def _atrium(data: Path, seed: int, labelled: int) -> Cohort:
    folder = data / "la" / "train"
    names = (data / "la" / "train.list").read_text().split()

    def image(case: str, root: Path) -> Path:
        volume = read_image(folder / f"{case}_image.nii.gz")
        target = root.parent / f"scans-{root.name}" / f"{case}.nii.gz"
        target.parent.mkdir(exist_ok=True)
        array = _halve(volume.array)[0]
        nibabel.save(nibabel.Nifti1Image(array, _half_grid(volume.grid, array.shape).affine), target)
        return target

    def truth(case: str) -> Labels:
        labels = read_labels(folder / f"{case}_label.nii.gz")
        array = (_halve(labels.array[None].astype(np.float32))[0] >= 0.5).astype(np.uint8)
        return replace(labels, array=array, grid=_half_grid(labels.grid, array.shape))

    return Cohort(
        "la-half",
        ATRIUM,
        tuple(names[:labelled]),
        tuple(names[labelled : labelled + UNLABELLED_ATRIUM]),
        tuple(names[-TEST_ATRIUM:]),
        image,
        truth,
    )


def _halve(array: NDArray[np.generic]) -> NDArray[np.float32]:
    """Means of 2 x 2 x 2 voxels of (C, I, J, K); an odd last plane is left out."""
    channels, *shape = array.shape
    i, j, k = (n // 2 for n in shape)
    blocks = array[:, : 2 * i, : 2 * j, : 2 * k].reshape(channels, i, 2, j, 2, k, 2)
    return blocks.mean(axis=(2, 4, 6), dtype=np.float32)


def _half_grid(grid: Grid, shape: tuple[int, ...]) -> Grid:
    affine = grid.affine.copy()
    affine[:3, 3] += affine[:3, :3].sum(axis=1) / 2  # the middle of a block lies half a voxel further
    affine[:3, :3] *= 2
    return Grid(shape=shape, affine=affine)
