"""Masks: what counts as one, and that it comes back exactly from where it was written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nibabel.nifti1 import Nifti1Image
from nibabel.nifti2 import Nifti2Image
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from napari_medssl.errors import BadFileError
from napari_medssl.imaging import (
    Grid,
    Labels,
    NiftiCodes,
    read_grid,
    read_image,
    read_labels,
    read_map,
    write_labels,
    write_map,
)

RANDOM = np.random.default_rng(0)
MASK = RANDOM.choice(np.array([0, 1, 2, 254, 255], np.uint8), (4, 5, 6))
quick = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def save(path: Path, voxels: NDArray[Any], affine: NDArray[np.float64] | None = None) -> Path:
    nibabel.save(Nifti1Image(voxels, np.eye(4) if affine is None else affine), path)  # type: ignore[attr-defined]
    return path


@pytest.mark.parametrize("dtype", ["u1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8"])
def test_whole_numbers_of_any_dtype_are_labels(tmp_path: Path, dtype: str) -> None:
    image = Nifti1Image(MASK.astype(dtype), np.eye(4), dtype=np.dtype(dtype))
    nibabel.save(image, tmp_path / "a.nii.gz")  # type: ignore[attr-defined]
    labels = read_labels(tmp_path / "a.nii.gz")
    assert labels.array.dtype == np.uint8
    np.testing.assert_array_equal(labels.array, MASK)
    assert labels.values == (0, 1, 2, 254, 255)


@pytest.mark.parametrize(
    ("value", "rule"),
    [
        (0.5, r"not whole numbers \(0.5\)"),
        (256.0, r"outside 0 to 255 \(256\)"),
        (-1.0, r"outside 0 to 255 \(-1\)"),
        (1e30, "outside 0 to 255"),
        (np.nan, "not a number"),
        (np.inf, "not a number"),
    ],
)
def test_anything_else_is_refused_by_its_value(tmp_path: Path, value: float, rule: str) -> None:
    voxels = MASK.astype(np.float32)
    voxels[1, 2, 3] = value
    with pytest.raises(BadFileError, match=rule):
        read_labels(save(tmp_path / "a.nii.gz", voxels))
    read_image(tmp_path / "a.nii.gz")  # fine as an image


def test_whole_numbers_beyond_a_byte_are_refused(tmp_path: Path) -> None:
    for dtype in ("i2", "u2", "i4"):
        voxels = MASK.astype(dtype)
        voxels[0, 0, 0] = 1000
        with pytest.raises(BadFileError, match=r"outside 0 to 255 \(1000\)"):
            read_labels(save(tmp_path / "a.nii.gz", voxels))


def test_scaled_labels_are_whole_after_scaling(tmp_path: Path) -> None:
    image = Nifti1Image(MASK, np.eye(4))
    image.header.set_slope_inter(1, 0)
    nibabel.save(image, tmp_path / "a.nii")  # type: ignore[attr-defined]
    data = bytearray((tmp_path / "a.nii").read_bytes())
    data[112:116] = np.float32(1 / 255).tobytes()
    (tmp_path / "a.nii").write_bytes(data)
    with pytest.raises(BadFileError, match="not whole numbers"):
        read_labels(tmp_path / "a.nii")
    data[112:116] = np.float32(0.5).tobytes()
    data[116:120] = np.float32(0.5).tobytes()
    (tmp_path / "a.nii").write_bytes(data[:352] + np.where(MASK > 0, 3, 1).astype(np.uint8).tobytes("F"))
    np.testing.assert_array_equal(read_labels(tmp_path / "a.nii").array, np.where(MASK > 0, 2, 1))


@st.composite
def headers(draw: st.DrawFn) -> NiftiCodes:
    """Any spatial fields a file may carry and still be read, as 32-bit numbers."""
    turn = Rotation.from_euler("xyz", [draw(st.floats(-180, 180)) for _ in range(3)], degrees=True)
    spacing = [draw(st.floats(0.25, 8, width=32)) for _ in range(3)]
    origin = [draw(st.floats(-512, 512, width=32)) for _ in range(3)]
    single = lambda values: tuple(float(value) for value in np.array(values, np.float32).ravel())  # noqa: E731
    rows = np.column_stack([turn.as_matrix() * spacing, origin])
    b, c, d, a = turn.as_quat()
    sign = -1.0 if a < 0 else 1.0
    return NiftiCodes(
        qform_code=draw(st.integers(0, 4)),
        sform_code=draw(st.integers(0, 4)),
        quatern=single([sign * b, sign * c, sign * d]),
        qoffset=single(origin),
        srow=single(rows),
        pixdim=single([draw(st.sampled_from([-1.0, 0.0, 1.0])), *spacing]),
        xyzt_units=draw(st.sampled_from([0, 1, 2, 3, 10])),
    )


@quick
@given(codes=headers(), shape=st.tuples(*[st.integers(1, 6)] * 3), suffix=st.sampled_from([".nii", ".nii.gz"]))
def test_a_mask_comes_back_on_the_exact_grid(
    tmp_path: Path, codes: NiftiCodes, shape: tuple[int, int, int], suffix: str
) -> None:
    grid = Grid(shape, codes.affine(shape), header=codes)
    mask = RANDOM.integers(0, 256, shape).astype(np.uint8)
    path = tmp_path / f"mask{suffix}"
    write_labels(path, Labels(mask, grid))
    back = read_labels(path)
    np.testing.assert_array_equal(back.array, mask)
    np.testing.assert_array_equal(back.grid.affine, grid.affine)
    assert back.grid.header == codes
    reference: Any = nibabel.load(path)  # type: ignore[attr-defined]
    np.testing.assert_array_equal(np.asarray(reference.dataobj), mask)
    if codes.source != "pixdim" and codes.xyzt_units in (0, 2, 10):
        np.testing.assert_allclose(reference.affine, grid.affine, atol=1e-3)
    assert int(reference.header["qform_code"]) == codes.qform_code
    assert int(reference.header["sform_code"]) == codes.sform_code


@quick
@given(angles=st.tuples(*[st.floats(-180, 180)] * 3), origin=st.tuples(*[st.floats(-500, 500)] * 3))
def test_a_mask_on_a_grid_from_no_file_keeps_its_place(
    tmp_path: Path, angles: tuple[float, ...], origin: tuple[float, ...]
) -> None:
    affine = np.eye(4)
    affine[:3, :3] = Rotation.from_euler("xyz", angles, degrees=True).as_matrix() * (0.7, -1.3, 4)
    affine[:3, 3] = origin
    grid = Grid(MASK.shape, affine)
    write_labels(tmp_path / "a.nii.gz", Labels(MASK, grid))
    back = read_labels(tmp_path / "a.nii.gz")
    assert grid.mismatch(back.grid, tolerance=1e-4) is None
    assert back.grid.oriented


def test_a_nifti2_grid_is_written_as_nifti2_to_the_last_bit(tmp_path: Path) -> None:
    affine = np.diag([1 / 3, 1 / 7, 1 / 11, 1])
    nibabel.save(Nifti2Image(MASK, affine), tmp_path / "a.nii.gz")  # type: ignore[attr-defined]
    grid = read_grid(tmp_path / "a.nii.gz").grid
    write_labels(tmp_path / "b.nii.gz", Labels(MASK, grid))
    np.testing.assert_array_equal(read_grid(tmp_path / "b.nii.gz").grid.affine, affine)


def test_the_same_mask_gives_the_same_bytes(tmp_path: Path) -> None:
    grid = Grid(MASK.shape, np.eye(4))
    write_labels(tmp_path / "a.nii.gz", Labels(MASK, grid))
    write_labels(tmp_path / "b.nii.gz", Labels(np.asfortranarray(MASK), grid))
    assert (tmp_path / "a.nii.gz").read_bytes() == (tmp_path / "b.nii.gz").read_bytes()


def test_labels_that_do_not_fit_their_grid_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="do not fit"):
        Labels(MASK, Grid((4, 5, 7), np.eye(4)))
    with pytest.raises(ValueError, match="uint8"):
        Labels(MASK.astype(np.int64), Grid(MASK.shape, np.eye(4)))  # type: ignore[arg-type]


@quick
@given(least=st.floats(-2, 0), most=st.floats(0.01, 5))
def test_maps_come_back_within_half_a_step(tmp_path: Path, least: float, most: float) -> None:
    grid = Grid(MASK.shape, np.diag([2.0, 2, 5, 1]))
    values = RANDOM.uniform(least, most, MASK.shape).astype(np.float32)
    write_map(tmp_path / "map.nii.gz", values, grid)
    back = read_map(tmp_path / "map.nii.gz")
    assert back.dtype == np.float32
    step = (max(values.max(), 0) - min(values.min(), 0)) / 255
    np.testing.assert_allclose(back, values, atol=0.51 * step + 1e-6)
    assert grid.mismatch(read_grid(tmp_path / "map.nii.gz").grid) is None


def test_maps_without_content(tmp_path: Path) -> None:
    grid = Grid(MASK.shape, np.eye(4))
    write_map(tmp_path / "zero.nii.gz", np.zeros(MASK.shape), grid)
    assert (read_map(tmp_path / "zero.nii.gz") == 0).all()
    write_map(tmp_path / "nan.nii.gz", np.full(MASK.shape, np.nan), grid)
    assert (read_map(tmp_path / "nan.nii.gz") == 0).all()
    with pytest.raises(ValueError, match="does not fit"):
        write_map(tmp_path / "bad.nii.gz", np.zeros((1, 2, 3)), grid)
