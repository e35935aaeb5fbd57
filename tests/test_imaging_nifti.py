"""NIfTI files made here: what is read of them, and what is refused."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nibabel.nifti1 import Nifti1Header, Nifti1Image, Nifti1Pair
from nibabel.nifti2 import Nifti2Image
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from napari_medssl.errors import BadFileError
from napari_medssl.imaging import Labels, Volume, read_grid, read_image, read_labels, write_labels
from napari_medssl.project import Project
from napari_medssl.project.examining import check_files, check_project

RANDOM = np.random.default_rng(0)
VOXELS = RANDOM.integers(0, 100, (4, 5, 6)).astype(np.int16)
AFFINE = np.array([[-2.0, 0, 0, 30], [0, 1.9, 0.6, -20], [0, -0.6, 1.9, 10], [0, 0, 0, 1]])


def save(path: Path, voxels: NDArray[Any] = VOXELS, *, kind: Any = Nifti1Image, **fields: Any) -> Path:
    """Write a NIfTI file with nibabel, some header fields overruled."""
    image = kind(voxels, AFFINE)
    for name, value in fields.items():
        image.header[name] = value
    nibabel.save(image, path)  # type: ignore[attr-defined]
    return path


def patched(path: Path, **fields: Any) -> Path:
    """Overrule header fields of an unpacked .nii file behind nibabel's back."""
    data = bytearray(path.read_bytes())
    header = np.frombuffer(data, Nifti1Header.template_dtype, count=1)
    for name, value in fields.items():
        header[name] = value
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz", "a.NII"])
@pytest.mark.parametrize("kind", [Nifti1Image, Nifti2Image])
def test_single_files(tmp_path: Path, name: str, kind: Any) -> None:
    save(tmp_path / "a.nii.gz", kind=kind)
    if name != "a.nii.gz":
        (tmp_path / name).write_bytes(gzip.decompress((tmp_path / "a.nii.gz").read_bytes()))
    volume = read_image(tmp_path / name)
    np.testing.assert_array_equal(volume.array[0], VOXELS)
    np.testing.assert_allclose(volume.grid.affine, AFFINE, atol=1e-6)
    assert volume.array.dtype == np.int16
    assert volume.channels == ("image",)
    assert volume.grid.header is not None
    assert volume.grid.header.version == (2 if kind is Nifti2Image else 1)


@pytest.mark.parametrize("packed", ["", "h", "i", "hi"])
def test_pairs_plain_gzipped_and_mixed(tmp_path: Path, packed: str) -> None:
    save(tmp_path / "a.img", kind=Nifti1Pair)
    for suffix in (".hdr", ".img"):
        path = tmp_path / f"a{suffix}"
        if suffix[1] in packed:
            path.with_name(f"a{suffix}.gz").write_bytes(gzip.compress(path.read_bytes()))
            path.unlink()
    files = sorted(tmp_path.iterdir())
    assert len(files) == 2
    for path in files:
        np.testing.assert_array_equal(read_image(path).array[0], VOXELS)


@pytest.mark.parametrize("missing", [".hdr", ".img"])
def test_a_missing_partner_is_named(tmp_path: Path, missing: str) -> None:
    save(tmp_path / "a.img", kind=Nifti1Pair)
    (tmp_path / f"a{missing}").unlink()
    left = next(tmp_path.iterdir())
    with pytest.raises(BadFileError, match=rf"a\{missing} .* is missing"):
        read_image(left)


def test_gzip_is_told_by_content_not_by_name(tmp_path: Path) -> None:
    save(tmp_path / "a.nii")
    plain = (tmp_path / "a.nii").read_bytes()
    (tmp_path / "plain.nii.gz").write_bytes(plain)
    (tmp_path / "packed.nii").write_bytes(gzip.compress(plain))
    (tmp_path / "members.nii.gz").write_bytes(gzip.compress(plain[:400]) + gzip.compress(plain[400:]))
    for name in ("plain.nii.gz", "packed.nii", "members.nii.gz"):
        np.testing.assert_array_equal(read_image(tmp_path / name).array[0], VOXELS)


@pytest.mark.parametrize("dtype", ["u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f4", "f8"])
@pytest.mark.parametrize("order", "<>")
def test_every_plain_dtype_in_both_byte_orders(tmp_path: Path, dtype: str, order: str) -> None:
    kind = np.dtype(dtype)
    limits: Any = np.finfo(kind) if kind.kind == "f" else np.iinfo(kind)
    voxels = np.resize(np.array([limits.min, limits.max, 1], kind), (2, 3, 4))
    header = Nifti1Header(endianness=order)
    header.set_data_dtype(kind)
    image = Nifti1Image(voxels, AFFINE, header, dtype=kind)
    nibabel.save(image, tmp_path / "a.nii")  # type: ignore[attr-defined]
    assert ((tmp_path / "a.nii").read_bytes()[:2] == b"\x5c\x01") == (order == "<")
    array = read_image(tmp_path / "a.nii").array
    assert array.dtype == kind
    np.testing.assert_array_equal(array[0], voxels)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(slope=st.floats(2**-14, 1024, width=32), inter=st.floats(-1024, 1024, width=32))
