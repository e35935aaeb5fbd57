"""Every labelling tool once in a real window, on a real hippocampus and on a scan of 512 × 512 × 200 voxels.

`MEDSSL_PICTURES` names a folder to keep the pictures in.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from screen import check_pictures, picture_folder, run_script
from test_window_day import make_scans
from tools_scenes import half_done

from napari_medssl.imaging import Grid, read_image, read_labels
from napari_medssl.project import ClassInfo, Project
from napari_medssl.tools.catalog import TOOLS
from napari_medssl.ui.display import Display

CLASSES = (ClassInfo(1, "mine"), ClassInfo(2, "kept"), ClassInfo(3, "other"))
LARGE, VOXEL = (512, 512, 200), (0.7, 0.7, 1.5)  # of the file; millimetres
AT, SIZE = (90, 200, 200), (70, 150, 150)  # where structures are, as shown
STEPS = (
    "case-open", "fill_between", "copy_slice", "grow_from_seeds", "snap", "threshold", "smooth", "grow", "shrink",
    "keep_largest", "remove_islands", "fill_holes", "within", "within-nothing",
    "looked-slice", "looked-view", "looked-region",
)  # fmt: skip


def make_case(folder: Path, scan: Path, truth: np.ndarray, near: tuple[slice, ...] = (slice(None),) * 3) -> Path:
    """A project of one case that is half done; `truth` as shown, `near` is where structures are."""
    project = Project.create(folder / "project", classes=CLASSES)
    case = project.add_case(scan, name="case")
    display = Display(case.grid)
    labels = np.full(truth.shape, 255, np.uint8)
    labels[near] = half_done(truth[near], display.scale)
    case.save_labels(display.back(labels), author="anna", origin="drawn", complete=False)
    doubt = np.zeros(truth.shape, np.float32)
    border = np.zeros(truth[near].shape, bool)
    for axis in range(3):
        border |= np.roll(truth[near], 1, axis) != truth[near]
    doubt[near] = np.where(border, 0.8, 0.1)
    case.save_proposal("bcp-001", display.back(truth), {"entropy": display.back(doubt)}, 0.3, {})
    np.save(folder / "truth.npy", truth)
    return folder / "project"


def hippocampus(folder: Path) -> Path:
    """A real one where there are any; else of the sample."""
    scans, labels = make_scans(folder / "data")
    path = sorted(scans.glob("*.nii.gz"))[0]
    display = Display(read_image(path).grid)
    truth = display.show(read_labels(labels / path.name).array).astype(np.uint8)
    return make_case(folder, path, np.where(truth > 2, 0, truth).astype(np.uint8))


def large(folder: Path) -> Path:
    """Two ellipsoids that touch, in a noisy scan."""
    near = tuple(slice(at - size // 2, at + size // 2) for at, size in zip(AT, SIZE, strict=True))
    where = np.indices(SIZE, np.float32).reshape(3, -1).T
    truth = np.zeros(LARGE[::-1], np.uint8)
    for value, centre, radii in ((1, (35, 75, 70), (14, 38, 30)), (2, (35, 75, 112), (10, 20, 15))):
        inside = (((where - centre) / np.array(radii, np.float32)) ** 2).sum(axis=1).reshape(SIZE) <= 1
        truth[near][inside] = value
    image = np.random.default_rng(0).integers(-60, 60, truth.shape, dtype=np.int16)
    image[near] += np.array((0, 150, 70), np.int16)[truth[near]]
    display = Display(Grid(LARGE, np.diag([*VOXEL, 1.0])))
    path = folder / "large.nii"
    nib.save(nib.Nifti1Image(display.back(image), np.diag([*VOXEL, 1.0])), path)
    return make_case(folder, path, truth, near)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("make", [hippocampus, large])
def test_every_tool_once_in_a_real_window(display: str, tmp_path: Path, make: Callable[[Path], Path]) -> None:
    project = make(tmp_path)
    pictures = picture_folder(tmp_path, f"tools-{make.__name__}")
    told = run_script("window_tools.py", display, project, pictures, seconds=500)
    assert set(told["words"]) == {tool.name for tool in TOOLS}
    assert told["words"]["fill_between"].startswith("Filled 1 gap: ")
    assert "1 of 3 pieces" in told["words"]["remove_islands"]
    check_pictures(pictures, STEPS if make is hippocampus else (*STEPS, "at-work", "stopped"))
