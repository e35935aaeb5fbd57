"""Every file of the collection of odd and broken scans is read as its reference says, or refused in one clear line."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from napari_medssl.errors import BadFileError
from napari_medssl.imaging import Labels, Volume, check_image, read_grid, read_image, read_labels, write_labels

REPOSITORY = Path(__file__).resolve().parents[1]
ODD = (REPOSITORY / os.environ.get("MEDSSL_DATA", "../shared/data") / "odd").resolve()
EXPECTED: dict[str, dict[str, Any]] = (
    json.loads((ODD / "expected.json").read_text()) if (ODD / "expected.json").is_file() else {}
)

needs_data = pytest.mark.skipif(not EXPECTED, reason=f"no odd scans at {ODD}; set MEDSSL_DATA to the folder above odd")

#: files that must be refused, and a word that the rule must hold
REFUSED = {
    "pairs/header_only_nifti1.hdr": "header_only_nifti1.img",
    "pairs/analyze75.hdr": "ANALYZE",
    "bad/not-nifti.nii": "not a NIfTI",
    "bad/fuzz1.nii": "not a NIfTI",
    "bad/fuzz2.nii": "not a NIfTI",
    "bad/fuzz3.nii": "not a NIfTI",
    "bad/fuzz4.nii": "not a NIfTI",
    "bad/fuzz5.nii": "not a NIfTI",
    "derived/truncated_last8.nii.gz": "ends too early",
    "derived/bitflip.nii.gz": "checksum",
    "derived/short_data.nii": "has only 61827 bytes",
    "derived/empty.nii.gz": "empty",
}
#: refused today because the family is not read yet
OTHER_FAMILIES = (".mha", ".mhd", ".raw", ".zraw", ".nhdr", ".nrrd", ".raw.gz", ".mgz", ".BRIK", ".HEAD", ".zip")
#: read here, though the reference readers do not
READ_ANYWAY = {
    "pairs/minimal2.hdr": "pairs/minimal.hdr",
    "pairs/minimal2.img.gz": "pairs/minimal.hdr",
    "derived/plain_named_gz.nii.gz": None,
}


def world_picture(volume: Volume) -> tuple[np.ndarray, np.ndarray]:
    """The voxels of the only channel on RAS axes, and the affine there."""
    turn = volume.grid.canonical()
    return turn.apply(volume.array)[0], turn.grid.affine


@needs_data
@pytest.mark.parametrize("name", EXPECTED)
def test_every_odd_file_is_read_as_expected_or_refused(name: str) -> None:
    path, expected = ODD / name, EXPECTED[name]
    if name in REFUSED or name.endswith(OTHER_FAMILIES):
        with pytest.raises(BadFileError) as caught:
            read_image(path)
        assert str(path) in str(caught.value)
        assert REFUSED.get(name, "its name does not end like an image") in caught.value.rule
        assert caught.value.remedy
        with pytest.raises(BadFileError):
            check_image(path)
        return
    header = check_image(path)
    volumes = [read_image(path, t if header.volumes > 1 else None) for t in range(header.volumes)]
    if "shape" not in expected:  # the data file of a pair, or one that the reference reader could not open
        twin = READ_ANYWAY.get(name, name.replace(".img", ".hdr"))
        if twin is None:
            assert volumes[0].array.sum() == 3968524  # the undamaged scan of derived/bitflip.nii.gz
        else:
            np.testing.assert_array_equal(volumes[0].array, read_image(ODD / twin).array)
        return
    shape = (*expected["shape"], 1, 1)[:5]
    assert volumes[0].grid.shape == tuple(shape[:3])
    assert (header.volumes, header.channels) == (shape[3], shape[4])
    assert header.dtype == np.dtype(expected["dtype"]).newbyteorder("=").name
    np.testing.assert_allclose(volumes[0].grid.affine, expected["affine_ras"], atol=1e-5)
    assert volumes[0].grid.axcodes == expected["axes"]
    assert volumes[0].array.dtype.isnative
    codes = volumes[0].grid.header
    assert codes is not None
    assert (codes.qform_code, codes.sform_code) == (expected["qform_code"], expected["sform_code"])
    np.testing.assert_allclose(codes.pixdim[1:], expected["pixdim"][1:4])
    values = np.concatenate([volume.array.ravel() for volume in volumes]).astype(np.float64)
    for fact, reduce in (("min", np.nanmin), ("max", np.nanmax)):
        assert reduce(values) == pytest.approx(expected[fact], rel=1e-6)
    if math.isfinite(expected["sum"]):
        assert values.sum() == pytest.approx(expected["sum"], rel=1e-6)


@needs_data
@pytest.mark.parametrize("name", [name for name, facts in EXPECTED.items() if "affine_ras" in facts])
def test_voxels_equal_those_of_nibabel(name: str) -> None:
    import nibabel

    if name in REFUSED or name.endswith(OTHER_FAMILIES):
        pytest.skip("refused")
    reference = np.asarray(nibabel.load(ODD / name).dataobj)  # type: ignore[attr-defined]
    reference = reference.reshape((*reference.shape, 1, 1)[:5])
    for t in range(reference.shape[3]):
        ours = read_image(ODD / name, t).array
        np.testing.assert_allclose(ours, np.moveaxis(reference[:, :, :, t], -1, 0), rtol=1e-6)


ORIENTATIONS = sorted((ODD / "orient48").glob("*.nii.gz"))


@needs_data
@pytest.mark.parametrize("path", ORIENTATIONS, ids=lambda path: path.name[:3])
def test_all_orientations_are_one_picture_and_masks_go_back_exactly(path: Path, tmp_path: Path) -> None:
    volume = read_image(path)
    assert volume.grid.axcodes == path.name[:3]
    voxels, affine = world_picture(volume)
    reference, reference_affine = world_picture(read_image(ORIENTATIONS[0]))
    np.testing.assert_array_equal(voxels, reference)
    np.testing.assert_allclose(affine, reference_affine, atol=1e-4)

    mask = (volume.array[0] > 30).astype(np.uint8)
    write_labels(tmp_path / "mask.nii.gz", Labels(mask, volume.grid))
    back = read_labels(tmp_path / "mask.nii.gz")
    np.testing.assert_array_equal(back.array, mask)
    np.testing.assert_array_equal(back.grid.affine, volume.grid.affine)
    assert back.grid.header == volume.grid.header


@needs_data
def test_byte_orders_and_pairs_tell_the_same_image() -> None:
    for one, other in (("endian/big.nii.gz", "endian/little.nii.gz"), ("pairs/air.hdr.gz", "pairs/air2.hdr.gz")):
        first, second = read_image(ODD / one), read_image(ODD / other)
        np.testing.assert_array_equal(first.array, second.array)
        assert first.grid.mismatch(second.grid) is None


@needs_data
def test_left_and_right_stay_in_the_patient() -> None:
    left, left_affine = world_picture(read_image(ODD / "endian/avg152T1_LR_big_sform_only.nii.gz"))
    right, right_affine = world_picture(read_image(ODD / "endian/avg152T1_RL_big_sform_only.nii.gz"))
    np.testing.assert_array_equal(left, right)
    np.testing.assert_allclose(left_affine, right_affine)


@needs_data
def test_labels_know_whether_they_are_on_the_grid_of_the_image() -> None:
    flair = read_image(ODD / "affine/FLAIR_oblique.nii.gz").grid
    lesion = read_labels(ODD / "affine/lesion_label_for_FLAIR.nii.gz")
    assert flair.mismatch(lesion.grid) is None
    assert lesion.values == (0, 1, 2, 3)
    hippocampus = read_grid(ODD / "derived/plain_named_gz.nii.gz").grid
    assert "shapes differ" in str(hippocampus.mismatch(read_labels(ODD / "derived/label_shape_mismatch.nii.gz").grid))
    assert "origins differ" in str(hippocampus.mismatch(read_labels(ODD / "derived/label_affine_mismatch.nii.gz").grid))


@needs_data
def test_unknown_orientation_is_said() -> None:
    header = read_grid(ODD / "pairs/minimal.hdr")
    assert not header.grid.oriented
    assert "no orientation" in header.notes[0]


@needs_data
def test_several_volumes_want_a_choice_and_are_no_labels() -> None:
    with pytest.raises(BadFileError, match=r"20 volumes.*0 to 19"):
        read_image(ODD / "dims/functional_4d_20vol.nii")
    with pytest.raises(BadFileError, match="20 volumes"):
        read_labels(ODD / "dims/functional_4d_20vol.nii")
    with pytest.raises(BadFileError, match="3 channels"):
        read_labels(ODD / "dims/5D_zeros.nii.gz")


@needs_data
def test_float_labels_of_the_hippocampus_are_whole_numbers(data_root: Path) -> None:
    for case in ("003", "243"):
        path = data_root / "hippocampus" / "labels" / f"hippocampus_{case}.nii.gz"
        if not path.is_file():
            pytest.skip(f"no {path.name}")
        assert read_labels(path).values == (0, 1, 2)
