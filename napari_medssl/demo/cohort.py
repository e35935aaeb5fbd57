"""The demo's cohort: generated abdominal scans, as values or as NIfTI files with the truth beside them.

>>> cohort = make_cohort("scans", 24)
>>> cohort.images[0].name, cohort.labels[0].name
('abdomen-01_image.nii.gz', 'abdomen-01_label.nii.gz')
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .anatomy import AORTA, LIVER, SPLEEN
from .phantom import make_phantom

if TYPE_CHECKING:
    from ..imaging import Labels, Volume

CLASSES = {LIVER: "liver", SPLEEN: "spleen", AORTA: "aorta"}
VARIETY = 0.6


@dataclass(frozen=True)
class Cohort:
    """Files of a generated cohort; `labels[n]` is the truth of `images[n]`, on its grid."""

    images: tuple[Path, ...]
    labels: tuple[Path, ...]
    classes: dict[int, str]


def make_case(
    seed: int, *, variety: float = VARIETY, pathology: bool | None = None, axes: str | None = None
) -> tuple[Volume, Labels]:
    """One generated scan and its true labels; see `phantom.make_phantom` for the parameters."""
    from ..imaging import Grid, Labels, Volume

    image, labels, affine, _ = make_phantom(seed, variety=variety, pathology=pathology, axes=axes)
    grid = Grid(image.shape, affine)
    return Volume(image[None], grid, ("image",)), Labels(labels, grid)


def make_cohort(folder: Path | str, count: int = 24, *, seed: int = 0, variety: float = VARIETY) -> Cohort:
    """Write `count` scans to `folder`/images and their truth to `folder`/labels.

    Returns
    -------
    Cohort
        The files, in the order of their names. The same `seed` gives the same voxels.
    """
    root = Path(folder)
    images, labels = root / "images", root / "labels"
    images.mkdir(parents=True, exist_ok=True)
    labels.mkdir(exist_ok=True)
    pairs = []
    for number in range(1, count + 1):
        voxels, truth, affine, _ = make_phantom(seed * 1000 + number, variety=variety)
        pair = (images / f"abdomen-{number:02d}_image.nii.gz", labels / f"abdomen-{number:02d}_label.nii.gz")
        _write_nifti(pair[0], voxels, affine)
        _write_nifti(pair[1], truth, affine)
        pairs.append(pair)
    return Cohort(tuple(i for i, _ in pairs), tuple(t for _, t in pairs), dict(CLASSES))


def _write_nifti(path: Path, array: NDArray[Any], affine: NDArray[np.float64]) -> None:
    import nibabel

    image = nibabel.Nifti1Image(array, affine)
    image.header.set_xyzt_units("mm")
    image.set_qform(affine, 1)
    image.set_sform(affine, 1)
    nibabel.save(image, path)