def test_slope_and_intercept(tmp_path: Path, slope: float, inter: float) -> None:
    path = patched(save(tmp_path / "a.nii"), scl_slope=slope, scl_inter=inter)
    array = read_image(path).array[0]
    expected = VOXELS.astype(np.float64) * slope + inter
    if (slope, inter) != (1, 0):
        assert array.dtype == np.float32
    np.testing.assert_allclose(array, expected, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(array, np.asarray(nibabel.load(path).dataobj), rtol=1e-6, atol=1e-6)  # type: ignore[attr-defined]


@pytest.mark.parametrize("slope", [0.0, np.nan, np.inf])
def test_a_slope_that_means_none(tmp_path: Path, slope: float) -> None:
    array = read_image(patched(save(tmp_path / "a.nii"), scl_slope=slope, scl_inter=7)).array
    assert array.dtype == np.int16
    np.testing.assert_array_equal(array[0], VOXELS)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(angles=st.tuples(*[st.floats(-180, 180)] * 3), flip=st.booleans())
def test_qform_is_read_as_nibabel_reads_it(tmp_path: Path, angles: tuple[float, ...], flip: bool) -> None:
    affine = np.eye(4)
    affine[:3, :3] = Rotation.from_euler("xyz", angles, degrees=True).as_matrix() * (1.5, 0.7, -3.0 if flip else 3.0)
    affine[:3, 3] = (12, -7, 5)
    image = Nifti1Image(VOXELS, None)
    image.set_qform(affine, code=1)
    image.set_sform(None, code=0)
    nibabel.save(image, tmp_path / "a.nii")  # type: ignore[attr-defined]
    grid = read_grid(tmp_path / "a.nii").grid
    reference = nibabel.load(tmp_path / "a.nii").affine  # type: ignore[attr-defined]
    assert grid.header is not None
    # next to a half turn, readers round the quaternion's missing number to 0 at different distances (ours as nifti1_io)
    half_turn = sum(q * q for q in grid.header.quatern) > 1 - 4e-7
    np.testing.assert_allclose(grid.affine, reference, atol=4e-3 if half_turn else 1e-5)
    np.testing.assert_allclose(grid.affine, affine, atol=1e-2)
    assert grid.header.source == "qform"


def test_where_sform_and_qform_differ_the_sform_is_used_and_it_is_said(tmp_path: Path) -> None:
    image = Nifti1Image(VOXELS, None)
    other = AFFINE.copy()
    other[0, 3] += 4
    image.set_sform(AFFINE, code=2)
    image.set_qform(other, code=1)
    nibabel.save(image, tmp_path / "a.nii")  # type: ignore[attr-defined]
    header = read_grid(tmp_path / "a.nii")
    np.testing.assert_allclose(header.grid.affine, AFFINE, atol=1e-6)
    assert "differ by up to 4 mm; the sform is used" in header.notes[0]
    image.set_qform(AFFINE, code=1)
    nibabel.save(image, tmp_path / "same.nii")  # type: ignore[attr-defined]
    assert read_grid(tmp_path / "same.nii").notes == ()


@pytest.mark.parametrize(
    "broken",
    [
        {"srow_x": [0, 0, 0, 0]},
        {"srow_y": [np.nan, 0, 0, 0]},
        {"srow_x": [1, 0, 0, 0], "srow_y": [1, 0, 0, 0]},
        {"srow_x": [0] * 4, "srow_y": [0] * 4, "srow_z": [0] * 4},
    ],
)
def test_of_two_transforms_the_usable_one_is_used_and_it_is_said(tmp_path: Path, broken: dict[str, Any]) -> None:
    image = Nifti1Image(VOXELS, None)
    image.set_sform(AFFINE, code=1)
    image.set_qform(AFFINE, code=1)
    nibabel.save(image, tmp_path / "a.nii")  # type: ignore[attr-defined]
    header = read_grid(patched(tmp_path / "a.nii", **broken))
    assert header.grid.header is not None
    assert header.grid.header.source == "qform"
    np.testing.assert_allclose(header.grid.affine, AFFINE, atol=1e-5)
    assert header.notes == ("The sform cannot be used; the qform is.",)
    write_labels(tmp_path / "mask.nii", Labels((VOXELS > 0).astype(np.uint8), header.grid))
    assert read_labels(tmp_path / "mask.nii").grid.mismatch(header.grid) is None


@pytest.mark.parametrize("broken", [{"quatern_b": 3}, {"qoffset_x": np.inf}])
def test_a_qform_that_cannot_be_used_is_said(tmp_path: Path, broken: dict[str, Any]) -> None:
    header = read_grid(patched(save(tmp_path / "a.nii"), sform_code=1, qform_code=1, **broken))
    np.testing.assert_allclose(header.grid.affine, AFFINE, atol=1e-6)
    assert header.notes == ("The qform cannot be used; the sform is.",)


def test_check_tells_what_headers_say_in_two_ways(tmp_path: Path) -> None:
    paths = []
    for number in range(3):
        image = Nifti1Image(VOXELS + number, None)
        other = AFFINE.copy()
        other[0, 3] += 4 + number
        image.set_sform(AFFINE, code=2)
        image.set_qform(other, code=1)
        paths.append(tmp_path / f"{number}.nii")
        nibabel.save(image, paths[-1])  # type: ignore[attr-defined]
    [finding] = [one for one in check_files(paths).findings if one.rule == "header"]
    assert finding.items == ("0.nii", "1.nii", "2.nii")
    assert "differ by up to 4 mm; the sform is used" in finding.what
    project = Project.create(tmp_path / "p")
    project.add_case(paths[0])
    assert [one.what for one in check_project(project).findings if one.rule == "header"] == [finding.what]


def test_no_orientation_falls_back_to_spacing_and_says_so(tmp_path: Path) -> None:
    header = read_grid(patched(save(tmp_path / "a.nii"), sform_code=0, qform_code=0))
    assert not header.grid.oriented
    assert header.grid.spacing == pytest.approx(tuple(np.linalg.norm(AFFINE[:3, :3], axis=0)))
    assert "no orientation" in header.notes[0]


def test_units_other_than_mm_become_mm(tmp_path: Path) -> None:
    grid = read_grid(patched(save(tmp_path / "a.nii"), xyzt_units=3)).grid
    np.testing.assert_allclose(grid.affine[:3], AFFINE[:3] / 1000, atol=1e-8)


def test_trailing_singletons_are_dropped_and_flat_images_are_one_slice(tmp_path: Path) -> None:
    assert read_image(save(tmp_path / "a.nii", VOXELS[..., None, None])).array.shape == (1, 4, 5, 6)
    assert read_image(save(tmp_path / "b.nii", VOXELS[..., 0])).array.shape == (1, 4, 5, 1)
    assert read_image(save(tmp_path / "c.nii", VOXELS[..., :1])).array.shape == (1, 4, 5, 1)
    path = patched(save(tmp_path / "d.nii", VOXELS[..., 0]), sform_code=0, qform_code=0)
    assert read_grid(patched(path, pixdim=[1, 2, 2, 0, 0, 0, 0, 0])).grid.spacing == (2, 2, 1)


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_volumes_of_a_series(tmp_path: Path, suffix: str) -> None:
    series = RANDOM.integers(0, 9, (3, 4, 5, 6)).astype(np.uint8)
    path = save(tmp_path / f"a{suffix}", series)
    assert read_grid(path).volumes == 6
    for t in range(6):
        np.testing.assert_array_equal(read_image(path, t).array[0], series[..., t])
    for volume, rule in ((None, "6 volumes"), (6, "no volume 6"), (-1, "no volume -1")):
        with pytest.raises(BadFileError, match=rule):
            read_image(path, volume)
    with pytest.raises(BadFileError, match="6 volumes"):
        read_labels(path)


def test_channels_along_the_fifth_dimension(tmp_path: Path) -> None:
    many = RANDOM.normal(size=(3, 4, 5, 1, 2)).astype(np.float32)
    volume = read_image(save(tmp_path / "a.nii.gz", many))
    np.testing.assert_array_equal(volume.array, np.moveaxis(many[:, :, :, 0], -1, 0))
    assert volume.channels == ("channel 0", "channel 1")
    with pytest.raises(BadFileError, match="2 volumes of 2 channels"):
        read_image(save(tmp_path / "b.nii", np.repeat(many, 2, axis=3)))
    with pytest.raises(BadFileError, match="6 dimensions"):
        read_image(save(tmp_path / "c.nii", np.zeros((2, 2, 2, 2, 2, 2), np.uint8)))


@pytest.mark.parametrize("letters", ["RGB", "RGBA"])
def test_colours_are_channels(tmp_path: Path, letters: str) -> None:
    colours = RANDOM.integers(0, 255, (3, 4, 5, len(letters))).astype(np.uint8)
    packed = colours.view([(letter, "u1") for letter in letters])[..., 0]
    volume = read_image(save(tmp_path / "a.nii.gz", packed))
    assert volume.channels == ("red", "green", "blue")
    np.testing.assert_array_equal(volume.array, np.moveaxis(colours[..., :3], -1, 0))
    with pytest.raises(BadFileError, match="3 channels"):
        read_labels(tmp_path / "a.nii.gz")


def test_complex_and_odd_kinds_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadFileError, match="complex numbers"):
        read_image(save(tmp_path / "a.nii", VOXELS.astype(np.complex64)))
    for code, rule in ((1, "one bit"), (1536, "128-bit"), (0, "unknown"), (-9510, "unknown"), (255, "unknown")):
        with pytest.raises(BadFileError, match=rule):
            read_grid(patched(save(tmp_path / "b.nii"), datatype=code))


@pytest.mark.parametrize(
    ("fields", "rule"),
    [
        ({"dim": [3, 30000, 30000, 30000, 1, 1, 1, 1]}, r"claims 30000 × 30000 × 30000 voxels"),
        ({"dim": [7, 30000, 30000, 30000, 30000, 30000, 30000, 30000]}, "7 dimensions"),
        ({"dim": [3, 4, 5, 7, 1, 1, 1, 1]}, "has only"),
        ({"dim": [3, 4, -5, 6, 1, 1, 1, 1]}, "a length of -5"),
        ({"dim": [3, 4, 0, 6, 1, 1, 1, 1]}, "a length of 0"),
        ({"dim": [0, 4, 5, 6, 1, 1, 1, 1]}, "claims 0 dimensions"),
        ({"dim": [9, 4, 5, 6, 1, 1, 1, 1]}, "claims 9 dimensions"),
        ({"dim": [1, 4, 1, 1, 1, 1, 1, 1]}, "one dimension"),
        ({"vox_offset": np.nan}, "byte nan"),
        ({"vox_offset": -8}, "byte -8"),
        ({"vox_offset": 100}, "byte 100"),
        ({"vox_offset": 1e9}, "has only"),
        ({"scl_slope": 2, "scl_inter": np.nan}, "intercept"),
        ({"srow_x": [0, 0, 0, 0], "srow_y": [0, 0, 0, 0]}, r"orientation \(sform\) has a spacing of zero"),
        ({"srow_x": [1, 1, 0, 0], "srow_y": [1, 1, 0, 0], "srow_z": [0, 0, 1, 0]}, r"sform\) is singular"),
        ({"srow_x": [np.nan, 0, 0, 0]}, r"sform\) has numbers that are not finite"),
        ({"sform_code": 0, "qform_code": 1, "quatern_b": 3}, "quaternion"),
        ({"sform_code": 0, "qform_code": 1, "quatern_b": np.nan}, "quaternion"),
        ({"sform_code": 0, "qform_code": 1, "qoffset_x": np.inf}, r"qform\) has numbers that are not finite"),
        ({"sform_code": 0, "qform_code": 0, "pixdim": [1, 0, 1, 1, 0, 0, 0, 0]}, r"pixdim\) has a spacing of zero"),
        ({"magic": b"ni1\0"}, "separate .img file"),
        ({"magic": b"abc\0"}, "ANALYZE"),
        ({"sizeof_hdr": 349}, "not a NIfTI file"),
    ],
)
def test_headers_that_cannot_be_are_refused_before_voxels_are_read(
    tmp_path: Path, fields: dict[str, Any], rule: str
) -> None:
    path = patched(save(tmp_path / "scan.nii"), **fields)
    for read in (read_grid, read_image, read_labels):
        with pytest.raises(BadFileError, match=rule) as caught:
            read(path)
        assert str(caught.value).startswith(str(path))
        assert caught.value.remedy


def test_a_bomb_in_gzip_is_refused_by_the_size_of_its_file(tmp_path: Path) -> None:
    path = patched(save(tmp_path / "scan.nii"), dim=[3, 20000, 20000, 20000, 1, 1, 1, 1])
    (tmp_path / "bomb.nii.gz").write_bytes(gzip.compress(path.read_bytes()))
    with pytest.raises(BadFileError, match="even if packed as tightly as gzip can"):
        read_grid(tmp_path / "bomb.nii.gz")


def test_voxels_that_are_not_finite_are_read_as_they_are(tmp_path: Path) -> None:
    voxels = VOXELS.astype(np.float32)
    voxels[0, 0, 0], voxels[1, 1, 1], voxels[2, 2, 2] = np.nan, np.inf, -np.inf
    volume = read_image(save(tmp_path / "a.nii.gz", voxels))
    assert not volume.finite
    np.testing.assert_array_equal(volume.array[0], voxels)
    filled = volume.filled()
    assert filled.finite
    assert filled.array[0, 1, 1, 1] == np.min(voxels[np.isfinite(voxels)])
    assert not volume.finite  # the original is not touched
    nothing = Volume(np.full_like(volume.array, np.nan), volume.grid).filled()
    assert (nothing.array == 0).all()
    assert read_image(save(tmp_path / "b.nii.gz")).finite
